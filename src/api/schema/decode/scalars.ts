import { messageOf } from '#base/pure'
import { canonicalQuantity } from '../../meta/quantity.ts'
import { canonicalBase64 } from './base64.ts'
import type { DecodeRun } from './run.ts'
import type { Decoder } from './types.ts'
import type { ScalarSchema } from '../schema.ts'
import { canonicalMicroTime, canonicalTime } from './times.ts'

const INTEGER = /^-?\d+$/

/** Without a Go type nothing is refused or rewritten. */
export function scalarDecoder(schema: ScalarSchema, goType: string | undefined): Decoder {
  if (goType === undefined) return (value) => value
  switch (schema.kind) {
    case 'string':
    case 'duration':
      return (value, run) => {
        if (typeof value !== 'string') run.wrongType(value, goType)
        return value
      }
    case 'boolean':
      return (value, run) => {
        if (typeof value !== 'boolean') run.wrongType(value, goType)
        return value
      }
    case 'integer':
      return integerDecoder(schema.format === 'int32' ? 32 : 64, goType)
    case 'number':
      return (value, run) => {
        if (typeof value !== 'number') run.wrongType(value, goType)
        return value
      }
    case 'int-or-string':
      return (value, run, holder, key) => {
        if (typeof value === 'string') return value
        const literal = typeof value === 'number' ? (run.literalAt(holder, key) ?? String(value)) : undefined
        if (literal === undefined || !fits(literal, 32)) run.stopWithWrongType(value, 'int32', literal)
        return value
      }
    case 'quantity':
      return quantityDecoder
    case 'time':
      return (value, run) => timeOf(value, run, canonicalTime)
    case 'micro-time':
      return (value, run) => timeOf(value, run, canonicalMicroTime)
    case 'bytes':
      return (value, run) => {
        if (Array.isArray(value)) {
          const other: unknown = value.find((item) => !isByte(item))
          if (other === undefined) return Uint8Array.from(value as number[]).toBase64()
          run.wrongType(other, 'uint8', typeof other === 'number' ? String(other) : undefined)
          return value
        }
        if (typeof value !== 'string') {
          run.wrongType(value, goType)
          return value
        }
        return canonicalBase64(value, (message) => run.note(run.isRestored ? `error decoding from json: ${message}` : message))
      }
    default:
      return schema.kind satisfies never
  }
}

/** Go also reads bytes that are written as a list of numbers. */
function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}

function integerDecoder(bits: 32 | 64, goType: string): Decoder {
  return (value, run, holder, key) => {
    if (typeof value !== 'number') {
      run.wrongType(value, goType)
      return value
    }
    // The common case first: a small whole number that was written as one.
    const literal = run.literalAt(holder, key)
    if (literal === undefined && (value | 0) === value) return value
    const text = literal ?? String(value)
    if (run.isRestored && bits === 32 && Number.isSafeInteger(value)) return Number(BigInt.asIntN(32, BigInt(value)))
    if (!fits(text, bits)) run.wrongType(value, goType, text)
    // Kubernetes keeps such a number; refusing it is better than storing another one.
    else if (!Number.isSafeInteger(value)) run.note(`number ${text} is beyond 2^53 and cannot be kept exactly`)
    return value
  }
}

/** Whether a number text is a whole number, written without point or exponent, of so many bits. */
function fits(text: string, bits: 32 | 64): boolean {
  return INTEGER.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text)
}

/** Small numbers with the suffixes that people write are in their only form already. */
const CANONICAL = /^[1-9]\d{0,2}(?:m|Ki|Mi|Gi|Ti|k|M|G|T)?$/

function quantityDecoder(value: unknown, run: DecodeRun, holder: object, key: string | number): unknown {
  if (typeof value === 'string' && CANONICAL.test(value)) return value
  const text = typeof value === 'number' ? (run.literalAt(holder, key) ?? String(value)) : value
  try {
    // Whatever is neither text nor number is read as its JSON text, and refused for that.
    return canonicalQuantity(typeof text === 'string' ? text : JSON.stringify(text))
  } catch (error) {
    return run.stop(messageOf(error))
  }
}

function timeOf(value: unknown, run: DecodeRun, canonical: (text: string) => string): unknown {
  if (typeof value !== 'string') return run.stopWithWrongType(value, 'string')
  try {
    return canonical(value)
  } catch (error) {
    return run.stop(messageOf(error))
  }
}
