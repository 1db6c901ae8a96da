import type { Scope } from '#base'
import { RemoteError, TransientRemoteError } from '../../../remote/remote-error.ts'
import { ServerCaller } from '../../../remote/server-caller.ts'
import type { WebhookAddress } from './webhook-kubeconfig.ts'

export interface WebhookReview {
  readonly apiVersion: string
  readonly kind: string
  readonly spec: unknown
}

const MOST_BYTES = 1_000_000
/** What may be better in a moment is tried as often, waiting a little longer each time. */
const TRIES = 5
const FIRST_WAIT_MS = 500
const FACTOR = 1.5
const JITTER = 0.2

/** Asks a webhook for a review. */
export class WebhookClient {
  readonly #address: WebhookAddress
  readonly #caller: ServerCaller
  readonly #timeoutMs: number

  constructor(scope: Scope, address: WebhookAddress, timeoutMs: number) {
    this.#address = address
    this.#caller = new ServerCaller(scope, address.trust)
    this.#timeoutMs = timeoutMs
  }

  /** The status of the answer; all tries together take no longer than the time that it has. Throws `RemoteError`. */
  async review(scope: Scope, review: WebhookReview): Promise<Readonly<Record<string, unknown>>> {
    const own = scope.child({ timeoutMs: this.#timeoutMs })
    try {
      const answer = await this.#tries(own, { metadata: {}, ...review })
      const { kind, apiVersion, status } = fieldsOf(answer)
      if (kind !== review.kind || apiVersion !== review.apiVersion)
        throw new RemoteError(`${this.#address.url}: the answer is no ${review.kind} of ${review.apiVersion}`)
      return fieldsOf(status)
    } catch (error) {
      if (scope.signal.aborted) throw scope.signal.reason
      if (own.signal.aborted && !(error instanceof RemoteError))
        throw new RemoteError(`Post ${JSON.stringify(this.#address.url)}: context deadline exceeded`)
      throw error
    } finally {
      own.cancel()
    }
  }

  async #tries(scope: Scope, document: unknown): Promise<unknown> {
    const authorization = this.#address.authorization()
    const call = {
      method: 'POST',
      url: this.#address.url,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      document,
      timeoutMs: this.#timeoutMs,
      mostBytes: MOST_BYTES,
    } as const
    for (let left = TRIES - 1, waitMs = FIRST_WAIT_MS; ; left--, waitMs *= FACTOR) {
      try {
        return await this.#caller.call(scope, call)
      } catch (error) {
        if (left === 0 || !(error instanceof TransientRemoteError)) throw error
        await scope.sleep(waitMs * (1 + JITTER * scope.random.float()))
      }
    }
  }
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
