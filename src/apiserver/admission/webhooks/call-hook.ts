import { type Scope, messageOf } from '#base'
import { type Resource, type Status, StatusError, statusError } from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import type { WebhookCall } from '../../observe/admission-metrics.ts'
import type { RemoteCaller } from '../../remote/post-json.ts'
import type { Hook } from './hooks.ts'
import { type Verdict, reviewOf, verdictOf, wireForm } from './review.ts'
import { type Review, readReview } from './review-schema.ts'
import type { Convert } from './versions.ts'

/** A webhook that could not be asked, or whose answer is none: its failure policy decides. */
export class CallFailure extends Error {}

/** What asking a webhook takes. */
export interface HookCaller {
  readonly caller: RemoteCaller
  readonly convert: Convert
}

const KNOWN_REVIEWS: readonly string[] = ['v1', 'v1beta1']
const NO_SIDE_EFFECTS: readonly string[] = ['None', 'NoneOnDryRun']
const DEFAULT_SECONDS = 10
/** More than the largest object and a patch of it. */
const MOST_ANSWER_BYTES = 8 * 1024 * 1024

/** Asks a webhook, and counts how it went. Throws `CallFailure`; and `StatusError` when it refuses, or cannot be asked about a dry run. */
export async function callHook(
  scope: Scope,
  { caller, convert }: HookCaller,
  hook: Hook,
  request: AdmissionRequest,
  resource: Resource,
  isMutating: boolean,
): Promise<Verdict> {
  const startedAt = scope.clock.monotonic()
  const { webhook } = hook
  const count = (call: Pick<WebhookCall, 'rejected' | 'code' | 'error' | 'rejectionCode'>): void =>
    request.metrics?.webhook({
      name: webhook.name,
      type: isMutating ? 'admit' : 'validating',
      operation: request.operation,
      seconds: (scope.clock.monotonic() - startedAt) / 1000,
      ...call,
    })
  try {
    const verdict = await ask(scope, { caller, convert }, hook, request, resource, isMutating)
    count({ rejected: false, code: 200 })
    return verdict
  } catch (error) {
    if (error instanceof StatusError) {
      const { code = 0 } = error.status
      count({ rejected: true, code, error: 'no_error', rejectionCode: code })
    } else if (error instanceof CallFailure) {
      if (webhook.failurePolicy === 'Ignore') count({ rejected: false, code: 0 })
      else count({ rejected: true, code: 0, error: 'calling_webhook_error' })
    }
    throw error
  }
}

async function ask(
  scope: Scope,
  { caller, convert }: HookCaller,
  { webhook, configuration }: Hook,
  request: AdmissionRequest,
  resource: Resource,
  isMutating: boolean,
): Promise<Verdict> {
  const { name, sideEffects, admissionReviewVersions = [], clientConfig, timeoutSeconds = DEFAULT_SECONDS } = webhook
  if (request.dryRun && !NO_SIDE_EFFECTS.includes(sideEffects))
    throw statusError.badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
  const version = admissionReviewVersions.find((one) => KNOWN_REVIEWS.includes(one))
  if (version === undefined)
    throw new CallFailure('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const uid = scope.random.uuid()
  const inVersion = async (object: AdmissionRequest['object']): Promise<unknown> =>
    object === undefined ? undefined : wireForm(resource, await convert(scope, object, request.resource, resource))
  const objects = { object: await inVersion(request.object), old: await inVersion(request.old) }
  const review = reviewOf(request, resource, version, uid, objects)
  const span = scope.span?.start(`Call ${isMutating ? 'mutating' : 'validating'} webhook`, {
    configuration,
    webhook: name,
    resource: `${resource.group}/${resource.version}, Resource=${resource.plural}`,
    subresource: request.subresource,
    operation: request.operation,
    UID: uid,
  })
  const posting = { timeoutMs: timeoutSeconds * 1000, mostBytes: MOST_ANSWER_BYTES, span }
  let answer: Review
  try {
    answer = readReview(await caller.post(scope, clientConfig as Parameters<RemoteCaller['post']>[1], review, posting), version)
    span?.event('Request completed')
  } catch (error) {
    scope.check()
    throw new CallFailure(`failed to call webhook: ${messageOf(error)}`)
  } finally {
    span?.end()
  }
  let verdict: Verdict
  try {
    verdict = verdictOf(answer, version, uid, isMutating)
  } catch (error) {
    throw new CallFailure(`received invalid webhook response: ${messageOf(error)}`)
  }
  for (const [key, value] of verdict.annotations) request.annotate?.(`${name}/${key}`, value)
  for (const warning of verdict.warnings) request.warn(warning)
  if (!verdict.allowed) throw refusalOf(name, verdict.result)
  return verdict
}

/** 500 for a webhook that must be asked and could not be. */
export function failedClosed(name: string, failure: CallFailure): Error {
  return statusError.internal(`failed calling webhook ${JSON.stringify(name)}: ${failure.message}`)
}

function refusalOf(name: string, result: Partial<Status> = {}): StatusError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`
  const { message = '', reason = '', code = 0, details, metadata } = result
  const why = message !== '' ? `: ${message}` : reason !== '' ? `: ${reason}` : ' without explanation'
  const { retryAfterSeconds = 0 } = details ?? {}
  return new StatusError(
    {
      code: code < 400 ? 400 : code,
      message: `${by}${why}`,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    retryAfterSeconds > 0 ? { 'retry-after': String(retryAfterSeconds) } : {},
  )
}
