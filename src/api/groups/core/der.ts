export const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** With its tag and length. */
  readonly whole: Uint8Array
}

/** Reads elements of DER one after the other. Whatever is malformed reads as undefined. */
export class DerReader {
  #rest: Uint8Array
  constructor(bytes: Uint8Array) {
    this.#rest = bytes
  }
  get isEmpty(): boolean {
    return this.#rest.length === 0
  }
  get nextTag(): number | undefined {
    return this.#rest[0]
  }

  any(): DerElement | undefined {
    const [tag = 0, first] = this.#rest
    if (first === undefined || (tag & 0x1f) === 0x1f) return undefined
    let length = first
    let start = 2
    if (first >= 0x80) {
      const count = first & 0x7f
      const bytes = this.#rest.subarray(2, 2 + count)
      if (count === 0 || count > 4 || bytes.length < count || bytes[0] === 0) return undefined
      length = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
      // The shortest form is the only one.
      if (length < 0x80) return undefined
      start += count
    }
    if (this.#rest.length < start + length) return undefined
    const whole = this.#rest.subarray(0, start + length)
    this.#rest = this.#rest.subarray(start + length)
    return { tag, whole, content: whole.subarray(start) }
  }

  /** The content of the next element when it has this tag. */
  read(tag: number): Uint8Array | undefined {
    return this.nextTag === tag ? this.any()?.content : undefined
  }
  /** Undefined when it is not there; `malformed` when it should be and is not whole. */
  optional(tag: number): Uint8Array | undefined | 'malformed' {
    return this.nextTag === tag ? (this.any()?.content ?? 'malformed') : undefined
  }
  sequence(): DerReader | undefined {
    const content = this.read(TAGS.sequence)
    return content === undefined ? undefined : new DerReader(content)
  }
  integer(): Uint8Array | undefined {
    const bytes = this.read(TAGS.integer)
    const [first, second = 0] = bytes ?? []
    if (bytes === undefined || first === undefined) return undefined
    const isPadded = bytes.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
    return isPadded ? undefined : bytes
  }
  /** In the hexadecimal digits of its encoding. */
  oid(): string | undefined {
    const bytes = this.read(TAGS.oid)
    return bytes === undefined || bytes.length === 0 || (bytes.at(-1) ?? 0) >= 0x80 ? undefined : bytes.toHex()
  }
  bits(): Uint8Array | undefined {
    const bytes = this.read(TAGS.bits)
    const [unused] = bytes ?? []
    return bytes === undefined || unused === undefined || unused > 7 || (unused > 0 && bytes.length === 1) ? undefined : bytes.subarray(1)
  }
}
