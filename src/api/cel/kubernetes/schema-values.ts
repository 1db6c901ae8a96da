import { deepEqual, isJsonObject } from '../../meta/deep.ts'
import { goTypeName } from '../../meta/go-format.ts'
import { isEmbedded, isIntOrString, itemsOf, type JsonSchema, keepsUnknown, valuesOf } from '../../structural/json-schema.ts'
import { fromJson } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import { outcomesEqual } from '../values/equality.ts'
import { Double } from '../values/numbers.ts'
import { parseDuration, parseTimestamp } from '../values/time.ts'
import { ListValue, MapValue, Opaque, type Outcome, type Value } from '../values/value.ts'
import { wholeProperties } from './decl-type.ts'
import { escapeName, unescapeName } from './names.ts'

/** A JSON value as its schema says it is to be seen. `isRoot`: a whole object. */
export function schemaValue(json: unknown, schema: JsonSchema, isRoot = false): Outcome {
  if (json === null || json === undefined)
    return schema.nullable === true ? null : new CelError('invalid data, got null for schema with nullable=false')
  if (isIntOrString(schema)) {
    if (typeof json === 'string' || Number.isInteger(json)) return fromJson(json)
    return new CelError('invalid data, expected XIntOrString value to be either a string or integer')
  }
  switch (schema.type) {
    case 'object':
      if (!isJsonObject(json)) return new CelError('invalid data, expected a map for the provided schema with type=object')
      return new SchemaMap(json, schema, isRoot || isEmbedded(schema) ? wholeProperties(schema) : schema.properties)
    case 'array':
      return listOf(json, schema)
    case 'string':
      return typeof json === 'string' ? textOf(json, schema.format) : new CelError(`invalid data, expected string, got ${goTypeName(json)}`)
    case 'number':
      return typeof json === 'number' ? new Double(json) : new CelError(`invalid data, expected float, got ${goTypeName(json)}`)
    case 'integer':
      return Number.isInteger(json) ? fromJson(json) : new CelError(`invalid data, expected int, got ${goTypeName(json)}`)
    case 'boolean':
      return typeof json === 'boolean' ? json : new CelError(`invalid data, expected bool, got ${goTypeName(json)}`)
    default:
  }
  if (keepsUnknown(schema)) return new UnknownValue(json)
  return new CelError(
    `invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ${schema.type ?? ''}`,
  )
}

function listOf(json: unknown, schema: JsonSchema): Outcome {
  if (!Array.isArray(json)) return new CelError('invalid data, expected an array for the provided schema with type=array')
  const items = itemsOf(schema)
  if (items === undefined) return new CelError('invalid array type, expected Items with a non-empty Schema')
  switch (schema['x-kubernetes-list-type']) {
    case 'map':
      return new KeyedList(json, items, schema['x-kubernetes-list-map-keys'] ?? [])
    case 'set':
      return new SetList(json, items)
    default:
      return new SchemaList(json, items)
  }
}

function textOf(text: string, format: string | undefined): Outcome {
  switch (format) {
    case 'duration':
      return parseDuration(text) ?? new CelError(`Invalid duration ${text}`)
    case 'date':
      return parseTimestamp(`${text}T00:00:00Z`) ?? new CelError(`Invalid date formatted string ${text}`)
    case 'date-time':
      return parseTimestamp(text) ?? new CelError(`Invalid date-time formatted string ${text}`)
    case 'byte':
      return bytesOf(text) ?? new CelError(`Invalid byte formatted string ${text}`)
    default:
      return text
  }
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text)
  } catch {
    return undefined
  }
}

/** A value of which the schema says nothing: it can only be compared. */
class UnknownValue extends Opaque {
  readonly typeName = 'unknown'
  readonly json: unknown
  constructor(json: unknown) {
    super()
    this.json = json
  }
  equals(other: Opaque): boolean {
    return other instanceof UnknownValue && deepEqual(other.json, this.json)
  }
}

class SchemaMap extends MapValue {
  readonly json: Readonly<Record<string, unknown>>
  readonly #schema: JsonSchema
  readonly #properties: Readonly<Record<string, JsonSchema>> | undefined
  #keys: readonly string[] | undefined

  constructor(json: Readonly<Record<string, unknown>>, schema: JsonSchema, properties: Readonly<Record<string, JsonSchema>> | undefined) {
    super()
    this.json = json
    this.#schema = schema
    this.#properties = properties
  }
  get size(): number {
    return Object.keys(this.json).length
  }
  override get(key: Value): Outcome | undefined {
    if (typeof key !== 'string') return new CelError('no such overload')
    const name = this.#properties === undefined ? key : unescapeName(key)
    if (name === undefined || !Object.hasOwn(this.json, name)) return undefined
    const value = this.json[name]
    if (value === undefined || (value === null && this.#properties !== undefined)) return undefined
    const schema = this.#schemaOf(name)
    return schema === undefined ? undefined : schemaValue(value, schema)
  }
  override keys(): readonly string[] {
    this.#keys ??= Object.keys(this.json)
      .filter((name) => this.#schemaOf(name) !== undefined)
      .map((name) => (this.#properties === undefined ? name : (escapeName(name) ?? name)))
    return this.#keys
  }
  /** Members without a schema are compared as they are. */
  override equals(other: MapValue): Outcome | undefined {
    if (this.size !== other.size) return false
    for (const [name, value] of Object.entries(this.json)) {
      if (this.#schemaOf(name) === undefined) {
        if (!(other instanceof SchemaMap)) return new CelError('no such overload')
        if (Object.hasOwn(other.json, name) && !deepEqual(value, other.json[name])) return false
        continue
      }
      const key = this.#properties === undefined ? name : (escapeName(name) ?? name)
      const mine = this.get(key)
      const theirs = other.get(key)
      if (mine === undefined || theirs === undefined) {
        if (mine !== theirs) return false
        continue
      }
      const equal = outcomesEqual(mine, theirs)
      if (equal !== true) return equal
    }
    return true
  }
  #schemaOf(name: string): JsonSchema | undefined {
    if (this.#properties === undefined) return valuesOf(this.#schema)
    return Object.hasOwn(this.#properties, name) ? this.#properties[name] : undefined
  }
}

class SchemaList extends ListValue {
  readonly json: readonly unknown[]
  protected readonly items: JsonSchema
  constructor(json: readonly unknown[], items: JsonSchema) {
    super()
    this.json = json
    this.items = items
  }
  get size(): number {
    return this.json.length
  }
  override at(index: number): Outcome {
    return schemaValue(this.json[index], this.items)
  }
}

/** Elements that are the same by their keys are the same place in the list, whatever their order. */
class KeyedList extends SchemaList {
  readonly #keys: readonly string[]
  constructor(json: readonly unknown[], items: JsonSchema, keys: readonly string[]) {
    super(json, items)
    this.#keys = keys
  }
  override equals(other: ListValue): Outcome | undefined {
    if (this.size !== other.size) return false
    if (!(other instanceof SchemaList)) return this.#equalsAny(other)
    const byKey = new Map(this.json.map((item) => [this.#keyOf(item), item]))
    for (let i = 0; i < other.size; i++) {
      const key = this.#keyOf(other.json[i])
      if (!byKey.has(key)) return false
      const equal = outcomesEqual(schemaValue(byKey.get(key), this.items), other.at(i))
      if (equal !== true) return equal
    }
    return true
  }
  #equalsAny(other: ListValue): Outcome {
    for (let i = 0; i < other.size; i++) {
      const wanted = other.at(i)
      if (!Array.from({ length: this.size }, (_, at) => outcomesEqual(this.at(at), wanted)).includes(true)) return false
    }
    return true
  }
  override concat(other: ListValue): Outcome | undefined {
    if (!(other instanceof SchemaList)) return undefined
    const places = new Map(this.json.map((item, i) => [this.#keyOf(item), i]))
    const joined = [...this.json]
    for (const item of other.json) {
      const place = places.get(this.#keyOf(item))
      if (place === undefined) joined.push(item)
      else joined[place] = item
    }
    return new KeyedList(joined, this.items, this.#keys)
  }
  #keyOf(item: unknown): string {
    return JSON.stringify(this.#keys.map((key) => (isJsonObject(item) ? (item[key] ?? null) : null)))
  }
}

/** Elements that are there already are not added again. */
class SetList extends SchemaList {
  override equals(other: ListValue): Outcome | undefined {
    if (this.size !== other.size) return false
    const known = new Set(this.json.map((item) => JSON.stringify(item)))
    for (const item of jsonItems(other)) if (!known.has(JSON.stringify(item))) return false
    return true
  }
  override concat(other: ListValue): Outcome {
    const known = new Set(this.json.map((item) => JSON.stringify(item)))
    const joined = [...this.json]
    for (const item of jsonItems(other)) {
      const text = JSON.stringify(item)
      if (known.has(text)) continue
      known.add(text)
      joined.push(item)
    }
    return new SetList(joined, this.items)
  }
}

function jsonItems(list: ListValue): readonly unknown[] {
  if (list instanceof SchemaList) return list.json
  return Array.from({ length: list.size }, (_, i) => list.at(i))
}
