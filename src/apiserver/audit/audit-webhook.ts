import { type CancellableScope, type Scope, messageOf } from '#base'
import type { WebhookAddress } from '../auth/configured/webhooks/webhook-kubeconfig.ts'
import { RemoteError } from '../remote/remote-error.ts'
import { ServerCaller } from '../remote/server-caller.ts'
import type { AuditSink } from './audit-record.ts'

/** How events are gathered before they are sent. Names and defaults are those of kube-apiserver's `--audit-webhook-batch-…`. */
export interface AuditBatches {
  /** Events that wait at most; what comes beyond is lost, and counted in the log. */
  readonly bufferSize: number
  /** Events of one request. */
  readonly maxSize: number
  /** An event waits so long for others at most. */
  readonly maxWaitMs: number
  /** Requests a second in the long run, and how many may follow each other at once. */
  readonly throttleQps: number
  readonly throttleBurst: number
  /** Before what failed is tried again; half as long again each further time. */
  readonly initialBackoffMs: number
}

const TRIES = 5
const FACTOR = 1.5
const TIMEOUT_MS = 30_000
const MOST_BYTES = 1_000_000
/** When the server stops, what waits has this long to be sent. */
const CLOSE_MS = 3000
/** Losses are told to the log at most so often. */
const LOSSES_EVERY_MS = 10_000

/** Events as EventLists to a webhook, one request after the other. An event that cannot be sent in five tries is lost; the log says how many. */
export class AuditWebhook implements AuditSink {
  readonly #scope: CancellableScope
  readonly #address: WebhookAddress
  readonly #batches: AuditBatches
  readonly #caller: ServerCaller
  #waiting: object[] = []
  #lost = 0
  #lossesTold = Number.NEGATIVE_INFINITY
  #isClosing = false
  /** Ends the wait for more events. */
  #enough = Promise.withResolvers<void>()
  #sending: Promise<void> | undefined
  #allowance: number
  #allowedAt: number

  /** Lives until `close` has resolved, however `scope` ends. */
  constructor(scope: Scope, address: WebhookAddress, batches: AuditBatches) {
    this.#scope = scope.detached().child()
    this.#address = address
    this.#batches = batches
    this.#caller = new ServerCaller(this.#scope, address.trust)
    this.#allowance = batches.throttleBurst
    this.#allowedAt = scope.clock.monotonic()
  }

  write(event: object): void {
    if (this.#waiting.length >= this.#batches.bufferSize) return this.#lose(1, 'the buffer is full')
    this.#waiting.push(event)
    if (this.#waiting.length >= this.#batches.maxSize) this.#enough.resolve()
    this.#sending ??= this.#send()
  }

  /** Sends what waits, for a moment at most. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#enough.resolve()
    await Promise.race([this.#sending, this.#scope.sleep(CLOSE_MS)])
    if (this.#waiting.length > 0) this.#lose(this.#waiting.splice(0).length, 'the server has stopped')
    this.#scope.cancel()
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#gathered()
        await this.#allowed()
        const events = this.#waiting.splice(0, this.#batches.maxSize)
        await this.#post(events)
      }
    } catch (error) {
      if (!this.#scope.signal.aborted) this.#scope.log.error('audit events are not sent', { error })
    } finally {
      this.#sending = undefined
    }
  }

  /** Until a request is full, or its first event has waited long enough. */
  async #gathered(): Promise<void> {
    if (this.#isClosing || this.#waiting.length >= this.#batches.maxSize) return
    this.#enough = Promise.withResolvers()
    const wait = this.#scope.child()
    await Promise.race([this.#enough.promise, wait.sleep(this.#batches.maxWaitMs).catch(() => undefined)])
    wait.cancel()
  }

  async #allowed(): Promise<void> {
    const { throttleQps, throttleBurst } = this.#batches
    const now = this.#scope.clock.monotonic()
    this.#allowance = Math.min(throttleBurst, this.#allowance + (Math.max(0, now - this.#allowedAt) / 1000) * throttleQps) - 1
    this.#allowedAt = now
    if (this.#allowance < 0 && !this.#isClosing) await this.#scope.sleep((-this.#allowance / throttleQps) * 1000)
  }

  async #post(items: readonly object[]): Promise<void> {
    const authorization = this.#address.authorization()
    const call = {
      method: 'POST',
      url: this.#address.url,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      document: { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items },
      answerIs: 'ignored',
      timeoutMs: TIMEOUT_MS,
      mostBytes: MOST_BYTES,
    } as const
    for (let left = TRIES - 1, waitMs = this.#batches.initialBackoffMs; ; left--, waitMs *= FACTOR) {
      try {
        await this.#caller.call(this.#scope, call)
        return
      } catch (error) {
        if (!(error instanceof RemoteError)) throw error
        if (left === 0) return this.#lose(items.length, messageOf(error))
        await this.#scope.sleep(waitMs)
      }
    }
  }

  #lose(count: number, why: string): void {
    this.#lost += count
    const now = this.#scope.clock.monotonic()
    if (now - this.#lossesTold < LOSSES_EVERY_MS) return
    this.#lossesTold = now
    this.#scope.log.error('audit events are lost', { events: this.#lost, why, webhook: this.#address.url })
    this.#lost = 0
  }
}
