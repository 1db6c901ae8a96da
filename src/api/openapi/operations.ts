import type { Dialect, Json } from './dialect.ts'

export interface OperationTypes {
  readonly answer: Json
  readonly body: Json
  /** Answers that carry the object. */
  readonly codes: readonly number[]
}

export interface OperationParts extends Omit<OperationTypes, 'body' | 'codes'> {
  readonly action: string
  readonly id: string
  readonly tag: string
  readonly kind: Json
  readonly description: string
  readonly query: readonly Json[]
  readonly body?: Json
  readonly codes?: readonly number[]
  /** Custom resources have no protobuf form and no strategic merge: kubectl reads here which patch it may send. */
  readonly isCustom?: boolean
  /** Forms of the answer beyond the usual ones. */
  readonly media?: readonly string[]
}

// In the order in which version 2 lists them.
const MEDIA = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const WATCH_MEDIA = [...MEDIA, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const PATCH_MEDIA = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
]
const WATCHES: readonly string[] = ['list', 'watch', 'watchlist']

/** `x-kubernetes-action` is what kubectl and code generators go by. */
export function operation(dialect: Dialect, parts: OperationParts): Json {
  const { query } = parts
  const spoken = (media: readonly string[]): readonly string[] =>
    parts.isCustom ? media.filter((type) => !type.includes('protobuf') && !type.includes('strategic')) : media
  const media = spoken([...(parts.media ?? []), ...(WATCHES.includes(parts.action) ? WATCH_MEDIA : MEDIA)])
  const codes = parts.codes ?? [200]
  const kind = { 'x-kubernetes-action': parts.action, 'x-kubernetes-group-version-kind': parts.kind }
  const head = { tags: [parts.tag], description: parts.description, operationId: parts.id }
  const bodyMedia = parts.action === 'patch' ? spoken(PATCH_MEDIA) : ['*/*']
  const isBodyRequired = parts.action !== 'delete' && parts.action !== 'deletecollection'
  if (dialect.version === 3) {
    return {
      ...head,
      ...(query.length === 0 ? {} : { parameters: query }),
      ...(parts.body === undefined
        ? {}
        : { requestBody: { content: contentOf(bodyMedia, parts.body), ...(isBodyRequired ? { required: true } : {}) } }),
      responses: Object.fromEntries([
        ...codes.map((code) => [code, { description: DESCRIPTIONS[code], content: contentOf(media, parts.answer) }]),
        [401, { description: 'Unauthorized' }],
      ]),
      ...kind,
    }
  }
  const body =
    parts.body === undefined ? [] : [{ name: 'body', in: 'body', ...(isBodyRequired ? { required: true } : {}), schema: parts.body }]
  return {
    ...head,
    schemes: ['https'],
    consumes: bodyMedia,
    produces: media,
    ...(query.length + body.length === 0 ? {} : { parameters: [...body, ...query] }),
    responses: Object.fromEntries([
      ...codes.map((code) => [code, { description: DESCRIPTIONS[code], schema: parts.answer }]),
      [401, { description: 'Unauthorized' }],
    ]),
    ...kind,
  }
}

const DESCRIPTIONS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }

/** A path that hands the connection on: whatever is sent, whatever comes back. */
export function connectOperation(dialect: Dialect, id: string, tag: string, kind: Json, description: string): Json {
  const head = { tags: [tag], description, operationId: id }
  const tail = { 'x-kubernetes-action': 'connect', 'x-kubernetes-group-version-kind': kind }
  const unauthorized = { description: 'Unauthorized' }
  if (dialect.version === 3)
    return {
      ...head,
      responses: { 200: { description: 'OK', content: contentOf(['*/*'], { type: 'string' }) }, 401: unauthorized },
      ...tail,
    }
  return {
    ...head,
    schemes: ['https'],
    consumes: ['*/*'],
    produces: ['*/*'],
    responses: { 200: { description: 'OK', schema: { type: 'string' } }, 401: unauthorized },
    ...tail,
  }
}

export function contentOf(media: readonly string[], schema: Json): Json {
  return Object.fromEntries(media.map((type) => [type, { schema }]))
}

/** The list of a group's resources. */
export function resourcesOperation(dialect: Dialect, id: string, tag: string, answer: Json): Json {
  return readOperation(dialect, { id, tag, description: 'get available resources' }, answer, MEDIA)
}

/** Something that everybody reads: its answer is not an object of a kind. */
export function readOperation(
  dialect: Dialect,
  { id, tag, description }: { readonly id: string; readonly tag: string; readonly description: string },
  answer: Json,
  media: readonly string[] = MEDIA,
  consumes: readonly string[] = media,
): Json {
  const head = { tags: [tag], description, operationId: id }
  const unauthorized = { description: 'Unauthorized' }
  if (dialect.version === 3)
    return { ...head, responses: { 200: { description: 'OK', content: contentOf(media, answer) }, 401: unauthorized } }
  return {
    ...head,
    schemes: ['https'],
    ...(consumes.length === 0 ? {} : { consumes }),
    produces: media,
    responses: { 200: { description: 'OK', schema: answer }, 401: unauthorized },
  }
}
