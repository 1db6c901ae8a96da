import { builtInSchemas } from '../schema/builtin.ts'
import type { Field, ObjectSchema, Schema, SchemaRules } from '../schema/schema.ts'
import { type JsonSchema, isEmbedded, isIntOrString, itemsOf, keepsUnknown, valuesOf } from './json-schema.ts'

/** The schema of whole custom objects: what the definition says, and the metadata that every object has. */
export function schemaOfCustomObjects(root: JsonSchema, kind: string): ObjectSchema {
  return { ...objectOf(root, true), name: kind }
}

/** The form in which custom objects lie in the store: only metadata is known, all else is kept as it is. */
export function storedObjectSchema(): ObjectSchema {
  return { kind: 'object', fields: new Map(wholeObjectFields()), keepUnknown: true }
}

function wholeObjectFields(): [string, Field][] {
  const metadata = builtInSchemas.typeNamed('meta.v1.ObjectMeta')
  const field = (name: string, schema: Schema): [string, Field] => [name, { name, schema, required: false }]
  return [field('apiVersion', { kind: 'string' }), field('kind', { kind: 'string' }), field('metadata', metadata)]
}

export function toSchema(schema: JsonSchema): Schema {
  if (isIntOrString(schema)) return { kind: 'int-or-string', ...wordsOf(schema) }
  switch (schema.type) {
    case 'object':
      return objectOrMap(schema)
    case 'array':
      return {
        kind: 'list',
        items: toSchema(itemsOf(schema) ?? {}),
        listType: listTypeOf(schema),
        listKeys: schema['x-kubernetes-list-map-keys'] ?? [],
        ...wordsOf(schema),
      }
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return { kind: schema.type, ...(schema.format === undefined ? {} : { format: schema.format }), ...wordsOf(schema) }
    default:
      return schema.properties === undefined ? { kind: 'any', ...wordsOf(schema) } : objectOf(schema, false)
  }
}

function listTypeOf(schema: JsonSchema): 'atomic' | 'set' | 'map' {
  const type = schema['x-kubernetes-list-type']
  return type === 'set' || type === 'map' ? type : 'atomic'
}

const NOTHING_KNOWN: ObjectSchema = { kind: 'object', fields: new Map() }

function objectOrMap(schema: JsonSchema): Schema {
  const { additionalProperties, properties } = schema
  if (additionalProperties === undefined || (properties !== undefined && Object.keys(properties).length > 0) || keepsUnknown(schema)) {
    return objectOf(schema, false)
  }
  const values = valuesOf(schema)
  const atomic = schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}
  return { kind: 'map', values: values === undefined ? NOTHING_KNOWN : toSchema(values), ...atomic, ...wordsOf(schema) }
}

function objectOf(schema: JsonSchema, isRoot: boolean): ObjectSchema {
  const isWhole = isRoot || isEmbedded(schema)
  const required = new Set(schema.required ?? [])
  const whole = new Map(isWhole ? wholeObjectFields() : [])
  const fields = new Map(whole)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    // What a definition says of metadata are rules over it, not another type.
    if (name === 'metadata' && isWhole) continue
    fields.set(name, fieldOf(name, property, required.has(name)))
  }
  const values = valuesOf(schema)
  return {
    kind: 'object',
    fields,
    ...(keepsUnknown(schema) ? { keepUnknown: true } : {}),
    ...(values === undefined ? {} : { others: toSchema(values) }),
    ...(isEmbedded(schema) ? { embeddedResource: true } : {}),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...wordsOf(schema),
  }
}

function fieldOf(name: string, property: JsonSchema, required: boolean): Field {
  return { name, schema: toSchema(property), required, ...(property.default === undefined ? {} : { default: property.default }) }
}

const RULES: readonly (keyof SchemaRules)[] = [
  'enum',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
]

function wordsOf(schema: JsonSchema): { nullable?: boolean; rules?: SchemaRules } {
  const rules = RULES.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]])
  return {
    ...(schema.nullable === true ? { nullable: true } : {}),
    ...(rules.length === 0 ? {} : { rules: Object.fromEntries(rules) as SchemaRules }),
  }
}
