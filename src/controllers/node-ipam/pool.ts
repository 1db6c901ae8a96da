/** A cluster's range of pod addresses, cut into equal parts, one for each node. */
export interface PoolRange {
  readonly network: number
  readonly bits: number
  readonly nodeBits: number
}

/** Throws `RangeError` for what cannot be cut so: the words are for whoever set it. */
export function poolRange(cidr: string, nodeMaskSize: number): PoolRange {
  const parsed = parseCidr(cidr)
  if (parsed === undefined) throw new RangeError(`not a range of IPv4 addresses: ${cidr}`)
  if (!Number.isInteger(nodeMaskSize) || nodeMaskSize < parsed.bits || nodeMaskSize > 30)
    throw new RangeError(`a node's part of ${cidr} has a prefix from ${parsed.bits} to 30, not ${nodeMaskSize}`)
  if (nodeMaskSize - parsed.bits > 16) throw new RangeError(`${cidr} has more than 65536 parts of prefix ${nodeMaskSize}`)
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
    this.#size = 2 ** (range.nodeBits - range.bits)
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
    const address = network + index * 2 ** (32 - nodeBits)
    return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}/${nodeBits}`
  }

  #indicesOf(cidr: string): readonly number[] {
    const found = parseCidr(cidr)
    const { network, bits, nodeBits } = this.#range
    if (found === undefined || found.bits < bits) return []
    const step = 2 ** (32 - nodeBits)
    const first = Math.floor((found.network - network) / step)
    const count = Math.max(1, 2 ** (nodeBits - found.bits))
    return first < 0 || first >= this.#size ? [] : Array.from({ length: count }, (_, i) => first + i)
  }
}

function parseCidr(text: string): { readonly network: number; readonly bits: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  if (match === null) return undefined
  const parts = match.slice(1, 5).map(Number)
  const bits = Number(match[5])
  if (bits > 32 || parts.some((part) => part > 255)) return undefined
  const address = parts.reduce((value, part) => value * 256 + part, 0)
  const size = 2 ** (32 - bits)
  return { network: Math.floor(address / size) * size, bits }
}
