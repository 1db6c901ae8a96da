import type { CelError } from './error.ts'
import type { Double, Uint } from './numbers.ts'
import type { Duration, Timestamp } from './time.ts'

/** What expressions work on. Whole numbers are numbers and bigints (see numbers.ts), bytes are Uint8Arrays. */
export type Value =
  | null
  | boolean
  | string
  | number
  | bigint
  | Double
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | ListValue
  | MapValue
  | Optional
  | TypeValue
  | Opaque

/** A value, or why there is none. */
export type Outcome = Value | CelError

/** A value of a type of its own, of which expressions see functions only. */
export abstract class Opaque {
  abstract readonly typeName: string
  abstract equals(other: Opaque): boolean
}

export class Optional {
  static readonly none = new Optional(undefined)
  readonly value: Value | undefined
  private constructor(value: Value | undefined) {
    this.value = value
  }
  static of(value: Value): Optional {
    return new Optional(value)
  }
}

/** A type as a value: `int`, `type(x)`. */
export class TypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A list. Elements may be made when they are asked for, and then may turn out to be mistakes. */
export abstract class ListValue {
  abstract readonly size: number
  /** `index` is one of the list's. */
  abstract at(index: number): Outcome
  /** Lists that are sets or maps by their schema are equal and grow in ways of their own; undefined: like any list. */
  equals(_other: ListValue): Outcome | undefined {
    return undefined
  }
  /** Undefined: one behind the other. */
  concat(_other: ListValue): Outcome | undefined {
    return undefined
  }
}

/** A map or an object. */
export abstract class MapValue {
  abstract readonly size: number
  /** Undefined when there is no such key. */
  abstract get(key: Value): Outcome | undefined
  abstract keys(): readonly Value[]
  /** The type whose value it is. */
  get typeName(): string {
    return 'map'
  }
  /** Undefined: like any map. */
  equals(_other: MapValue): Outcome | undefined {
    return undefined
  }
}
