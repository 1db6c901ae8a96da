import { type SpanContext, type TraceHeaders, writeTraceparent } from './span-context.ts'

export type Attributes = Readonly<Record<string, string | number | boolean>>
export type SpanKind = 'internal' | 'server' | 'client'

/** Where spans get their time and their ids, and go when they are over. */
export interface SpanSink {
  /** Milliseconds since the epoch, with fractions. */
  now(): number
  newSpanId(): string
  ended(span: EndedSpan): void
}

export interface SpanEvent {
  readonly name: string
  readonly atMs: number
  readonly attributes: Attributes
}

/** What is told of a span. */
export interface EndedSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  /** Empty for the first one of a trace. */
  readonly parentId: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly droppedEvents: number
  readonly link: SpanContext | undefined
  /** Why it failed. */
  readonly failure: string | undefined
}

export interface SpanOptions {
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** Another trace that led to this one. */
  readonly link?: SpanContext | undefined
  /** Headers that travel with the trace. */
  readonly passed?: TraceHeaders
}

const MOST_EVENTS = 128
const LONGEST_TEXT = 2048

/**
 * One thing that is done, from its start to its end, within another one. There is one only for what is recorded: whoever may have none
 * writes `span?.event(…)`, which costs nothing then.
 */
export class Span {
  readonly name: string
  readonly context: SpanContext
  readonly parent: Span | undefined
  readonly startMs: number
  readonly #sink: SpanSink
  readonly #parentId: string
  readonly #options: SpanOptions
  readonly #attributes: Record<string, string | number | boolean> = {}
  readonly #events: SpanEvent[] = []
  #droppedEvents = 0
  #failure: string | undefined
  #over = false

  /** Of a first one: `parentId` is that of a span elsewhere, or empty. */
  constructor(sink: SpanSink, name: string, context: SpanContext, parent: Span | string, options: SpanOptions = {}) {
    this.#sink = sink
    this.name = name
    this.context = context
    this.parent = typeof parent === 'string' ? undefined : parent
    this.#parentId = typeof parent === 'string' ? parent : parent.context.spanId
    this.#options = options
    this.startMs = sink.now()
    if (options.attributes !== undefined) this.set(options.attributes)
  }

  /** A part of this one. */
  start(name: string, attributes?: Attributes, kind: SpanKind = 'internal'): Span {
    const context = { ...this.context, spanId: this.#sink.newSpanId() }
    const { passed } = this.#options
    return new Span(this.#sink, name, context, this, {
      kind,
      ...(attributes === undefined ? {} : { attributes }),
      ...(passed === undefined ? {} : { passed }),
    })
  }

  set(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes)) this.#attributes[name] = typeof value === 'string' ? shortened(value) : value
  }

  event(name: string, attributes: Attributes = {}): void {
    if (this.#events.length >= MOST_EVENTS) this.#droppedEvents++
    else this.#events.push({ name, atMs: this.#sink.now(), attributes })
  }

  fail(why: string): void {
    this.#failure ??= shortened(why)
  }

  /** The first call counts. */
  end(): void {
    if (this.#over) return
    this.#over = true
    const { kind = 'internal', link } = this.#options
    this.#sink.ended({
      name: this.name,
      kind,
      context: this.context,
      parentId: this.#parentId,
      startMs: this.startMs,
      endMs: this.#sink.now(),
      attributes: this.#attributes,
      events: this.#events,
      droppedEvents: this.#droppedEvents,
      link,
      failure: this.#failure,
    })
  }

  traceHeaders(): TraceHeaders {
    const { state } = this.context
    return { ...this.#options.passed, traceparent: writeTraceparent(this.context), ...(state === '' ? {} : { tracestate: state }) }
  }
}

const shortened = (text: string): string => (text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text)
