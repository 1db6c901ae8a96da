import { type Field, type ObjectSchema, type Schema, metaSchema } from '#api'

/** The messages of `apidiscovery.k8s.io/v2`, whose documents stand in no OpenAPI: they are only written, and only from here. */

const TEXT: Schema = { kind: 'string' }
const listOf = (items: Schema): Schema => ({ kind: 'list', items, listType: 'atomic', listKeys: [] })
const TEXTS = listOf(TEXT)

/** Fields in the order of their numbers, from 1 on. What Go holds by value is sent even when it is empty. */
function message(fields: Readonly<Record<string, Schema>>, byPointer: readonly string[] = []): ObjectSchema {
  const named = Object.entries(fields).map(([name, schema], at): [string, Field] => {
    const isAlways = schema.kind !== 'list' && !byPointer.includes(name)
    return [name, { name, schema, required: false, proto: { number: at + 1, ...(isAlways ? { isAlways } : {}) } }]
  })
  return { kind: 'object', fields: new Map(named) }
}

const KIND = message({ group: TEXT, version: TEXT, kind: TEXT })
const SUBRESOURCE = message({ subresource: TEXT, responseKind: KIND, acceptedTypes: listOf(KIND), verbs: TEXTS }, ['responseKind'])
const RESOURCE = message(
  {
    resource: TEXT,
    responseKind: KIND,
    scope: TEXT,
    singularResource: TEXT,
    verbs: TEXTS,
    shortNames: TEXTS,
    categories: TEXTS,
    subresources: listOf(SUBRESOURCE),
  },
  ['responseKind'],
)
const VERSION = message({ version: TEXT, resources: listOf(RESOURCE), freshness: TEXT })
const GROUP = message({ metadata: metaSchema('ObjectMeta'), versions: listOf(VERSION) })

export const GROUP_DISCOVERY_LIST: ObjectSchema = message({ metadata: metaSchema('ListMeta'), items: listOf(GROUP) })
