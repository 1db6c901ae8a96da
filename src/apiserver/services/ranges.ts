import type { Scope } from '#base'
import { cidrText, keyOf, type networking, parseCidr, refs, type IpFamily } from '#api'
import type { ObjectReader } from '../contract.ts'
import { AddressPool } from './address-pool.ts'
import { addressesOf, serviceOf } from './held.ts'

/** Ranges that Services get addresses from: the server's own, one for each family that the cluster speaks, and those of ServiceCIDR objects that are ready. */
export class AddressRanges {
  readonly #scope: Scope
  readonly #reader: ObjectReader
  readonly #own: readonly string[]
  /** The first one is that of a Service that says nothing. */
  readonly families: readonly IpFamily[]
  readonly #pools = new Map<string, AddressPool>()
  #version: unknown
  #usable: readonly AddressPool[] = []

  constructor(scope: Scope, reader: ObjectReader, own: readonly string[]) {
    this.#scope = scope
    this.#reader = reader
    // As ServiceCIDR objects say it.
    this.#own = own.map((cidr) => {
      const parsed = parseCidr(cidr)
      if (parsed === undefined) throw new RangeError(`not a range of addresses: ${cidr}`)
      return cidrText(parsed)
    })
    const pools = this.#own.map((cidr) => this.#poolOf(cidr))
    this.families = pools.map(({ family }) => family)
    for (const service of reader.list(refs.services))
      for (const address of addressesOf(service)) for (const pool of pools) pool.note(address, keyOf(service))
  }

  pools(family: IpFamily): readonly AddressPool[] {
    return this.#all().filter((pool) => pool.family === family)
  }

  /** The text of the first one. */
  first(family: IpFamily): string {
    return this.pools(family)[0]?.range ?? ''
  }

  #all(): readonly AddressPool[] {
    const version = this.#reader.version(refs.servicecidrs)
    if (version !== this.#version || this.#usable.length === 0) {
      this.#version = version
      const further = this.#reader
        .list(refs.servicecidrs)
        .filter(isReady)
        .flatMap(({ spec }) => spec?.cidrs ?? [])
      this.#usable = [...new Set([...this.#own, ...further])].map((cidr) => this.#poolOf(cidr))
    }
    return this.#usable
  }

  /** All that there are or were, by their ranges. */
  all(): ReadonlyMap<string, AddressPool> {
    return this.#pools
  }

  #poolOf(cidr: string): AddressPool {
    const known = this.#pools.get(cidr)
    if (known !== undefined) return known
    const range = parseCidr(cidr)
    if (range === undefined) throw new RangeError(`not a range of addresses: ${cidr}`)
    const { clock, random } = this.#scope
    const holds = (owner: string, address: string): boolean => addressesOf(serviceOf(this.#reader, owner)).includes(address)
    const pool = new AddressPool(range, { clock, random, holds })
    this.#pools.set(cidr, pool)
    return pool
  }
}

function isReady({ metadata, status }: networking.ServiceCIDR): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
}
