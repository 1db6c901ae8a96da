/** Addresses for Services of type LoadBalancer: who has which. What was given back is the last to be given again. */
export class AddressPool {
  readonly #first: number
  readonly #size: number
  readonly #owners = new Map<string, string>()
  readonly #addresses = new Map<string, string>()
  #next = 0

  /** Throws `RangeError` for what is not a range of IPv4 addresses. */
  constructor(cidr: string) {
    const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr)
    const parts = match?.slice(1, 5).map(Number) ?? []
    const bits = Number(match?.[5])
    if (parts.length !== 4 || parts.some((part) => part > 255) || !(bits >= 16 && bits <= 32))
      throw new RangeError(`not a range of IPv4 addresses with a prefix from 16 to 32: ${cidr}`)
    this.#size = 2 ** (32 - bits)
    const address = parts.reduce((value, part) => value * 256 + part, 0)
    this.#first = Math.floor(address / this.#size) * this.#size
  }

  /** Its own text only: `010.0.0.1` is nobody's. */
  has(address: string): boolean {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    return value >= this.#first && value < this.#first + this.#size && this.#at(value - this.#first) === address
  }

  /** That the Service has this address; false when another one has it. */
  occupy(service: string, address: string): boolean {
    const owner = this.#owners.get(address)
    if (owner !== undefined && owner !== service) return false
    if (this.#addresses.get(service) !== address) this.release(service)
    this.#owners.set(address, service)
    this.#addresses.set(service, address)
    return true
  }

  release(service: string): void {
    const address = this.#addresses.get(service)
    if (address !== undefined) this.#owners.delete(address)
    this.#addresses.delete(service)
  }

  /** The address that it has, or else any free one; undefined when there is none. */
  take(service: string): string | undefined {
    const known = this.#addresses.get(service)
    if (known !== undefined) return known
    for (let step = 0; step < this.#size; step++) {
      const index = (this.#next + step) % this.#size
      const address = this.#at(index)
      if (this.#owners.has(address)) continue
      this.#next = (index + 1) % this.#size
      this.occupy(service, address)
      return address
    }
    return undefined
  }

  #at(index: number): string {
    const value = this.#first + index
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
  }
}
