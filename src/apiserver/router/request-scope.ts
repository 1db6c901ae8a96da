import {
  type CancellableScope,
  type ChildOptions,
  type Clock,
  type HttpRequest,
  type Logger,
  type Random,
  type Scope,
  type Span,
  type SpanContext,
  type TraceHeaders,
  readTraceparent,
  writeTraceparent,
} from '#base'

/** Headers beside those of the trace itself that travel with it. */
const LONGEST_BAGGAGE = 8192

/**
 * The scope of one request: ends when the server stops or the client goes away. Most requests are over before anyone asks for a
 * signal, so it is only made on demand.
 */
export class RequestScope implements Scope {
  /** What is being done for the request, while that is recorded. */
  span: Span | undefined = undefined
  /** Where this server has decided not to record the request: what others are told instead of the client's word. */
  unrecorded: SpanContext | undefined = undefined
  /** How long the request may take in all; said before anything waits. */
  timeoutMs: number | undefined = undefined
  readonly #server: Scope
  readonly #request: HttpRequest
  #made: CancellableScope | undefined

  constructor(server: Scope, request: HttpRequest) {
    this.#server = server
    this.#request = request
  }
  get clock(): Clock {
    return this.#server.clock
  }
  get random(): Random {
    return this.#server.random
  }
  get log(): Logger {
    return this.#server.log
  }
  get signal(): AbortSignal {
    return this.#scope().signal
  }
  traceHeaders(): TraceHeaders {
    if (this.span !== undefined) return this.span.traceHeaders()
    const context = this.unrecorded ?? clientContext(this.#request)
    if (context === undefined) return passedHeaders(this.#request)
    const { state } = context
    return { ...passedHeaders(this.#request), traceparent: writeTraceparent(context), ...(state === '' ? {} : { tracestate: state }) }
  }
  child(options?: ChildOptions): CancellableScope {
    return this.#scope().child(options)
  }
  detached(): Scope {
    return this.#server.detached()
  }
  sleep(delayMs: number): Promise<void> {
    return this.#scope().sleep(delayMs)
  }
  check(): void {
    this.#made?.check()
    this.#server.check()
  }
  #scope(): CancellableScope {
    const { timeoutMs } = this
    this.#made ??= this.#server.child({ signal: this.#request.signal, trace: this, ...(timeoutMs !== undefined && { timeoutMs }) })
    return this.#made
  }
}

/** What the client says that its request is a part of. */
export function clientContext({ headers }: HttpRequest): SpanContext | undefined {
  const { traceparent } = headers
  return traceparent === undefined ? undefined : readTraceparent(traceparent, headers['tracestate'])
}

/** What travels with the trace whether it is recorded or not. */
export function passedHeaders({ headers }: HttpRequest): TraceHeaders {
  const { baggage } = headers
  return typeof baggage === 'string' && baggage.length <= LONGEST_BAGGAGE ? { baggage } : {}
}
