import { type JsonSchema, isEmbedded, isIntOrString, itemsOf, valuesOf } from '../../structural/json-schema.ts'
import type { Estimate } from '../cost/estimates.ts'
import { type CelType, listType, mapType, structType, TYPES } from '../types/type.ts'
import { escapeName } from './names.ts'

/** What a schema says of values, as far as expressions and the estimates of their cost need it. */
export interface DeclType {
  readonly kind: 'object' | 'list' | 'map' | 'scalar'
  /** Of scalars. */
  readonly type?: CelType
  /** By the names that expressions use. */
  readonly fields?: ReadonlyMap<string, DeclType>
  readonly element?: DeclType
  /** How many elements or characters there may be. */
  readonly maxElements: number
  /** How few bytes a value takes in a request. */
  readonly minSize: number
}

/** No request is longer. */
export const MAX_REQUEST_BYTES = 3 * 1024 * 1024
const MOST_CHARACTERS = MAX_REQUEST_BYTES - 2

const scalar = (type: CelType, minSize: number, maxElements = 0): DeclType => ({ kind: 'scalar', type, minSize, maxElements })
const STRING = scalar(TYPES.string, 2)

/** Undefined for what expressions cannot see. `isRoot`: a whole object, with the names of its metadata. */
export function declTypeOf(schema: JsonSchema, isRoot: boolean): DeclType | undefined {
  if (isIntOrString(schema)) return scalar(TYPES.dyn, 1, schema.maxLength === undefined ? MOST_CHARACTERS : bytesOf(schema.maxLength))
  switch (schema.type) {
    case 'array': {
      const items = itemsOf(schema)
      const element = items === undefined ? undefined : declTypeOf(items, isEmbedded(items))
      if (element === undefined) return undefined
      const most = schema.maxItems ?? Math.floor(MOST_CHARACTERS / (element.minSize + 1))
      return { kind: 'list', element, maxElements: Math.max(0, most), minSize: 2 }
    }
    case 'object':
      return objectDecl(schema, isRoot)
    case 'string':
      return stringDecl(schema)
    case 'boolean':
      return scalar(TYPES.bool, 4)
    case 'number':
      return scalar(TYPES.double, 1)
    case 'integer':
      return scalar(TYPES.int, 1)
    default:
      return undefined
  }
}

/** Characters may take four bytes. */
const bytesOf = (characters: number): number => Math.max(0, characters) * 4

function objectDecl(schema: JsonSchema, isRoot: boolean): DeclType | undefined {
  const values = valuesOf(schema)
  if (values !== undefined) {
    const element = declTypeOf(values, isEmbedded(values))
    if (element === undefined) return undefined
    const most = schema.maxProperties ?? Math.floor(MOST_CHARACTERS / (element.minSize + 6))
    return { kind: 'map', element, maxElements: Math.max(0, most), minSize: 2 }
  }
  const fields = new Map<string, DeclType>()
  let minSize = 2
  for (const [name, property] of Object.entries(isRoot ? wholeProperties(schema) : (schema.properties ?? {}))) {
    const type = declTypeOf(property, isEmbedded(property))
    if (type === undefined) continue
    const escaped = escapeName(name)
    if (escaped !== undefined) fields.set(escaped, type)
    if (schema.required?.includes(name) && property.default === undefined) minSize += name.length + type.minSize + 4
  }
  return { kind: 'object', fields, maxElements: 0, minSize }
}

const TEXT: JsonSchema = { type: 'string' }
const METADATA: JsonSchema = { type: 'object', properties: { name: TEXT, generateName: TEXT } }

/** The properties of a whole object: of its metadata expressions see the names only. */
export function wholeProperties(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const { properties = {} } = schema
  const { kind, apiVersion, metadata } = properties
  const hasNames = metadata?.properties?.['name']?.type === 'string' && metadata.properties['generateName']?.type === 'string'
  if (kind?.type === 'string' && apiVersion?.type === 'string' && metadata?.type === 'object' && hasNames) return properties
  return { ...properties, kind: TEXT, apiVersion: TEXT, metadata: METADATA }
}

function stringDecl(schema: JsonSchema): DeclType {
  switch (schema.format) {
    case 'byte':
      return scalar(TYPES.bytes, 2, Math.max(0, schema.maxLength ?? MOST_CHARACTERS))
    case 'duration':
      return scalar(TYPES.duration, 3, 32)
    case 'date':
      return scalar(TYPES.timestamp, 12, 12)
    case 'date-time':
      return scalar(TYPES.timestamp, 21, 32)
    default:
  }
  if (schema.maxLength !== undefined) return { ...STRING, maxElements: bytesOf(schema.maxLength) }
  const words = schema.enum ?? []
  if (words.length === 0) return { ...STRING, maxElements: MOST_CHARACTERS }
  return {
    ...STRING,
    maxElements: Math.max(0, ...words.map((word) => (typeof word === 'string' ? new TextEncoder().encode(word).length : 0))),
  }
}

/** The type of expressions over such values. Objects are named by their path. */
export function celTypeOf(decl: DeclType, name: string): CelType {
  switch (decl.kind) {
    case 'scalar':
      return decl.type ?? TYPES.dyn
    case 'list':
      return listType(celTypeOf(decl.element as DeclType, `${name}.@idx`))
    case 'map':
      return mapType(TYPES.string, celTypeOf(decl.element as DeclType, `${name}.@elem`))
    case 'object': {
      const known = new Map<string, CelType>()
      return structType(name, (field) => {
        const type = decl.fields?.get(field)
        if (type === undefined) return undefined
        const made = known.get(field) ?? celTypeOf(type, `${name}.${field}`)
        known.set(field, made)
        return made
      })
    }
  }
}

/** How large what lies at a path may be. */
export function sizeAtPath(root: DeclType, path: readonly string[]): Estimate | undefined {
  let decl: DeclType | undefined = root
  for (const name of path.slice(1)) {
    if (name === '@items' || name === '@values') decl = decl.element
    else if (name === '@keys') decl = decl.kind === 'map' ? STRING_KEY : undefined
    else decl = decl.fields?.get(name)
    if (decl === undefined) return undefined
  }
  return { min: 0, max: decl.maxElements }
}
/** Keys are strings of which nothing is said. */
const STRING_KEY = STRING
