import { CelError } from '../values/error.ts'
import { Double, type Int, intOf, intOfDouble, OVERFLOW, Uint, UINT_OVERFLOW, uintOf } from '../values/numbers.ts'
import { codePointLength } from '../syntax/issues.ts'
import { type Duration, inUnits, parseDuration, parseTimestamp, Timestamp } from '../values/time.ts'
import { textOf } from '../values/text.ts'
import { typeNameOf } from '../values/types.ts'
import { type ListValue, type MapValue, type Outcome, TypeValue, type Value } from '../values/value.ts'
import type { Library } from '../types/functions.ts'

const same = (value: Value): Outcome => value
const text = (value: Value): Outcome => textOf(value) ?? new CelError('no such overload')
const failed = (from: string, to: string): CelError => new CelError(`type conversion error from '${from}' to '${to}'`)
const INT = /^[+-]?\d+$/
const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function boolOf(value: string): Outcome {
  if (TRUE.has(value)) return true
  return FALSE.has(value) ? false : failed('string', 'bool')
}

function doubleOfText(value: string): Outcome {
  const plain = value.replace(/^[+-]/, '').toLowerCase()
  const sign = value.startsWith('-') ? -1 : 1
  if (plain === 'nan') return new Double(Number.NaN)
  if (plain === 'inf' || plain === 'infinity') return new Double(sign * Number.POSITIVE_INFINITY)
  if (!FLOAT.test(value)) return failed('string', 'double')
  const number = Number(value)
  return Number.isFinite(number) ? new Double(number) : failed('string', 'double')
}

function intOfText(value: string): Outcome {
  if (!INT.test(value) || value.length > 40) return failed('string', 'int')
  const number = intOf(BigInt(value.replace(/^\+/, '')))
  return number instanceof CelError ? failed('string', 'int') : number
}

function uintOfText(value: string): Outcome {
  if (!/^\d+$/.test(value) || value.length > 40) return failed('string', 'uint')
  const number = BigInt(value)
  return number < 2n ** 64n ? new Uint(number) : failed('string', 'uint')
}

function uintOfDouble(value: number): Outcome {
  return value >= 0 && value < 2 ** 64 ? new Uint(BigInt(Math.trunc(value))) : UINT_OVERFLOW
}

/** A moment of the epoch is a number of seconds. */
function timestampOfInt(value: Int): Outcome {
  const made = Timestamp.of(Number(value), 0)
  return made instanceof CelError ? new CelError('timestamp overflow') : made
}

const sizes: Library = (
  [
    ['bytes', 'bytes', (value: Uint8Array) => value.length],
    ['list', 'list(A)', (value: ListValue) => value.size],
    ['map', 'map(A, B)', (value: MapValue) => value.size],
    ['string', 'string', codePointLength],
  ] as const
).flatMap(([id, type, run]) => [
  ['size', `size_${id}`, `(${type}) -> int`, run as (...args: never[]) => Outcome] as const,
  ['size', `${id}_size`, `${type}.() -> int`, run as (...args: never[]) => Outcome] as const,
])

export const conversions: Library = [
  ...sizes,
  ['type', 'type', '(A) -> type(A)', (value: Value) => new TypeValue(typeNameOf(value))],
  ['dyn', 'to_dyn', '(A) -> dyn', same],
  ['bool', 'bool_to_bool', '(bool) -> bool', same],
  ['bool', 'string_to_bool', '(string) -> bool', boolOf],
  ['bytes', 'bytes_to_bytes', '(bytes) -> bytes', same],
  ['bytes', 'string_to_bytes', '(string) -> bytes', (value: string) => new TextEncoder().encode(value)],
  ['double', 'double_to_double', '(double) -> double', same],
  ['double', 'int64_to_double', '(int) -> double', (value: Int) => new Double(Number(value))],
  ['double', 'string_to_double', '(string) -> double', doubleOfText],
  ['double', 'uint64_to_double', '(uint) -> double', (value: Uint) => new Double(Number(value.value))],
  ['duration', 'duration_to_duration', '(duration) -> duration', same],
  ['duration', 'int64_to_duration', '(int) -> duration', () => failed('int', 'google.protobuf.Duration')],
  [
    'duration',
    'string_to_duration',
    '(string) -> duration',
    (value: string) => parseDuration(value) ?? failed('string', 'google.protobuf.Duration'),
  ],
  ['int', 'int64_to_int64', '(int) -> int', same],
  ['int', 'double_to_int64', '(double) -> int', (value: Double) => intOfDouble(value.value) ?? OVERFLOW],
  ['int', 'duration_to_int64', '(duration) -> int', (value: Duration) => inUnits(value, 1)],
  ['int', 'string_to_int64', '(string) -> int', intOfText],
  ['int', 'timestamp_to_int64', '(timestamp) -> int', (value: Timestamp) => value.seconds],
  ['int', 'uint64_to_int64', '(uint) -> int', (value: Uint) => intOf(value.value)],
  ['string', 'string_to_string', '(string) -> string', same],
  ['string', 'bool_to_string', '(bool) -> string', text],
  ['string', 'bytes_to_string', '(bytes) -> string', text],
  ['string', 'double_to_string', '(double) -> string', text],
  ['string', 'duration_to_string', '(duration) -> string', text],
  ['string', 'int64_to_string', '(int) -> string', text],
  ['string', 'timestamp_to_string', '(timestamp) -> string', text],
  ['string', 'uint64_to_string', '(uint) -> string', text],
  ['timestamp', 'timestamp_to_timestamp', '(timestamp) -> timestamp', same],
  ['timestamp', 'int64_to_timestamp', '(int) -> timestamp', timestampOfInt],
  [
    'timestamp',
    'string_to_timestamp',
    '(string) -> timestamp',
    (value: string) => parseTimestamp(value) ?? failed('string', 'google.protobuf.Timestamp'),
  ],
  ['uint', 'uint64_to_uint64', '(uint) -> uint', same],
  ['uint', 'double_to_uint64', '(double) -> uint', (value: Double) => uintOfDouble(value.value)],
  ['uint', 'int64_to_uint64', '(int) -> uint', (value: Int) => uintOf(BigInt(value))],
  ['uint', 'string_to_uint64', '(string) -> uint', uintOfText],
]

/** Functions whose result is known when their argument is: they are carried out while an expression is made ready. */
export const CONVERSIONS: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
])
