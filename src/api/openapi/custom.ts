import type { Resource } from '../resource.ts'
import type { JsonSchema } from '../structural/json-schema.ts'
import type { Components } from './components.ts'
import type { Json } from './dialect.ts'

const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'
/** Said of these fields of every object, in Kubernetes' words. */
const TEXTS = {
  apiVersion: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${CONVENTIONS}#resources`,
  kind: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
  metadata: `Standard object's metadata. More info: ${CONVENTIONS}#metadata`,
  listMetadata: `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`,
  embeddedApiVersion: `apiVersion defines the versioned schema of this representation of an object. More info: ${CONVENTIONS}#resources`,
  embeddedKind: `kind is a string value representing the type of this object. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
} as const

/** The component of a custom resource: its definition's schema, and what every object has. */
export function customComponent(resource: Resource, rules: JsonSchema, components: Components): Json {
  const { group, version, kind } = resource
  const own = { 'x-kubernetes-group-version-kind': [{ group, kind, version }], ...selectableFields(resource) }
  // Tools take fields that are not named for wrong: where unknown ones are kept, version 2 names none.
  if (components.dialect.version === 2 && rules['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'object', ...own }
  const published = publish(rules, components)
  const properties = {
    ...(published['properties'] as Json | undefined),
    apiVersion: { description: TEXTS.apiVersion, type: 'string' },
    kind: { description: TEXTS.kind, type: 'string' },
    metadata: describedRef(TEXTS.metadata, components.builtIn('meta.v1.ObjectMeta'), components),
  }
  return { ...published, properties: sorted(properties), ...own }
}

function selectableFields({ selectable }: Resource): Json {
  const fields = Object.keys(selectable).map((fieldPath) => ({ fieldPath }))
  return fields.length === 0 ? {} : { 'x-kubernetes-selectable-fields': fields }
}

/** The component of a list of custom resources. */
export function customListComponent(resource: Resource, item: Json, components: Components): Json {
  const { group, version, kind, listKind, plural } = resource
  return {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { description: TEXTS.apiVersion, type: 'string' },
      items: { description: `List of ${plural}. More info: ${CONVENTIONS}`, type: 'array', items: item },
      kind: { description: TEXTS.kind, type: 'string' },
      metadata: describedRef(TEXTS.listMetadata, components.builtIn('meta.v1.ListMeta'), components),
    },
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
  }
}

function describedRef(description: string, ref: Json, { dialect }: Components): Json {
  return dialect.version === 2 ? { description, ...ref } : { description, allOf: [ref] }
}

const sorted = (properties: Json): Json => Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Words that version 2 does not have. */
const ONLY_V3: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'nullable', 'default'])
/** Words that say nothing about a value that may be null, an integer or a text, or anything. */
const TYPED: ReadonlySet<string> = new Set(['type', 'format', 'items', 'properties', 'additionalProperties', 'required', 'enum'])

function publish(schema: JsonSchema, components: Components): Json {
  const isV2 = components.dialect.version === 2
  const intOrString = schema['x-kubernetes-int-or-string'] === true
  const isUntyped = isV2 && (schema.nullable === true || intOrString || schema['x-kubernetes-preserve-unknown-fields'] === true)
  const out: Json = {}
  for (const [word, value] of Object.entries(schema)) {
    if (value === undefined || (isV2 && ONLY_V3.has(word)) || (isUntyped && TYPED.has(word))) continue
    out[word] = publishWord(word, value, components)
  }
  if (intOrString && !isV2 && out['anyOf'] === undefined && out['allOf'] === undefined)
    out['anyOf'] = [{ type: 'integer' }, { type: 'string' }]
  if (schema['x-kubernetes-embedded-resource'] === true && !isUntyped) addIdentity(out, components)
  return out
}

function publishWord(word: string, value: unknown, components: Components): unknown {
  if (word === 'properties') {
    const properties = Object.entries(value as Readonly<Record<string, JsonSchema>>)
    return sorted(Object.fromEntries(properties.map(([name, child]) => [name, publish(child, components)])))
  }
  const isSchema = typeof value === 'object' && value !== null && !Array.isArray(value)
  if ((word === 'items' || word === 'additionalProperties' || word === 'not') && isSchema) return publish(value as JsonSchema, components)
  return value
}

/** A whole object inside of another one. */
function addIdentity(out: Json, components: Components): void {
  out['properties'] = sorted({
    ...(out['properties'] as Json | undefined),
    apiVersion: { description: TEXTS.embeddedApiVersion, type: 'string' },
    kind: { description: TEXTS.embeddedKind, type: 'string' },
    metadata: describedRef(TEXTS.metadata, components.builtIn('meta.v1.ObjectMeta'), components),
  })
  const required = (out['required'] as readonly string[] | undefined) ?? []
  out['required'] = [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))]
}
