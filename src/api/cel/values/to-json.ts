import { CelError } from './error.ts'
import { Double, Uint } from './numbers.ts'
import { Duration, Timestamp } from './time.ts'
import { typeNameOf } from './types.ts'
import { ListValue, MapValue, Optional, type Outcome, type Value } from './value.ts'

/** Deeper than this nothing is written. */
const DEEPEST = 200

/** A value as JSON. A CelError: it has no form there. */
export function toJson(value: Value, depth = 0): unknown {
  if (depth > DEEPEST) return new CelError('the value is nested too deeply')
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Double) return value.value
  if (value instanceof Uint) return Number(value.value)
  if (value instanceof Uint8Array) return value.toBase64()
  if (value instanceof Timestamp || value instanceof Duration) return value.toString()
  if (value instanceof Optional) return value.value === undefined ? null : toJson(value.value, depth)
  if (value instanceof ListValue) {
    const list: unknown[] = []
    for (let i = 0; i < value.size; i++) {
      const item = outcomeToJson(value.at(i), depth)
      if (item instanceof CelError) return item
      list.push(item)
    }
    return list
  }
  if (!(value instanceof MapValue)) return new CelError(`type ${typeNameOf(value)} has no JSON form`)
  const object: Record<string, unknown> = {}
  for (const key of value.keys()) {
    if (typeof key !== 'string') return new CelError(`map key is of type ${typeNameOf(key)}, not string`)
    const member = outcomeToJson(value.get(key) ?? null, depth)
    if (member instanceof CelError) return member
    Object.defineProperty(object, key, { value: member, enumerable: true, configurable: true, writable: true })
  }
  return object
}

function outcomeToJson(outcome: Outcome, depth: number): unknown {
  return outcome instanceof CelError ? outcome : toJson(outcome, depth + 1)
}
