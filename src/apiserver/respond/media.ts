import { StatusError } from '#api'
import { RoutingRefusal } from '../registry/routing-errors.ts'

export const JSON_TYPE = 'application/json'
export const YAML_TYPE = 'application/yaml'
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

export type Encoding = 'json' | 'yaml' | 'protobuf'
export type Form = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

/** How the client wants to be answered. */
export interface Accepted {
  readonly encoding: Encoding
  readonly form: Form
  /** Of `meta.k8s.io`, for forms other than `object`. */
  readonly formVersion: string
  readonly pretty: boolean
}

const PLAIN: Accepted = { encoding: 'json', form: 'object', formVersion: 'v1', pretty: false }
const ENCODINGS: Readonly<Record<string, Encoding>> = { [JSON_TYPE]: 'json', [YAML_TYPE]: 'yaml', [PROTOBUF_TYPE]: 'protobuf' }
const MEDIA_TYPES = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE]
const STREAMS = [`${JSON_TYPE};stream=watch`, `${PROTOBUF_TYPE};stream=watch`]

export interface Clause {
  readonly type: string
  readonly params: ReadonlyMap<string, string>
  readonly q: number
}

/**
 * The clauses of an Accept header, best first, read as Kubernetes reads them: types in their own letters, a weight that is no number is
 * none at all, and what names a type comes before a pattern whatever their weights are, where it stands behind it.
 */
export function acceptClauses(header: string): readonly Clause[] {
  const clauses: Clause[] = []
  for (const part of header.split(',')) {
    const [named = '', ...rest] = part.trim().split(';')
    const type = typeOf(named)
    if (type === undefined) continue
    const params = new Map<string, string>()
    let q = 1
    for (const piece of rest) {
      const [name = '', value = '', ...more] = piece.split('=')
      if (value === '' || more.length > 0) continue
      if (name.trim() !== 'q') params.set(name.trim(), value.trim())
      else q = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : 0
    }
    clauses.push({ type, params, q })
  }
  return inOrder(clauses)
}

function typeOf(text: string): string | undefined {
  const parts = text.split('/').map((part) => part.trim())
  if (parts.length === 1) return parts[0] === '*' ? '*/*' : undefined
  return parts.length === 2 && parts[1] !== '' ? parts.join('/') : undefined
}

/** By a comparison that is no order: the steps of the sorting are a part of the result. */
function inOrder(clauses: readonly Clause[]): readonly Clause[] {
  const sorted: Clause[] = []
  for (const clause of clauses) {
    let at = sorted.length
    for (let before = sorted[at - 1]; before !== undefined && comesBefore(clause, before); before = sorted[at - 1]) at--
    sorted.splice(at, 0, clause)
  }
  return sorted
}

function comesBefore(one: Clause, other: Clause): boolean {
  if (one.q > other.q) return true
  if (!one.type.startsWith('*/') && other.type.startsWith('*/')) return true
  return !one.type.endsWith('/*') && other.type.endsWith('/*')
}

/** Whether a router that has these types lets the request through. */
export function routerTakes(header: string, available: readonly string[]): boolean {
  if (header === '') return true
  return header.split(',').some((part) => {
    const type = (part.split(';')[0] ?? '').trim()
    return type === '*/*' || available.includes(type)
  })
}

/** Encodings that a list and an object can have, and those that a stream of events can have. */
const WHOLE: readonly Encoding[] = ['json', 'yaml', 'protobuf']
/** Custom resources have no protobuf form. */
export const WITHOUT_PROTOBUF: readonly Encoding[] = ['json', 'yaml']

/** Clients send the same few headers over and over. */
export class Negotiator {
  readonly #known = new Map<string, Accepted>()

  /**
   * Throws `StatusError` 406. `lists` says whether the path can also be watched, which the refusal tells; `routed` whether there is a router
   * in front of the resource that knows no patterns of types; `plain` in what an object can be sent as it is.
   */
  accept(header: string | undefined, lists: boolean, routed: boolean, plain: readonly Encoding[] = WHOLE): Accepted {
    if (header === undefined || header === '' || header === '*/*' || header === JSON_TYPE) return PLAIN
    const key = `${routed ? '' : 'unrouted '}${plain.length} ${header}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const available = routed ? (lists ? [...MEDIA_TYPES, ...STREAMS] : MEDIA_TYPES) : undefined
    const accepted = negotiate(header, available, WHOLE, MEDIA_TYPES, FORMS, plain)
    if (this.#known.size >= 256) this.#known.clear()
    this.#known.set(key, accepted)
    return accepted
  }

  /** Without the clauses that ask for a table. `further` types are known to the router alone. Throws `StatusError` 406. */
  acceptUntabled(header: string, further: readonly string[] = []): Accepted {
    return negotiate(header, [...further, ...MEDIA_TYPES], WHOLE, MEDIA_TYPES, ['PartialObjectMetadata', 'PartialObjectMetadataList'])
  }

  /** Only the clauses that ask for a document as it is. Throws `StatusError` 406. */
  acceptWhole(header: string): Accepted {
    return negotiate(header, MEDIA_TYPES, WHOLE, MEDIA_TYPES, [])
  }

  /** For a stream of events. Only kinds with a protobuf form can be followed in it. Throws `StatusError` 406. */
  acceptWatch(header: string | undefined, protobuf: boolean, routed: boolean): Accepted {
    const accepted = this.accept(header, true, routed)
    if (header === undefined || accepted.encoding === 'json') return accepted
    // What comes first decides, whether it can be a stream or not.
    if (accepted.encoding === 'yaml') throw onlyAccepted(STREAMS)
    // Metadata on its own has a protobuf form whatever it is the metadata of.
    if (accepted.encoding === 'protobuf' && (protobuf || accepted.form !== 'object')) return accepted
    return negotiate(header, routed ? [...MEDIA_TYPES, ...STREAMS] : undefined, protobuf ? ['json', 'protobuf'] : ['json'], STREAMS)
  }
}

/** Of a media type in an Accept header, which may be a pattern. */
export function encodingOf(type: string): Encoding | undefined {
  return ENCODINGS[type] ?? (type === '*/*' || type === 'application/*' ? 'json' : undefined)
}

const FORMS = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'] as const

/** `available` is what the router names when no clause fits, where there is one. */
function negotiate(
  header: string,
  available: readonly string[] | undefined,
  allowed = WHOLE,
  offered: readonly string[] = MEDIA_TYPES,
  forms: readonly (typeof FORMS)[number][] = FORMS,
  plain: readonly Encoding[] = WHOLE,
): Accepted {
  const clauses = acceptClauses(header)
  if (available !== undefined && !routerTakes(header, available)) throw notAcceptable(available)
  for (const { type, params } of clauses) {
    const encoding = encodingOf(type)
    if (encoding === undefined || !allowed.includes(encoding)) continue
    if (!isServed(encoding, params)) continue
    const pretty = params.get('pretty') === '1'
    const as = params.get('as')
    if (as === undefined && !params.has('g') && !params.has('v')) {
      if (!plain.includes(encoding)) continue
      return { encoding, form: 'object', formVersion: 'v1', pretty }
    }
    const version = params.get('v') ?? ''
    if (params.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue
    // Tables have no protobuf form.
    if (as === 'Table' && encoding === 'protobuf') continue
    const form = forms.find((one) => one === as)
    if (form !== undefined) return { encoding, form, formVersion: version, pretty }
  }
  throw onlyAccepted(offered)
}

/** In what the aggregated form of discovery is sent to who asks for it at all, whatever else he would take. */
export function acceptDiscovery(header: string): Accepted | undefined {
  for (const { type, params } of acceptClauses(header)) {
    const encoding = encodingOf(type)
    if (encoding === undefined || !isServed(encoding, params)) continue
    if (params.get('g') === 'apidiscovery.k8s.io' && params.get('v') === 'v2' && params.get('as') === 'APIGroupDiscoveryList')
      return { encoding, form: 'object', formVersion: 'v1', pretty: params.get('pretty') === '1' }
  }
  return undefined
}

/** Not a stream of another kind, nor a server of another version. */
function isServed(encoding: Encoding, params: ReadonlyMap<string, string>): boolean {
  const stream = params.get('stream')
  return (stream === undefined || (stream === 'watch' && encoding !== 'yaml')) && !params.has('sv')
}

function onlyAccepted(offered: readonly string[]): StatusError {
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${offered.join(', ')}`,
  })
}

/** What the router in front of the resources says when no representation fits at all. */
export function notAcceptable(available: readonly string[]): StatusError {
  return new RoutingRefusal({
    code: 406,
    reason: 'NotAcceptable',
    message: `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`,
    details: {},
  })
}

/** The encoding of a request's body by its Content-Type. Undefined when it is not one that objects come in. */
export function bodyEncoding(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined || contentType === '') return 'json'
  const semicolon = contentType.indexOf(';')
  const type = (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
  return ENCODINGS[type]
}

export function unsupportedBody(supported: readonly string[] = MEDIA_TYPES): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  })
}

export const PROTOBUF_WATCH_TYPE = `${PROTOBUF_TYPE};stream=watch`
export const MEDIA_TYPE_OF: Readonly<Record<Encoding, string>> = { json: JSON_TYPE, yaml: YAML_TYPE, protobuf: PROTOBUF_TYPE }
