import { crc32 } from 'node:zlib'

/** What one transaction of the crash test does; each value that it writes says all of it. */
export interface Plan {
  readonly id: string
  readonly puts: readonly string[]
  readonly deletes: readonly string[]
}

/** A value that can be told from a torn or a foreign one. */
export function encodePlan(plan: Plan, paddingBytes: number): Uint8Array {
  const text = Buffer.from(JSON.stringify(plan))
  const value = Buffer.alloc(8 + text.length + paddingBytes, plan.id)
  value.writeUInt32LE(text.length, 4)
  text.copy(value, 8)
  value.writeUInt32LE(crc32(value.subarray(4)), 0)
  return value
}

export function decodePlan(value: Uint8Array): Plan {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (buffer.length < 8 || buffer.readUInt32LE(0) !== crc32(buffer.subarray(4))) throw new Error(`a torn value of ${buffer.length} bytes`)
  return JSON.parse(buffer.toString('utf8', 8, 8 + buffer.readUInt32LE(4))) as Plan
}
