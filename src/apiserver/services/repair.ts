import { type Scope, messageOf } from '#base'
import { keyOf, refs } from '#api'
import type { Engine } from '#store'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import { AddressClaims, PortClaims, isFromAllocator, ownerOf } from './claims.ts'
import { addressesOf, portsOf, serviceOf } from './held.ts'

export interface ServiceRepairOptions {
  readonly reader: ObjectReader
  readonly writer: ObjectWriter
  readonly engine: Engine
}

/** As often as kube-apiserver. */
const EVERY_MS = 180_000
/** A claim without its Service may belong to a create that is under way; after the longest request it cannot. */
const GRACE_MS = 60_000

/** Brings IPAddress objects and claims of ports in line with the Services, at the start and every few minutes, until the scope ends. */
export async function keepServicesRepaired(scope: Scope, options: ServiceRepairOptions): Promise<void> {
  const repair = serviceRepair(options)
  while (!scope.signal.aborted) {
    await repair(scope).catch((error: unknown) => {
      if (!scope.signal.aborted) scope.log.warn('addresses and ports of Services are not checked', { error: messageOf(error) })
    })
    await scope.sleep(EVERY_MS).catch(() => undefined)
  }
}

/**
 * One look: what Services hold and nobody has claimed is claimed, what is claimed for a Service that does not hold it is given back.
 * Two Services with one address are named in the log: somebody has to choose.
 */
export function serviceRepair({ reader, writer, engine }: ServiceRepairOptions): (scope: Scope) => Promise<void> {
  const addresses = new AddressClaims(reader, () => writer)
  const ports = engine.shared ? new PortClaims(engine) : undefined
  /** Ports that were claimed in vain at the last look: keys of the store carry no time. */
  let suspects = new Map<number, string>()

  async function claimAddresses(scope: Scope): Promise<void> {
    for (const service of reader.list(refs.services))
      for (const name of addressesOf(service)) {
        const found = reader.get(refs.ipaddresses, '', name)
        const owner = found && ownerOf(found)
        if (owner === keyOf(service)) continue
        if (owner !== undefined && addressesOf(serviceOf(reader, owner)).includes(name)) {
          scope.log.error('two Services have one address: delete one of them', { address: name, services: [owner, keyOf(service)] })
          continue
        }
        scope.log.info('an address of a Service is claimed for it', { address: name, service: keyOf(service) })
        if (found !== undefined) await addresses.remove(scope, name)
        // Whoever has claimed it meanwhile is asked about at the next look.
        await addresses.claim(scope, name, service)
      }
  }

  async function freeAddresses(scope: Scope): Promise<void> {
    for (const address of reader.list(refs.ipaddresses)) {
      if (!isFromAllocator(address)) continue
      const { name = '', creationTimestamp = '' } = address.metadata ?? {}
      const owner = ownerOf(address)
      const isHeld = owner !== undefined && addressesOf(serviceOf(reader, owner)).includes(name)
      if (isHeld || (owner !== undefined && scope.clock.now() - Date.parse(creationTimestamp) < GRACE_MS)) continue
      scope.log.info('an address that no Service has is free again', { address: name, service: owner })
      await addresses.remove(scope, name)
    }
  }

  async function repairPorts(scope: Scope, claims: PortClaims): Promise<void> {
    const claimed = await claims.all()
    for (const service of reader.list(refs.services))
      for (const port of portsOf(service)) if (!claimed.has(port)) await claims.claim(scope, port, service)
    const vain = new Map([...claimed].filter(([port, owner]) => !portsOf(serviceOf(reader, owner)).includes(port)))
    for (const [port, owner] of vain) {
      const [namespace, name] = owner.split('/')
      if (suspects.get(port) === owner) await claims.release(scope, port, { metadata: { namespace: namespace ?? '', name: name ?? '' } })
    }
    suspects = vain
  }

  return async (scope) => {
    await claimAddresses(scope)
    await freeAddresses(scope)
    if (ports !== undefined) await repairPorts(scope, ports)
  }
}
