import { type Body, type BodySink, BodyTooLarge, type HttpHandler, type HttpRequest, type Scope, isCancelled } from '#base'
import { ChunkQueue, joinChunks } from './chunk-queue.ts'
import { Unreachable } from './errors.ts'
import type { Transport, TransportAnswer } from './transport.ts'

/** A slow reader stops the writer here, as a socket's buffer would. */
const HIGH_WATER_BYTES = 1 << 20

export interface InProcessOptions {
  /** Sent as a bearer token: the in-process caller is authenticated like everyone. */
  readonly token?: string
}

/** The handler as a function call: no socket, no framing; bytes are shared, not copied. */
export function inProcessTransport(handler: HttpHandler, options: InProcessOptions = {}): Transport {
  const identity = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
  const ends = new ScopeEnds()
  return {
    server: 'in process',
    close: () => undefined,
    async send(scope, request) {
      scope.check()
      const body = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array(0))
      const call = new Call(scope)
      const asked: HttpRequest = {
        method: request.method,
        target: request.target,
        headers: { host: 'in-process', ...identity, ...request.headers },
        readBody: (maxBytes) => (body.length > maxBytes ? Promise.reject(new BodyTooLarge(maxBytes)) : Promise.resolve(body)),
        bodyStream: once(body),
        peer: { address: '', inProcess: true },
        get signal() {
          return call.signal
        },
      }
      try {
        const answer = await untilCancelled(scope, ends, handler(asked))
        return answerOf(call, answer.status, answer.headers, answer.body)
      } catch (error) {
        call.cancel()
        if (isCancelled(error)) throw error
        throw new Unreachable('in process', error)
      }
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

/** Who is to be told when a scope ends: one listener for each scope, since a signal's own list of them is searched at every change. */
class ScopeEnds {
  readonly #told = new WeakMap<AbortSignal, Set<() => void>>()

  /** The returned function takes `run` away again. */
  add({ signal }: Scope, run: () => void): () => void {
    let told = this.#told.get(signal)
    if (told === undefined) {
      const all = new Set<() => void>()
      told = all
      this.#told.set(signal, all)
      signal.addEventListener('abort', () => all.forEach((each) => each()), { once: true })
    }
    told.add(run)
    return () => void told.delete(run)
  }
}

function untilCancelled<T>(scope: Scope, ends: ScopeEnds, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const release = ends.add(scope, () => reject(scope.signal.reason))
    promise.then(
      (value) => {
        release()
        resolve(value)
      },
      (error: unknown) => {
        release()
        reject(error)
      },
    )
  })
}

/** One request's own end: it comes with the scope's, or when the reader gives the body up. Most are answered before anyone asks for the signal. */
class Call {
  readonly #scope: Scope
  #made: ReturnType<Scope['child']> | undefined
  #isOver = false

  constructor(scope: Scope) {
    this.#scope = scope
  }
  get signal(): AbortSignal {
    if (this.#made === undefined) {
      this.#made = this.#scope.child()
      if (this.#isOver) this.#made.cancel()
    }
    return this.#made.signal
  }
  /** What the server still does for it ends. */
  cancel(): void {
    this.#isOver = true
    this.#made?.cancel()
  }
}

function answerOf(call: Call, status: number, headers: TransportAnswer['headers'], body: Body): TransportAnswer {
  if (body.kind === 'stream') {
    const chunks = streamed(call, body.start)
    return { status, headers, bytes: () => joinChunks(chunks), chunks: () => chunks, discard: () => call.cancel() }
  }
  call.cancel()
  const parts = body.kind === 'bytes' ? body.chunks : []
  const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  return { status, headers, bytes: () => Promise.resolve(bytes), chunks: () => once(bytes), discard: () => undefined }
}

function streamed(call: Call, start: (sink: BodySink) => void): ChunkQueue {
  let drain: (() => void)[] = []
  let closed: (() => void)[] = []
  let isClosed = false
  const close = (): void => {
    if (isClosed) return
    isClosed = true
    call.signal.removeEventListener('abort', stop)
    const runs = closed
    closed = []
    for (const run of runs) run()
    call.cancel()
  }
  const stop = (): void => {
    queue.end(call.signal.reason instanceof Error ? call.signal.reason : undefined)
    close()
  }
  const queue = new ChunkQueue({
    onStop: close,
    onTaken: () => {
      const runs = drain
      drain = []
      for (const run of runs) run()
    },
  })
  call.signal.addEventListener('abort', stop, { once: true })
  const sink: BodySink = {
    write: (chunk) => {
      if (!isClosed) queue.push(chunk)
      return queue.bufferedBytes < HIGH_WATER_BYTES
    },
    get bufferedBytes() {
      return queue.bufferedBytes
    },
    onDrain: (run) => void drain.push(run),
    onClose: (run) => (isClosed ? run() : void closed.push(run)),
    end: () => {
      queue.end()
      close()
    },
    destroy: (error) => {
      queue.end(new Unreachable('in process', error ?? new Error('the answer was broken off')))
      close()
    },
  }
  if (call.signal.aborted) stop()
  start(sink)
  return queue
}
