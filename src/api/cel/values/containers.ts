import { CelError, NO_OVERLOAD } from './error.ts'
import { Double, Uint } from './numbers.ts'
import { ListValue, MapValue, type Outcome, type Value } from './value.ts'

/** The elements; those that are mistakes too. */
export function* items(list: ListValue): Generator<Outcome> {
  for (let i = 0; i < list.size; i++) yield list.at(i)
}

export class ArrayList extends ListValue {
  readonly values: readonly Value[]
  constructor(values: readonly Value[]) {
    super()
    this.values = values
  }
  get size(): number {
    return this.values.length
  }
  override at(index: number): Value {
    return this.values[index] as Value
  }
}

/** Grows while a loop runs, seen by nobody else until it is done: one list for a whole `map()`. */
export class GrowingList extends ListValue {
  readonly values: Value[] = []
  get size(): number {
    return this.values.length
  }
  override at(index: number): Value {
    return this.values[index] as Value
  }
}

/** Keys are strings, numbers and booleans; numbers of different types are the same key when they are equal. */
export class HashMap extends MapValue {
  readonly #entries = new Map<string | number | bigint | boolean, readonly [Value, Value]>()

  get size(): number {
    return this.#entries.size
  }
  override get(key: Value): Outcome | undefined {
    const hash = hashOf(key)
    return hash === undefined ? undefined : this.#entries.get(hash)?.[1]
  }
  override keys(): readonly Value[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }
  /** Undefined when it worked; a key that is there already gets the new value. Maps that expressions can see are never changed. */
  insert(key: Value, value: Value): CelError | undefined {
    const hash = hashOf(key)
    if (hash === undefined) return new CelError('unsupported key type')
    this.#entries.set(hash, [key, value])
    return undefined
  }
  has(key: Value): boolean {
    const hash = hashOf(key)
    return hash !== undefined && this.#entries.has(hash)
  }
}

function hashOf(key: Value): string | number | bigint | boolean | undefined {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' || typeof key === 'bigint') return key
  if (key instanceof Uint) return key.value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(key.value) : key.value
  if (key instanceof Double && Number.isInteger(key.value)) return Number.isSafeInteger(key.value) ? key.value + 0 : BigInt(key.value)
  return undefined
}

/** A JSON object as it is: strings to values that are adapted when they are asked for. */
export class JsonMap extends MapValue {
  readonly json: Readonly<Record<string, unknown>>
  #keys: readonly string[] | undefined
  constructor(json: Readonly<Record<string, unknown>>) {
    super()
    this.json = json
  }
  get size(): number {
    return this.keys().length
  }
  override get(key: Value): Outcome | undefined {
    if (typeof key !== 'string') return undefined
    if (!Object.hasOwn(this.json, key)) return undefined
    const value = this.json[key]
    return value === undefined ? undefined : fromJson(value)
  }
  override keys(): readonly string[] {
    this.#keys ??= Object.keys(this.json).filter((key) => this.json[key] !== undefined)
    return this.#keys
  }
}

export class JsonList extends ListValue {
  readonly json: readonly unknown[]
  constructor(json: readonly unknown[]) {
    super()
    this.json = json
  }
  get size(): number {
    return this.json.length
  }
  override at(index: number): Value {
    return fromJson(this.json[index])
  }
}

/** A JSON value without a schema. */
export function fromJson(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      return Number.isSafeInteger(value) ? value + 0 : new Double(value)
    case 'object':
      if (value === null) return null
      return Array.isArray(value) ? new JsonList(value) : new JsonMap(value as Readonly<Record<string, unknown>>)
    default:
      return null
  }
}

/** `container[key]`. */
export function indexInto(container: Value, key: Value): Outcome {
  if (container instanceof MapValue) {
    const value = container.get(key)
    return value === undefined ? noSuchKey(key) : value
  }
  if (!(container instanceof ListValue)) return NO_OVERLOAD
  const index = listIndex(key)
  if (index === undefined) return new CelError(`unsupported index type '${typeNameForIndex(key)}' in list`)
  if (!(index >= 0 && index < container.size)) return new CelError(`index out of bounds: ${index}`)
  return container.at(index)
}

function listIndex(key: Value): number | undefined {
  if (typeof key === 'number') return key
  if (typeof key === 'bigint') return Number(key)
  if (key instanceof Uint) return Number(key.value)
  if (key instanceof Double && Number.isInteger(key.value)) return key.value
  return undefined
}

function typeNameForIndex(key: Value): string {
  return key instanceof Double ? 'double' : typeof key === 'string' ? 'string' : typeof key === 'boolean' ? 'bool' : 'dyn'
}

export function noSuchKey(key: Value): CelError {
  const text = typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean' ? String(key) : ''
  return new CelError(`no such key: ${key instanceof Uint ? String(key.value) : key instanceof Double ? String(key.value) : text}`)
}
