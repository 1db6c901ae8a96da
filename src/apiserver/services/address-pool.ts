import type { Clock, Random } from '#base'
import { type Cidr, cidrContains, cidrText, ipOf, parseIp } from '#api'
import { NumberPool, type Pool, reservedPart } from './pool.ts'

/** No cluster has so many Services, and a number can say it exactly. */
const MOST = 2 ** 48

/** The addresses of a range, as numbers from the network's own, which nobody gets. */
export class AddressPool implements Pool<string> {
  readonly family: 'IPv4' | 'IPv6'
  readonly #range: Cidr
  readonly #numbers: NumberPool

  /** `holds`: whether the stored object of a key has the address. */
  constructor(range: Cidr, { holds, ...world }: { clock: Clock; random: Random; holds: (owner: string, address: string) => boolean }) {
    this.#range = range
    this.family = range.network.family === 4 ? 'IPv4' : 'IPv6'
    const hostBits = (range.network.family === 4 ? 32 : 128) - range.prefix
    // The last one of IPv4 is for all of the network.
    const size = Math.max(Math.min(2 ** hostBits - (range.network.family === 4 ? 2 : 1), MOST), 0)
    this.#numbers = new NumberPool({
      ...world,
      first: 1,
      size,
      reserved: reservedPart(size, 16, 256),
      holds: (owner, number) => holds(owner, this.#addressAt(number)),
    })
  }

  get range(): string {
    return cidrText(this.#range)
  }

  /** Its own address. */
  get network(): string {
    return this.#range.network.text
  }

  get size(): number {
    return this.#numbers.size
  }

  get taken(): number {
    return this.#numbers.taken
  }

  get given(): NumberPool['given'] {
    return this.#numbers.given
  }

  contains(address: string): boolean {
    return this.#numbers.contains(this.#numberOf(address))
  }

  isTaken(address: string): boolean {
    return this.#numbers.isTaken(this.#numberOf(address))
  }

  note(address: string, owner: string): void {
    const number = this.#numberOf(address)
    if (this.#numbers.contains(number)) this.#numbers.note(number, owner)
  }

  take(address: string, owner: string): void {
    this.#numbers.take(this.#numberOf(address), owner)
  }

  free(address: string, owner: string): void {
    this.#numbers.free(this.#numberOf(address), owner)
  }

  choose(also: (address: string) => boolean = () => true): string | undefined {
    const number = this.#numbers.choose((one) => also(this.#addressAt(one)))
    return number === undefined ? undefined : this.#addressAt(number)
  }

  #addressAt(number: number): string {
    const { family, value } = this.#range.network
    return ipOf(family, value + BigInt(number)).text
  }

  /** 0, which nobody gets, for what is not of the range. */
  #numberOf(address: string): number {
    const ip = parseIp(address)
    return ip === undefined || !cidrContains(this.#range, ip) ? 0 : Number(ip.value - this.#range.network.value)
  }
}
