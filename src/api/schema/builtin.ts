import { UserError } from '#base/pure'
import facts from './facts.gen.json' with { type: 'json' }
import { goTypeOf } from './go-type.ts'
import type { FactField, FactOptions, Facts } from './facts.ts'
import type { Field, FieldNumber, ListSchema, MapSchema, ObjectSchema, ScalarSchema, Schema } from './schema.ts'

/** The schemas of the built-in types. Each is built once, when it is first asked for, and shared. */
export interface BuiltInSchemas {
  /** Undefined when Kubernetes has no such kind. */
  schemaOf(group: string, version: string, kind: string): ObjectSchema | undefined
  /** By the short name of the facts, `core.v1.PodSpec`. Throws for a name that does not exist. */
  typeNamed(name: string): ObjectSchema
  /** The full OpenAPI name of a schema from here, `io.k8s.api.core.v1.PodSpec`. */
  openApiName(schema: ObjectSchema): string | undefined
  /** The short names of all types. */
  readonly typeNames: readonly string[]
  readonly facts: Facts
}

/**
 * The one set of built-in schemas. Its memory of what has been built is not state that anyone can observe: the same
 * question always gets the same schema.
 */
export const builtInSchemas: BuiltInSchemas = createBuiltInSchemas(facts as unknown as Facts)

export function schemaOf(group: string, version: string, kind: string): ObjectSchema | undefined {
  return builtInSchemas.schemaOf(group, version, kind)
}

function createBuiltInSchemas(table: Facts): BuiltInSchemas {
  const built = new Map<string, ObjectSchema>()
  // By the fields, which the variants of a type (atomic here, merged there) share.
  const names = new Map<ObjectSchema['fields'], string>()

  const typeNamed = (name: string): ObjectSchema => {
    const known = built.get(name)
    if (known !== undefined) return known
    const fact = table.types[name]
    if (fact === undefined) throw new UserError(`there is no built-in type ${name}`)
    const fields = new Map<string, Field>()
    const schema: ObjectSchema = { kind: 'object', name: lastName(name), fields, ...(fact.atomic ? { atomic: true } : {}) }
    // Remembered before its fields are read: types refer to themselves.
    built.set(name, schema)
    names.set(fields, openApiName(table, name))
    for (const field of fact.fields) fields.set(field[0], fieldOf(field, typeNamed, name.endsWith('List') && field[0] === 'items'))
    return schema
  }

  return {
    typeNamed,
    schemaOf: (group, version, kind) => {
      const name = table.kinds[`${group}/${version}/${kind}`]
      return name === undefined ? undefined : typeNamed(name)
    },
    openApiName: (schema) => names.get(schema.fields),
    typeNames: Object.keys(table.types),
    facts: table,
  }
}

/** Lists of objects always have `items`, empty or not. */
function fieldOf([name, type, flags, number, options = {}]: FactField, typeNamed: (name: string) => ObjectSchema, isItems: boolean): Field {
  const schema = withOptions(schemaOfType(type, typeNamed), options)
  const zero = isItems ? [] : zeroOf(schema, type, flags)
  return {
    name,
    schema,
    required: flags.includes('r'),
    goType: options.go ?? goTypeOf(type),
    ...prefixOf(name, number, options),
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(zero === undefined ? {} : { zero }),
    ...(flags.includes('o') && !flags.includes('p') && schema.kind !== 'object' ? { dropEmpty: true } : {}),
    ...(number === 0 ? {} : { proto: protoOf(number, schema, flags, options) }),
  }
}

function protoOf(number: number, { kind }: Schema, flags: string, { protoPath }: FactOptions): FieldNumber {
  const canBeNil = flags.includes('p') || kind === 'list' || kind === 'map' || kind === 'bytes'
  return { number, ...(protoPath === undefined ? {} : { outer: protoPath.slice(0, -1) }), ...(canBeNil ? {} : { isAlways: true }) }
}

/** The struct in the middle by which Go reaches a field. What whole objects say of themselves has no number: it is not sent with them. */
function prefixOf(name: string, number: number, { embedded }: FactOptions): { goPrefix?: string } {
  if (embedded !== undefined) return { goPrefix: embedded }
  return number === 0 && (name === 'kind' || name === 'apiVersion') ? { goPrefix: 'TypeMeta' } : {}
}

const SCALARS: Readonly<Record<string, ScalarSchema>> = {
  string: { kind: 'string' },
  int32: { kind: 'integer', format: 'int32' },
  int64: { kind: 'integer', format: 'int64' },
  double: { kind: 'number', format: 'double' },
  bool: { kind: 'boolean' },
  bytes: { kind: 'bytes', format: 'byte' },
  quantity: { kind: 'quantity', name: 'Quantity' },
  'int-or-string': { kind: 'int-or-string', name: 'IntOrString' },
  time: { kind: 'time', name: 'Time' },
  'micro-time': { kind: 'micro-time', name: 'MicroTime' },
  duration: { kind: 'duration', name: 'Duration' },
}

function schemaOfType(type: string, typeNamed: (name: string) => ObjectSchema): Schema {
  if (type.startsWith('[]')) return { kind: 'list', items: schemaOfType(type.slice(2), typeNamed), listType: 'atomic', listKeys: [] }
  if (type.startsWith('{}')) return { kind: 'map', values: schemaOfType(type.slice(2), typeNamed) }
  if (type === 'any') return { kind: 'any' }
  if (type.startsWith('any:JSONSchemaPropsOr'))
    return {
      kind: 'any',
      name: type.slice(4),
      objects: typeNamed('apiextensions.v1.JSONSchemaProps'),
      instead: type.endsWith('OrBool') ? 'boolean' : 'list',
    }
  if (type.startsWith('any:')) return { kind: 'any', name: type.slice(4) }
  return SCALARS[type] ?? typeNamed(type)
}

/** What the facts say of a field and not of its type: the same type is merged in one place and replaced in another. */
function withOptions(schema: Schema, options: FactOptions): Schema {
  const retainKeys = options.patchStrategy?.includes('retainKeys') ?? false
  switch (schema.kind) {
    case 'list': {
      const merged = options.patchStrategy?.split(',').includes('merge') ?? false
      const list: ListSchema = {
        ...schema,
        listType: options.listType ?? 'atomic',
        listKeys: options.listKeys ?? [],
        ...(merged ? { mergeKey: options.mergeKey ?? '' } : {}),
        ...(retainKeys ? { retainKeys } : {}),
      }
      return list
    }
    case 'map':
      return options.mapType === 'atomic' ? ({ ...schema, atomic: true } satisfies MapSchema) : schema
    case 'object': {
      const { atomic: own = false, ...plain } = schema
      const atomic = options.mapType === undefined ? own : options.mapType === 'atomic'
      const isReplaced = options.patchStrategy === 'replace'
      if (atomic === own && !retainKeys && !isReplaced) return schema
      return {
        ...plain,
        ...(atomic ? { atomic } : {}),
        ...(retainKeys ? { retainKeys } : {}),
        ...(isReplaced ? { isReplaced } : {}),
      }
    }
    default:
      return options.enum === undefined ? schema : ({ ...schema, enum: options.enum } as ScalarSchema)
  }
}

/** What Go writes for a field that was never set; undefined when it writes nothing. */
function zeroOf(schema: Schema, type: string, flags: string): unknown {
  const omitted = flags.includes('o')
  if (flags.includes('p')) return omitted ? undefined : null
  // Structs by value have no notion of empty for `omitempty`, only for `omitzero`.
  switch (schema.kind) {
    case 'object':
      return flags.includes('z') ? undefined : {}
    case 'time':
    case 'micro-time':
      return flags.includes('z') ? undefined : null
    case 'quantity':
      return '0'
    case 'int-or-string':
      return 0
    case 'duration':
      return '0s'
    case 'any':
      return type === 'any:FieldsV1' && omitted ? undefined : null
    case 'list':
    case 'map':
    case 'bytes':
      return omitted ? undefined : null
    case 'string':
      return omitted ? undefined : ''
    case 'boolean':
      return omitted ? undefined : false
    case 'integer':
    case 'number':
      return omitted ? undefined : 0
    default:
      return schema satisfies never
  }
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function openApiName(table: Facts, name: string): string {
  const home = name.slice(0, name.lastIndexOf('.'))
  return `${table.packages[home] ?? home}.${lastName(name)}`
}
