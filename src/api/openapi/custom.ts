import type { Field, ObjectSchema, Schema, SchemaRules } from '../schema/schema.ts'
import type { Components } from './components.ts'
import type { Json } from './dialect.ts'

/** The component of a custom resource: everything in place, except metadata, which is Kubernetes' own. */
export function customComponent(schema: ObjectSchema, kind: Json, components: Components): Json {
  return { ...objectOf(schema, components), 'x-kubernetes-group-version-kind': [kind] }
}

/** The component of a list of custom resources. */
export function customListComponent(item: Json, kind: Json, components: Components): Json {
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: item },
      kind: { type: 'string' },
      metadata: components.builtIn('meta.v1.ListMeta'),
    },
    'x-kubernetes-group-version-kind': [kind],
  }
}

function objectOf(schema: ObjectSchema, components: Components): Json {
  const fields = [...schema.fields.values()]
  const required = fields.filter((field) => field.required).map((field) => field.name)
  const properties = fields.map((field): [string, Json] => [field.name, propertyOf(field, components)]).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(schema.others === undefined ? {} : { additionalProperties: valueOf(schema.others, components) }),
    ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(schema.keepUnknown ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    ...(schema.embeddedResource ? { 'x-kubernetes-embedded-resource': true } : {}),
    ...wordsOf(schema, components),
  }
}

function propertyOf(field: Field, components: Components): Json {
  const value = field.schema.name === 'ObjectMeta' ? components.builtIn('meta.v1.ObjectMeta') : valueOf(field.schema, components)
  return field.default === undefined ? value : { ...value, default: field.default }
}

function valueOf(schema: Schema, components: Components): Json {
  const words = wordsOf(schema, components)
  switch (schema.kind) {
    case 'object':
      return objectOf(schema, components)
    case 'list':
      return {
        type: 'array',
        items: valueOf(schema.items, components),
        ...(schema.listKeys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': schema.listKeys }),
        ...(schema.listType === 'atomic' ? {} : { 'x-kubernetes-list-type': schema.listType }),
        ...words,
      }
    case 'map':
      return {
        type: 'object',
        additionalProperties: valueOf(schema.values, components),
        ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
        ...words,
      }
    case 'any':
      return { ...(components.dialect.version === 2 ? {} : { 'x-kubernetes-preserve-unknown-fields': true }), ...words }
    case 'int-or-string':
      return { 'x-kubernetes-int-or-string': true, ...words }
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: schema.kind, ...formatOf(schema.format), ...words }
    default:
      return { type: 'string', ...formatOf(schema.format), ...words }
  }
}

function formatOf(format: string | undefined): Json {
  return format === undefined ? {} : { format }
}

/** Words that version 2 does not have. */
const ONLY_V3: readonly (keyof SchemaRules)[] = ['allOf', 'anyOf', 'oneOf', 'not']

/** The rules under their OpenAPI names, and whether null is a value. */
function wordsOf(schema: Schema, components: Components): Json {
  const isV2 = components.dialect.version === 2
  const rules = Object.entries(schema.rules ?? {}).filter(
    ([name, value]) => OPENAPI_WORDS.has(name) && value !== undefined && !(isV2 && (ONLY_V3 as readonly string[]).includes(name)),
  )
  return { ...Object.fromEntries(rules), ...(schema.nullable && !isV2 ? { nullable: true } : {}) }
}

const OPENAPI_WORDS: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'not',
  'oneOf',
  'pattern',
  'uniqueItems',
])
