import { SampanError } from '../errors.ts'

/** The bytes are not a protobuf message, or end in the middle of one. */
export class ProtobufError extends SampanError {
  readonly code = 'PROTOBUF'
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
export type WireType = (typeof WIRE)[keyof typeof WIRE]

/** As deep as JSON may be: every walk over what was read may recurse this far. */
const MAX_DEPTH = 1000

const utf8 = new TextDecoder()
const encoder = new TextEncoder()

/** Reads the fields of one message one after the other. Whole numbers beyond 2^53 lose precision. */
export class ProtobufReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number
  readonly #end: number
  #depth = 0

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = from
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** Number and wire type of the next field. */
  tag(): { readonly number: number; readonly wire: WireType } {
    const tag = this.uint()
    const number = Math.floor(tag / 8)
    const wire = tag % 8
    if (number === 0 || (wire !== 0 && wire !== 1 && wire !== 2 && wire !== 5))
      throw new ProtobufError(`proto: illegal tag ${number} (wire type ${wire})`)
    return { number, wire }
  }

  uint(): number {
    let value = 0
    let factor = 1
    for (let size = 0; size < 10; size++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
    throw new ProtobufError('proto: integer overflow')
  }

  /** A signed number of 32 or 64 bits: negative ones take all ten bytes. */
  int(): number {
    const from = this.#at
    const value = this.uint()
    if (value <= Number.MAX_SAFE_INTEGER) return value
    this.#at = from
    let exact = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      exact |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, exact))
    }
  }

  bool(): boolean {
    return this.uint() !== 0
  }

  double(): number {
    this.#need(8)
    const value = this.#view.getFloat64(this.#at, true)
    this.#at += 8
    return value
  }

  fixed64(): bigint {
    this.#need(8)
    const value = this.#view.getBigUint64(this.#at, true)
    this.#at += 8
    return value
  }

  /** A view of the message's own bytes. */
  bytes(): Uint8Array {
    const length = this.uint()
    this.#need(length)
    const from = this.#at
    this.#at += length
    return this.#bytes.subarray(from, this.#at)
  }

  string(): string {
    return utf8.decode(this.bytes())
  }

  message(): ProtobufReader {
    const inner = new ProtobufReader(this.bytes())
    inner.#depth = this.#depth + 1
    if (inner.#depth > MAX_DEPTH) throw new ProtobufError('proto: exceeded max depth')
    return inner
  }

  skip(wire: WireType): void {
    switch (wire) {
      case WIRE.varint:
        this.uint()
        return
      case WIRE.fixed64:
        this.#need(8)
        this.#at += 8
        return
      case WIRE.bytes:
        this.bytes()
        return
      case WIRE.fixed32:
        this.#need(4)
        this.#at += 4
        return
      default:
        wire satisfies never
    }
  }

  #byte(): number {
    this.#need(1)
    return this.#bytes[this.#at++] as number
  }

  #need(length: number): void {
    if (this.#at + length > this.#end) throw new ProtobufError('unexpected EOF')
  }
}

const FIRST_SIZE = 1024

/**
 * Writes a message from its end to its beginning, so that the length of an inner message is known when it is written: write the
 * last field first, and what a tag stands before, before the tag.
 */
export class ProtobufWriter {
  #bytes = new Uint8Array(FIRST_SIZE)
  #at = FIRST_SIZE

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#at
  }

  /** What has been written. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  tag(number: number, wire: WireType): void {
    this.uint(number * 8 + wire)
  }

  uint(value: number): void {
    let size = 1
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
    this.#reserve(size)
    let rest = value
    let to = (this.#at -= size)
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[to++] = (rest % 128) | 0x80
    this.#bytes[to] = rest
  }

  int(value: number): void {
    if (value >= 0) return this.uint(value)
    this.#reserve(10)
    this.#at -= 10
    let rest = BigInt.asUintN(64, BigInt(value))
    for (let at = 0; at < 10; at++, rest >>= 7n) this.#bytes[this.#at + at] = Number(rest & 0x7fn) | (at < 9 ? 0x80 : 0)
  }

  bool(value: boolean): void {
    this.uint(value ? 1 : 0)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at -= 8
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value, true)
  }

  fixed64(value: bigint): void {
    this.#reserve(8)
    this.#at -= 8
    new DataView(this.#bytes.buffer).setBigUint64(this.#at, value, true)
  }

  fixed32(value: number): void {
    this.#reserve(4)
    this.#at -= 4
    new DataView(this.#bytes.buffer).setUint32(this.#at, value, true)
  }

  /** With their length in front. */
  bytes(value: Uint8Array): void {
    this.raw(value)
    this.uint(value.length)
  }

  string(value: string): void {
    this.bytes(encoder.encode(value))
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#at -= value.length
    this.#bytes.set(value, this.#at)
  }

  /** Everything that `write` writes, with its length in front. */
  message(write: () => void): void {
    const before = this.length
    write()
    this.uint(this.length - before)
  }

  #reserve(size: number): void {
    if (this.#at >= size) return
    const used = this.length
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, used + size))
    grown.set(this.#bytes.subarray(this.#at), grown.length - used)
    this.#at = grown.length - used
    this.#bytes = grown
  }
}
