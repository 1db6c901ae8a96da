import { type Scope, messageOf } from '#base'
import { type ConversionWebhook, type KubeObject, deepEqual, statusError } from '#api'
import { RemoteCaller, type RemoteOptions } from '../remote/post-json.ts'

const KNOWN_REVIEWS: readonly string[] = ['v1', 'v1beta1']
const TIMEOUT_MS = 30_000
/** Objects of one call: many small ones, few large ones. */
const MOST_OBJECTS = 500
const MOST_ANSWER_BYTES = 64 * 1024 * 1024

/** Has webhooks turn custom objects into another version. */
export class ConversionCaller {
  readonly #caller: RemoteCaller

  constructor(scope: Scope, options: RemoteOptions) {
    this.#caller = new RemoteCaller(scope, options)
  }

  /** The objects in the wanted version, in the same order. Throws `StatusError` 500. */
  async convert(scope: Scope, webhook: ConversionWebhook, objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const converted: KubeObject[] = []
    for (let from = 0; from < objects.length; from += MOST_OBJECTS) {
      const batch = objects.slice(from, from + MOST_OBJECTS)
      try {
        converted.push(...(await this.#ask(scope, webhook, batch, apiVersion)))
      } catch (error) {
        scope.check()
        const { apiVersion: before = '', kind = '' } = batch[0] ?? {}
        throw statusError.internal(`conversion webhook for ${before}, Kind=${kind} failed: ${messageOf(error)}`)
      }
    }
    return converted
  }

  async #ask(scope: Scope, webhook: ConversionWebhook, objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const version = webhook.reviewVersions.find((one) => KNOWN_REVIEWS.includes(one))
    if (version === undefined) throw new Error('it accepts no known version of ConversionReview (v1, v1beta1)')
    const uid = scope.random.uuid()
    const review = {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion: apiVersion, objects },
    }
    const span = scope.span?.start('Call conversion webhook', {
      'desired-api-version': apiVersion,
      'object-count': objects.length,
      UID: uid,
    })
    try {
      const posting = { timeoutMs: TIMEOUT_MS, mostBytes: MOST_ANSWER_BYTES, span }
      const answer = await this.#caller.post(scope, webhook.clientConfig, review, posting)
      span?.event('Request completed')
      return readConversion(answer, { version, uid, apiVersion, objects })
    } finally {
      span?.end()
    }
  }
}

interface Asked {
  readonly version: string
  readonly uid: string
  readonly apiVersion: string
  readonly objects: readonly KubeObject[]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a webhook has answered, checked: nothing but the version, labels, annotations and what lies outside the metadata may differ. */
export function readConversion(answer: unknown, { version, uid, apiVersion, objects }: Asked): KubeObject[] {
  const review = isObject(answer) ? answer : {}
  const response = isObject(review['response']) ? review['response'] : undefined
  if (response === undefined) throw new Error('no response provided')
  if (version === 'v1') {
    if (review['apiVersion'] !== 'apiextensions.k8s.io/v1' || review['kind'] !== 'ConversionReview')
      throw new Error(`invalid apiVersion or kind in the answer: ${String(review['apiVersion'])}, Kind=${String(review['kind'])}`)
    if (response['uid'] !== uid)
      throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`)
  }
  const result = isObject(response['result']) ? response['result'] : {}
  if (result['status'] !== 'Success') {
    const { message } = result
    throw new Error(
      typeof message === 'string' && message !== ''
        ? message
        : `response.result.status was ${JSON.stringify(result['status'] ?? '')}, not "Success"`,
    )
  }
  const converted = Array.isArray(response['convertedObjects']) ? (response['convertedObjects'] as unknown[]) : []
  if (converted.length !== objects.length) throw new Error(`returned ${converted.length} objects, expected ${objects.length}`)
  return converted.map((one, at) => checked(one, objects[at] ?? {}, apiVersion, at))
}

function checked(converted: unknown, original: KubeObject, apiVersion: string, at: number): KubeObject {
  const wrong = (why: string): Error => new Error(`invalid converted object at index ${at}: ${why}`)
  if (!isObject(converted)) throw wrong('it is no object')
  const object = converted as KubeObject
  if (object.apiVersion !== apiVersion) throw wrong(`invalid apiVersion, expected=${apiVersion}, got=${object.apiVersion ?? ''}`)
  if (object.kind !== original.kind) throw wrong(`invalid kind, expected=${original.kind ?? ''}, got=${object.kind ?? ''}`)
  if (!isObject(object.metadata)) throw wrong('missing metadata')
  for (const field of ['uid', 'name', 'namespace'] as const)
    if (!deepEqual(object.metadata[field] ?? '', original.metadata?.[field] ?? '')) throw wrong(`metadata.${field} changed`)
  const { labels, annotations } = object.metadata
  const metadata = { ...original.metadata }
  for (const [field, map] of Object.entries({ labels, annotations })) {
    if (map !== undefined && !isTextMap(map)) throw wrong(`metadata.${field} is no map of texts`)
    delete metadata[field as 'labels' | 'annotations']
    if (map !== undefined) Object.assign(metadata, { [field]: map })
  }
  return { ...object, metadata }
}

const isTextMap = (value: unknown): boolean => isObject(value) && Object.values(value).every((one) => typeof one === 'string')
