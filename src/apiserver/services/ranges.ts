import type { Scope } from '#base'
import { cidrText, keyOf, type networking, parseCidr, refs } from '#api'
import type { ObjectReader } from '../contract.ts'
import { addressesOf, numberOf, serviceOf } from './held.ts'
import { NumberPool, reservedPart } from './pool.ts'

/** IPv4 ranges that Services get addresses from: the server's own, and those of ServiceCIDR objects that are ready. */
export class AddressRanges {
  readonly #scope: Scope
  readonly #reader: ObjectReader
  readonly #own: string
  readonly #pools = new Map<string, NumberPool>()
  #version: unknown
  #usable: readonly NumberPool[] = []

  constructor(scope: Scope, reader: ObjectReader, own: string) {
    this.#scope = scope
    this.#reader = reader
    const parsed = parseCidr(own)
    // As ServiceCIDR objects say it.
    this.#own = parsed === undefined ? own : cidrText(parsed)
    const pool = this.#poolOf(this.#own)
    for (const service of reader.list(refs.services)) for (const address of addressesOf(service)) pool.note(address, keyOf(service))
  }

  pools(): readonly NumberPool[] {
    const version = this.#reader.version(refs.servicecidrs)
    if (version !== this.#version || this.#usable.length === 0) {
      this.#version = version
      const further = this.#reader
        .list(refs.servicecidrs)
        .filter(isReady)
        .flatMap(({ spec }) => (spec?.cidrs ?? []).filter(isIPv4))
      this.#usable = [...new Set([this.#own, ...further])].map((cidr) => this.#poolOf(cidr))
    }
    return this.#usable
  }

  #poolOf(cidr: string): NumberPool {
    const known = this.#pools.get(cidr)
    if (known !== undefined) return known
    const [network = '', bits = ''] = cidr.split('/')
    // Neither the network's own address nor the one for all of it.
    const usable = Math.max(2 ** (32 - Number(bits)) - 2, 0)
    const pool = new NumberPool({
      clock: this.#scope.clock,
      random: this.#scope.random,
      first: numberOf(network) + 1,
      size: usable,
      reserved: reservedPart(usable, 16, 256),
      holds: (owner, number) => addressesOf(serviceOf(this.#reader, owner)).includes(number),
    })
    this.#pools.set(cidr, pool)
    return pool
  }
}

const isIPv4 = (cidr: string): boolean => !cidr.includes(':')

function isReady({ metadata, status }: networking.ServiceCIDR): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
}
