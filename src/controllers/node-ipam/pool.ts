import { type Cidr, cidrContains, ipOf, parseCidr } from '#api'

/** A cluster's range of pod addresses of one family, cut into equal parts, one for each node. */
export interface PoolRange extends Cidr {
  readonly nodeBits: number
}

/** A pod wants more than one address, and its node one for itself. */
const LONGEST = { 4: 30, 6: 126 } as const

/** Throws `RangeError` for what cannot be cut so: the words are for whoever set it. */
export function poolRange(cidr: string, nodeMaskSize: number): PoolRange {
  const parsed = parseCidr(cidr)
  if (parsed === undefined) throw new RangeError(`not a range of addresses: ${cidr}`)
  const longest = LONGEST[parsed.network.family]
  if (!Number.isInteger(nodeMaskSize) || nodeMaskSize < parsed.prefix || nodeMaskSize > longest)
    throw new RangeError(`a node's part of ${cidr} has a prefix from ${parsed.prefix} to ${longest}, not ${nodeMaskSize}`)
  if (nodeMaskSize - parsed.prefix > 16) throw new RangeError(`${cidr} has more than 65536 parts of prefix ${nodeMaskSize}`)
  return { ...parsed, nodeBits: nodeMaskSize }
}

/** Which node has which part. What nodes have already counts, also when it is not a part exactly; a part that was given back is not the next to be given again. */
export class CidrPool {
  readonly #range: PoolRange
  readonly #size: number
  readonly #owners = new Map<number, string>()
  readonly #parts = new Map<string, readonly number[]>()
  #next = 0

  constructor(range: PoolRange) {
    this.#range = range
    this.#size = 2 ** (range.nodeBits - range.prefix)
  }

  /** What the node has, whoever gave it. Answers whether all of it was free and lies in the range. */
  occupy(node: string, cidrs: readonly string[]): boolean {
    this.release(node)
    let clean = true
    const parts: number[] = []
    for (const cidr of cidrs) {
      const indices = this.#indicesOf(cidr)
      if (indices.length === 0) clean = false
      for (const index of indices) {
        if (this.#owners.has(index)) clean = false
        else {
          this.#owners.set(index, node)
          parts.push(index)
        }
      }
    }
    this.#parts.set(node, parts)
    return clean
  }

  release(node: string): void {
    for (const index of this.#parts.get(node) ?? []) this.#owners.delete(index)
    this.#parts.delete(node)
  }

  /** A part for this node, the same one when it was given one before; undefined when there is none left. */
  take(node: string): string | undefined {
    const known = this.#parts.get(node)?.[0]
    if (known !== undefined) return this.#cidrAt(known)
    for (let step = 0; step < this.#size; step++) {
      const index = (this.#next + step) % this.#size
      if (this.#owners.has(index)) continue
      this.#next = (index + 1) % this.#size
      this.#owners.set(index, node)
      this.#parts.set(node, [index])
      return this.#cidrAt(index)
    }
    return undefined
  }

  #cidrAt(index: number): string {
    const { network, nodeBits } = this.#range
    return `${ipOf(network.family, network.value + BigInt(index) * this.#step).text}/${nodeBits}`
  }

  get #step(): bigint {
    const { network, nodeBits } = this.#range
    return 1n << BigInt((network.family === 4 ? 32 : 128) - nodeBits)
  }

  #indicesOf(cidr: string): readonly number[] {
    const found = parseCidr(cidr)
    const { network, prefix, nodeBits } = this.#range
    if (found === undefined || found.prefix < prefix || !cidrContains(this.#range, found.network)) return []
    const first = Number((found.network.value - network.value) / this.#step)
    return Array.from({ length: Math.max(1, 2 ** (nodeBits - found.prefix)) }, (_, i) => first + i)
  }
}
