import { type MetricText, type Scope, messageOf } from '#base'
import { type core, keyOf, refs, type IpFamily, familyOf } from '#api'
import type { Engine } from '#store'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import type { HookRequest, RegistryHook, Undo } from '../registry/core.ts'
import { settleAddresses } from './addresses.ts'
import { writeAllocations } from './allocation-metrics.ts'
import { AddressClaims, PortClaims } from './claims.ts'
import { keepAddress, settleFamilies } from './families.ts'
import { addressesOf, portsOf, serviceOf } from './held.ts'
import { NumberPool, reservedPart } from './pool.ts'
import { type PortRange, settlePorts } from './ports.ts'
import { AddressRanges } from './ranges.ts'
import { type Source, Takings } from './takings.ts'

export interface ServiceAllocationOptions extends PortRange {
  readonly reader: ObjectReader
  readonly writer: () => ObjectWriter
  readonly engine: Engine
  /** One for each family that the cluster speaks, `10.96.0.0/16`; the first one is that of Services that say nothing. */
  readonly addressRanges: readonly string[]
}

type Service = core.Service

export interface ServiceAllocation extends RegistryHook {
  /** How much of the ranges is taken. */
  writeMetrics(text: MetricText): void
}

/**
 * Gives Services their cluster addresses, node ports and health check port. An IPAddress object stands for each
 * address; in a store that servers share, a key for each port. What this server knows of both is made new at each start from what is stored.
 */
export function serviceAllocation(scope: Scope, options: ServiceAllocationOptions): ServiceAllocation {
  let known: Allocator | undefined
  const allocator = (): Allocator => (known ??= new Allocator(scope, options))
  return {
    beforeCreate: (within, draft, request) => allocator().settle(within, draft, undefined, request),
    beforeUpdate: (within, draft, old, request) => allocator().settle(within, draft, old, request),
    afterUpdate: (within, now, old) => allocator().release(within, old, now),
    afterDelete: (within, old) => allocator().release(within, old, undefined),
    writeMetrics: (text) => allocator().writeMetrics(text),
  }
}

/** Of a dry run that asks for no port. */
const FIRST_SHOWN_PORT = 32_769

class Allocator {
  readonly #options: ServiceAllocationOptions
  readonly #ranges: AddressRanges
  readonly #ports: NumberPool
  readonly #addressClaims: AddressClaims
  readonly #portSource: Source<number>

  constructor(scope: Scope, options: ServiceAllocationOptions) {
    const { reader, writer, engine, addressRanges, firstNodePort, lastNodePort } = options
    this.#options = options
    this.#ranges = new AddressRanges(scope, reader, addressRanges)
    const count = lastNodePort - firstNodePort + 1
    this.#ports = new NumberPool({
      clock: scope.clock,
      random: scope.random,
      first: firstNodePort,
      size: count,
      reserved: reservedPart(count, 32, 128),
      holds: (owner, number) => portsOf(serviceOf(reader, owner)).includes(number),
    })
    for (const service of reader.list(refs.services)) for (const port of portsOf(service)) this.#ports.note(port, keyOf(service))
    this.#addressClaims = new AddressClaims(reader, writer)
    this.#portSource = {
      pools: () => [this.#ports],
      claims: engine.shared ? new PortClaims(engine) : undefined,
      // As 32 bits hold it.
      shown: (asked) => (asked.length === 0 ? FIRST_SHOWN_PORT : Math.max(0, ...asked) + 1) | 0,
    }
  }

  writeMetrics(text: MetricText): void {
    writeAllocations(text, this.#ranges.all(), this.#ports)
  }

  /** Brings the draft's addresses and ports to a state in which it can be stored. Throws `StatusError`; what it took before that is given back. */
  async settle(scope: Scope, service: Service, old: Service | undefined, { dryRun }: HookRequest): Promise<Undo | undefined> {
    if (service.spec === undefined) return undefined
    const takings = new Takings(service, dryRun)
    try {
      keepAddress(service, old)
      settleFamilies(service, old, this.#ranges.families)
      settleAddresses(
        (family) => this.#addressSource(family),
        service,
        old,
        takings,
        dryRun ? (family) => this.#ranges.first(family) : undefined,
      )
      settlePorts(this.#portSource, dryRun ? undefined : this.#options, service, old, takings)
      await takings.claim(scope)
    } catch (error) {
      await takings.undo()
      throw error
    }
    return () => takings.undo()
  }

  #addressSource(family: IpFamily): Source<string> {
    return {
      pools: () => this.#ranges.pools(family),
      claims: this.#addressClaims,
      shown: () => this.#ranges.pools(family)[0]?.network,
    }
  }

  /** Gives back what the Service had and has no longer. What cannot be given back now is by the repair. */
  async release(scope: Scope, old: Service, now: Service | undefined): Promise<void> {
    const owner = keyOf(old)
    const [addresses, ports] = [addressesOf(now), portsOf(now)]
    const release = async <T>({ pools, claims }: Source<T>, one: T): Promise<void> => {
      for (const pool of pools()) pool.free(one, owner)
      try {
        await claims?.release(scope, one, old)
      } catch (error) {
        scope.log.warn('a number of a Service is not given back yet', { service: owner, number: one, error: messageOf(error) })
      }
    }
    for (const address of addressesOf(old)) if (!addresses.includes(address)) await release(this.#addressSource(familyOf(address)), address)
    for (const port of portsOf(old)) if (!ports.includes(port)) await release(this.#portSource, port)
  }
}
