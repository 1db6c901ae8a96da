import { type EndedSpan, type Scope, type Timer, messageOf } from '#base'
import { RpcFailed, Session } from '#base/grpc'
import { type TraceOrigin, exportRequest } from './otlp.ts'

/** Where a collector listens, without TLS: a host with its port, or a unix socket (one that begins with a zero byte is abstract). */
export type CollectorAddress = { readonly url: string } | { readonly socketPath: string }

const METHOD = 'opentelemetry.proto.collector.trace.v1.TraceService/Export'
/** The sizes and times that OpenTelemetry recommends. */
const MOST_WAITING = 2048
const MOST_TOGETHER = 512
const GATHER_MS = 5_000
const CALL_WITHIN_MS = 10_000
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 30_000
const CLOSE_WITHIN_MS = 3_000
const SAY_EVERY_MS = 60_000
/** Answers of gRPC after which the same may work later: Canceled, DeadlineExceeded, ResourceExhausted, Aborted, OutOfRange, Unavailable, DataLoss. */
const PASSING: ReadonlySet<number> = new Set([1, 4, 8, 10, 11, 14, 15])
const MOST_ANSWER_BYTES = 1024 * 1024

/**
 * Sends spans to a collector (OTLP over gRPC), some seconds after they are over, many together. What it cannot get rid of waits, up to a
 * number; what comes beyond is lost and counted. Nobody waits for it.
 */
export class TraceExporter {
  readonly #scope: Scope
  readonly #address: CollectorAddress
  readonly #origin: TraceOrigin
  #waiting: EndedSpan[] = []
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  #session: Session | undefined
  #pauseMs = 0
  #lost = 0
  #saidAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(scope: Scope, address: CollectorAddress, origin: TraceOrigin) {
    this.#scope = scope
    this.#address = address
    this.#origin = origin
  }

  take(span: EndedSpan): void {
    if (this.#closed) return
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost++
      return
    }
    this.#waiting.push(span)
    this.#sendSoon()
  }

  /** Sends what waits, unless that takes too long. */
  async close(): Promise<void> {
    this.#closed = true
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = this.#scope.clock.after(CLOSE_WITHIN_MS, resolve)
    await Promise.race([this.#sendAll(), late])
    timer.cancel()
    this.#timer?.cancel()
    this.#session?.close()
  }

  async #sendAll(): Promise<void> {
    await this.#sending
    while (this.#waiting.length > 0 && this.#pauseMs === 0) {
      this.#send()
      await this.#sending
    }
  }

  /** At once when there are enough of them and the collector takes them. */
  #sendSoon(): void {
    if (this.#pauseMs === 0 && this.#waiting.length >= MOST_TOGETHER) this.#send()
    else this.#timer ??= this.#scope.clock.after(this.#pauseMs || GATHER_MS, () => this.#send(), { background: true })
  }

  #send(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#sending !== undefined) return
    this.#sending = this.#sendSome().finally(() => {
      this.#sending = undefined
      if (this.#waiting.length > 0 && !this.#closed) this.#sendSoon()
    })
  }

  /** Never rejects. */
  async #sendSome(): Promise<void> {
    const some = this.#waiting.slice(0, MOST_TOGETHER)
    try {
      const session = await this.#connected()
      await session.unary(METHOD, exportRequest(this.#origin, some), CALL_WITHIN_MS)
      this.#pauseMs = 0
    } catch (error) {
      const status = error instanceof RpcFailed ? error.status : undefined
      this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
      this.#say(messageOf(error))
      if (status === undefined || PASSING.has(status)) return
      this.#lost += some.length
    }
    this.#waiting.splice(0, some.length)
  }

  #say(why: string): void {
    const now = this.#scope.clock.monotonic()
    if (now - this.#saidAt < SAY_EVERY_MS) return
    this.#saidAt = now
    this.#scope.log.warn('traces cannot be sent', { error: why, waiting: this.#waiting.length, lost: this.#lost })
    this.#lost = 0
  }

  async #connected(): Promise<Session> {
    if (this.#session?.isUsable === true) return this.#session
    const target = this.#address
    const options = { maxMessageBytes: MOST_ANSWER_BYTES, pings: false }
    this.#session =
      'url' in target
        ? await Session.connect(this.#scope, target.url, options)
        : await Session.connect(this.#scope, 'http://localhost', { ...options, socketPath: target.socketPath })
    return this.#session
  }
}
