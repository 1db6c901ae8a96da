import { Double, Uint } from './numbers.ts'
import { Duration, Timestamp } from './time.ts'
import { ListValue, MapValue, Opaque, Optional, TypeValue, type Value } from './value.ts'

/** The name of a value's type: `int`, `list`, `google.protobuf.Timestamp`. */
export function typeNameOf(value: Value): string {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'int'
  if (value === null) return 'null_type'
  if (value instanceof ListValue) return 'list'
  if (value instanceof MapValue) return value.typeName
  if (value instanceof Double) return 'double'
  if (value instanceof Uint) return 'uint'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  if (value instanceof Optional) return 'optional_type'
  if (value instanceof TypeValue) return 'type'
  if (value instanceof Opaque) return value.typeName
  return value satisfies never
}

export const isInt = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
export function isNumber(value: Value): value is number | bigint | Double | Uint {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Double || value instanceof Uint
}

/** Empty, zero, false, null. */
export function isZero(value: Value): boolean {
  if (value === null || value === '' || value === false || value === 0) return true
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0
  if (value instanceof Double) return value.value === 0
  if (value instanceof Uint) return value.value === 0n
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof Duration) return value.nanos === 0n
  if (value instanceof Optional) return value.value === undefined || isZero(value.value)
  return false
}
