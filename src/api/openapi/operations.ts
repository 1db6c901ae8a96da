import type { Dialect, Json } from './dialect.ts'
import { parameters } from './parameters.ts'

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
  readonly query: readonly string[]
  readonly body?: Json
  readonly codes?: readonly number[]
  /** Custom resources have no protobuf form and no strategic merge: kubectl reads here which patch it may send. */
  readonly isCustom?: boolean
  /** Forms of the answer beyond the usual ones. */
  readonly media?: readonly string[]
}

const MEDIA = ['application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml']
const WATCH_MEDIA = [
  'application/json',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf',
  'application/vnd.kubernetes.protobuf;stream=watch',
  'application/yaml',
]
const PATCH_MEDIA = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
]
const WATCHES: readonly string[] = ['list', 'watch', 'watchlist']

/** `x-kubernetes-action` is what kubectl and code generators go by. */
export function operation(dialect: Dialect, parts: OperationParts): Json {
  const query = parameters(dialect, parts.query)
  const spoken = (media: readonly string[]): readonly string[] =>
    parts.isCustom ? media.filter((type) => !type.includes('protobuf') && !type.includes('strategic')) : media
  const media = spoken([...(WATCHES.includes(parts.action) ? WATCH_MEDIA : MEDIA), ...(parts.media ?? [])])
  const codes = parts.codes ?? [200]
  const kind = { 'x-kubernetes-action': parts.action, 'x-kubernetes-group-version-kind': parts.kind }
  const head = { tags: [parts.tag], operationId: parts.id }
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
export function connectOperation(dialect: Dialect, id: string, tag: string, kind: Json): Json {
  const head = { tags: [tag], operationId: id }
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
  const head = { tags: [tag], operationId: id }
  const unauthorized = { description: 'Unauthorized' }
  if (dialect.version === 3)
    return { ...head, responses: { 200: { description: 'OK', content: contentOf(MEDIA, answer) }, 401: unauthorized } }
  return {
    ...head,
    schemes: ['https'],
    consumes: MEDIA,
    produces: MEDIA,
    responses: { 200: { description: 'OK', schema: answer }, 401: unauthorized },
  }
}
