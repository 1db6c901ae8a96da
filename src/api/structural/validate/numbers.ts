import type { JsonSchema } from '../json-schema.ts'
import { formatOf } from './formats.ts'
import { Result, say } from './result.ts'

const MIN_INT64 = -(2 ** 63)
const MAX_INT64 = 2 ** 63

/** Whether a number is one that Go would hold as an integer. */
const isInteger = (value: number): boolean => Number.isInteger(value) && value >= MIN_INT64 && value < MAX_INT64

/** Ranges, multiples and limits of numbers. Limits are compared as integers when the value is one. */
export function numberFindings(schema: JsonSchema, value: number, at: string): Result {
  const result = new Result()
  checkRange(schema, value, 'Checked', at, result)
  const { multipleOf, minimum, maximum, exclusiveMinimum = false, exclusiveMaximum = false } = schema
  // What the schema says has to be of its own type, too: no value is good beside a limit that is not.
  const asLimit = (limit: number, what: string): number =>
    checkRange(schema, limit, what, at, result) && isInteger(value) ? Math.trunc(limit) : limit
  if (multipleOf !== undefined) checkMultiple(value, asLimit(multipleOf, 'MultipleOf'), at, result)
  if (minimum !== undefined) {
    const limit = asLimit(minimum, 'Minimum boundary')
    if (exclusiveMinimum ? value <= limit : value < limit) {
      result.add(
        say.invalid(at, value, exclusiveMinimum ? `should be greater than ${limit}` : `should be greater than or equal to ${limit}`),
      )
    }
  }
  if (maximum !== undefined) {
    const limit = asLimit(maximum, 'Maximum boundary')
    if (exclusiveMaximum ? value >= limit : value > limit) {
      result.add(say.invalid(at, value, exclusiveMaximum ? `should be less than ${limit}` : `should be less than or equal to ${limit}`))
    }
  }
  return result
}

function checkMultiple(value: number, factor: number, at: string, result: Result): void {
  if (factor <= 0) {
    result.add(say.plain(at, factor, `factor MultipleOf declared for ${at} must be positive: ${factor}`))
    return
  }
  const quotient = factor < 1 ? (1 / factor) * value : value / factor
  // Of what is too large for all its digits to be known, nobody can say.
  const isUnsure = !isInteger(value) && Math.abs(quotient) > Number.MAX_SAFE_INTEGER
  if (isUnsure || !isNearInteger(quotient)) result.add(say.invalid(at, value, `should be a multiple of ${factor}`))
}

const EPSILON = 1e-9

function isNearInteger(value: number): boolean {
  const nearest = Math.round(value)
  return Math.abs(value - nearest) <= EPSILON * Math.max(1, Math.abs(value))
}

const INT32 = 2 ** 31
const MOST_FLOAT32 = 3.4028234663852886e38
const FITS: Readonly<Record<string, (value: number) => boolean>> = {
  int32: (value) => isInteger(value) && value >= -INT32 && value < INT32,
  uint32: (value) => Number.isInteger(value) && value >= 0 && value < 2 * INT32,
  uint64: (value) => Number.isInteger(value) && value >= 0 && value < 2 * MAX_INT64,
}
const fitsFloat32 = (value: number): boolean => Math.abs(value) <= MOST_FLOAT32

/** Whether the number is one of the type and format that the schema names. */
function checkRange(schema: JsonSchema, value: number, what: string, at: string, result: Result): boolean {
  const { type = '' } = schema
  const format = formatOf(schema)
  const isFloat32 = type !== 'integer' && (format === 'float' || format === 'float32')
  const fits = type === 'integer' ? (FITS[format] ?? isInteger) : isFloat32 ? fitsFloat32 : undefined
  if (fits === undefined || fits(value)) return true
  result.add(say.whole(`${what} value must be of type ${type} ${format === '' ? '(default format)' : `with format ${format}`} in ${at}`))
  return false
}
