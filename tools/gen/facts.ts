import { goTypeOf } from '../../src/api/schema/go-type.ts'
import type { FactField, FactOptions, FactType, Facts } from '../../src/api/schema/facts.ts'
import { type GoField, type Input, type OpenApiSchema, allSchemas } from './input.ts'
import { LEFT_OUT, SCALAR_TYPES, packageOf, protoName, shortName } from './names.ts'

/** Types that are spoken but stand in no OpenAPI document: built from the Go types alone. */
const META = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1'
const WITHOUT_OPENAPI: Readonly<Record<string, OpenApiSchema>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList': {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: '', kind: 'APIGroupList', version: 'v1' }],
    required: ['groups'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      groups: { type: 'array', items: { $ref: `${META}.APIGroup` }, 'x-kubernetes-list-type': 'atomic' },
    },
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions': {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: '', kind: 'APIVersions', version: 'v1' }],
    required: ['versions', 'serverAddressByClientCIDRs'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      versions: { type: 'array', items: { type: 'string', default: '' }, 'x-kubernetes-list-type': 'atomic' },
      serverAddressByClientCIDRs: {
        type: 'array',
        items: { $ref: `${META}.ServerAddressByClientCIDR` },
        'x-kubernetes-list-type': 'atomic',
      },
    },
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata': {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
    },
  },
  'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList': {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta' },
      items: { type: 'array', items: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata' } },
    },
  },
}

/** Builds the table of every built-in type. Fails when the OpenAPI documents, the Go types and the protobuf messages disagree. */
export function buildFacts(input: Input): Facts {
  const schemas = new Map([...allSchemas(input), ...Object.entries(WITHOUT_OPENAPI)])
  const types: Record<string, FactType> = {}
  const packages: Record<string, string> = {}
  const kinds: Record<string, string> = {}
  for (const [full, schema] of [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (SCALAR_TYPES.has(full) || LEFT_OUT.has(full) || schema.type !== 'object') continue
    const short = shortName(full)
    packages[packageOf(short)] = packageOf(full)
    types[short] = {
      ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
      ...(schema['x-kubernetes-unions'] === undefined ? {} : { unions: schema['x-kubernetes-unions'] }),
      fields: fieldsOf(full, schema, input),
    }
    for (const gvk of schema['x-kubernetes-group-version-kind'] ?? []) {
      // The options and Status of meta/v1 are listed under every group; they belong to one type.
      if (short.startsWith('meta.') && !(gvk.group === '' && gvk.version === 'v1')) continue
      kinds[`${gvk.group}/${gvk.version}/${gvk.kind}`] = short
    }
  }
  return { packages, kinds, types }
}

function fieldsOf(full: string, schema: OpenApiSchema, input: Input): FactField[] {
  const goFields = input.go[full]
  if (goFields === undefined || goFields === null) {
    if (Object.keys(schema.properties ?? {}).length === 0) return []
    throw new Error(`no Go type for ${full}`)
  }
  const properties = new Map(Object.entries(schema.properties ?? {}))
  const siblings = [...properties.keys()]
  const message = protoName(full)
  const rows = goFields.map((go) => {
    const property = properties.get(go[0])
    if (property === undefined) throw new Error(`${full}.${go[0]} is in the Go type and not in OpenAPI`)
    properties.delete(go[0])
    const path = protoPath(input.proto, message, go[0], siblings, property.type === 'array')
    // kind and apiVersion of whole objects have no numbers: protobuf keeps them in the envelope.
    const isTypeMeta = (go[0] === 'kind' || go[0] === 'apiVersion') && siblings.includes('kind') && siblings.includes('apiVersion')
    if (path === undefined && input.proto[message] !== undefined && !isTypeMeta) throw new Error(`${full}.${go[0]} has no protobuf number`)
    return fieldRow(full, go, property, schema.required?.includes(go[0]) ?? false, path)
  })
  if (properties.size > 0) throw new Error(`${full} has fields without a Go field: ${[...properties.keys()].join(', ')}`)
  return rows
}

function fieldRow(full: string, go: GoField, property: OpenApiSchema, required: boolean, path: readonly number[] | undefined): FactField {
  const [name, goFlags, , goType, embedded] = go
  const type = typeOf(property, goType)
  const flags = `${required ? 'r' : ''}${goFlags}`
  const options = {
    ...optionsOf(property, type, goType, flags),
    ...(embedded === undefined || name === 'kind' || name === 'apiVersion' ? {} : { embedded }),
    ...(path !== undefined && path.length > 1 ? { protoPath: path } : {}),
  }
  const proto = path?.at(-1) ?? 0
  return Object.keys(options).length === 0 ? [name, type, flags, proto] : [name, type, flags, proto, options]
}

/**
 * The field numbers that lead to a JSON field: one, or several where Go embeds a struct and protobuf has a message of its own for it.
 * Protobuf names follow the Go fields here and there: another case, no `$`, no dashes.
 */
function protoPath(
  messages: Input['proto'],
  messageName: string,
  name: string,
  siblings: readonly string[],
  isList: boolean,
): readonly number[] | undefined {
  const plain = (text: string): string => text.replace(/[$-]/g, '').toLowerCase()
  const fields = Object.entries(messages[messageName] ?? {})
  const own = fields.find(([candidate]) => candidate === name) ?? fields.find(([candidate]) => plain(candidate) === plain(name))
  // A list that is not repeated is the one field of a message (Verbs).
  if (own !== undefined) return isList && own[1][2] !== 'repeated' && own[1][1] !== 'bytes' ? [own[1][0], 1] : [own[1][0]]
  const home = messageName.slice(0, messageName.lastIndexOf('.'))
  for (const [candidate, [number, type]] of fields) {
    if (siblings.includes(candidate)) continue
    const inner = protoPath(messages, type.includes('.') ? type : `${home}.${type}`, name, siblings, isList)
    if (inner !== undefined) return [number, ...inner]
  }
  return undefined
}

function typeOf(schema: OpenApiSchema, goType: string): string {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (ref !== undefined) {
    const target = ref.replace('#/components/schemas/', '')
    return SCALAR_TYPES.get(target) ?? shortName(target)
  }
  if (schema.type === 'array') return `[]${typeOf(schema.items ?? {}, goType.replace(/^\[\]/, ''))}`
  if (schema.type === 'object') return schema.additionalProperties === undefined ? 'any' : `{}${typeOf(schema.additionalProperties, '')}`
  if (schema.type === 'integer') return schema.format ?? 'int64'
  if (schema.type === 'number') return 'double'
  if (schema.type === 'boolean') return 'bool'
  if (schema.type === 'string') return schema.format === 'byte' ? 'bytes' : 'string'
  throw new Error(`cannot read the type of ${JSON.stringify(schema)}`)
}

function optionsOf(property: OpenApiSchema, type: string, goType: string, flags: string): FactOptions {
  const listType = property['x-kubernetes-list-type']
  const strategy = property['x-kubernetes-patch-strategy']?.split(',') ?? []
  const mergeKey = property['x-kubernetes-patch-merge-key']
  return {
    ...(property.enum === undefined ? {} : { enum: property.enum }),
    ...(listType === undefined ? {} : { listType }),
    ...(property['x-kubernetes-list-map-keys'] === undefined ? {} : { listKeys: property['x-kubernetes-list-map-keys'] }),
    ...(mergeKey === undefined ? {} : { mergeKey }),
    ...(strategy.length === 0 ? {} : { patchStrategy: strategy.join(',') }),
    ...(property['x-kubernetes-map-type'] === undefined ? {} : { mapType: property['x-kubernetes-map-type'] }),
    ...(property.items?.enum === undefined ? {} : { itemEnum: property.items.enum }),
    ...(property.additionalProperties?.enum === undefined ? {} : { itemEnum: property.additionalProperties.enum }),
    ...(property.$ref === undefined ? {} : { bare: true }),
    ...(isRealDefault(property.default, flags) ? { default: property.default } : {}),
    ...(goType === goTypeOf(type) ? {} : { go: goType }),
  }
}

/** OpenAPI shows Go's zero values of what is always written as defaults too. */
function isRealDefault(value: unknown, flags: string): boolean {
  if (value === undefined || JSON.stringify(value) === '{}') return false
  return flags.includes('o') || flags.includes('p') || (value !== '' && value !== 0 && value !== false)
}
