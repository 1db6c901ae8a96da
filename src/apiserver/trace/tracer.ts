import { type EndedSpan, type Scope, Span, type SpanContext, type SpanOptions, type SpanSink } from '#base'

export interface TracerOptions {
  /** Of a million traces that begin here, how many are recorded. */
  readonly perMillion: number
  /** Takes what is over, at once and without failing. */
  readonly export: (span: EndedSpan) => void
}

const TRACE_BYTES = 16
const SPAN_BYTES = 8
/** What decides whether a trace is recorded: the same bits of its id everywhere, so that all who have the same rate decide alike. */
const CHANCE_DIGITS = 16
const MILLION = 1_000_000n

/** Begins spans: within a trace that came from outside as it says there, else those that chance chooses. */
export class Tracer implements SpanSink {
  readonly #scope: Scope
  readonly #options: TracerOptions
  readonly #bound: bigint
  /** What turns the clock that never goes back into the time of day. */
  readonly #offsetMs: number

  constructor(scope: Scope, options: TracerOptions) {
    this.#scope = scope
    this.#options = options
    this.#bound = ((1n << 63n) * BigInt(options.perMillion)) / MILLION
    this.#offsetMs = scope.clock.now() - scope.clock.monotonic()
  }

  /** Undefined when it is not to be recorded. `from`: what it is a part of. */
  begin(name: string, from: SpanContext | Span | undefined, options: SpanOptions = {}): Span | undefined {
    if (from instanceof Span) return new Span(this, name, { ...from.context, spanId: this.newSpanId() }, from, options)
    if (from !== undefined)
      return from.sampled ? new Span(this, name, { ...from, spanId: this.newSpanId() }, from.spanId, options) : undefined
    const traceId = this.#hex(TRACE_BYTES)
    if (BigInt(`0x${traceId.slice(-CHANCE_DIGITS)}`) >> 1n >= this.#bound) return undefined
    return new Span(this, name, { traceId, spanId: this.newSpanId(), sampled: true, state: '' }, '', options)
  }

  /** Tells others not to record what is not recorded here. */
  unrecorded(): SpanContext {
    return { traceId: this.#hex(TRACE_BYTES), spanId: this.newSpanId(), sampled: false, state: '' }
  }

  now(): number {
    return this.#offsetMs + this.#scope.clock.monotonic()
  }

  newSpanId(): string {
    return this.#hex(SPAN_BYTES)
  }

  ended(span: EndedSpan): void {
    this.#options.export(span)
  }

  #hex(count: number): string {
    return Buffer.from(this.#scope.random.bytes(count)).toString('hex')
  }
}
