import type { CelType } from '../types/type.ts'
import { isOptional } from '../types/type.ts'

import { Double, Uint } from '../values/numbers.ts'
import { Duration, Timestamp } from '../values/time.ts'
import { isInt, typeNameOf } from '../values/types.ts'
import { ListValue, MapValue, Optional, TypeValue, type Value } from '../values/value.ts'

export type Guard = (value: Value) => boolean

/** Whether a value is of a type, as far as that can be seen at once. Undefined: every value is. */
export function guardOf(type: CelType): Guard | undefined {
  switch (type.kind) {
    case 'bool':
      return (value) => typeof value === 'boolean'
    case 'string':
      return (value) => typeof value === 'string'
    case 'int':
      return isInt
    case 'uint':
      return (value) => value instanceof Uint
    case 'double':
      return (value) => value instanceof Double
    case 'bytes':
      return (value) => value instanceof Uint8Array
    case 'list':
      return (value) => value instanceof ListValue
    case 'map':
      return (value) => value instanceof MapValue
    case 'timestamp':
      return (value) => value instanceof Timestamp
    case 'duration':
      return (value) => value instanceof Duration
    case 'type':
      return (value) => value instanceof TypeValue
    case 'null':
      return (value) => value === null
    case 'opaque': {
      if (!isOptional(type)) return (value) => value !== null && typeNameOf(value) === type.name
      const inner = type.params[0] === undefined ? undefined : guardOf(type.params[0])
      return (value) => value instanceof Optional && (inner === undefined || value.value === undefined || inner(value.value))
    }
    default:
      return undefined
  }
}
