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
  return {
    server: 'in process',
    close: () => undefined,
    async send(scope, request) {
      scope.check()
      const body = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array(0))
      // A signal of its own: the request ends with the scope, or when the reader gives the body up.
      const call = scope.child()
      const asked: HttpRequest = {
        method: request.method,
        target: request.target,
        headers: { host: 'in-process', ...identity, ...request.headers },
        readBody: (maxBytes) => (body.length > maxBytes ? Promise.reject(new BodyTooLarge(maxBytes)) : Promise.resolve(body)),
        bodyStream: once(body),
        peer: { address: '', inProcess: true },
        signal: call.signal,
      }
      try {
        const answer = await untilCancelled(scope, handler(asked))
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

function untilCancelled<T>(scope: Scope, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(scope.signal.reason)
    scope.signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => scope.signal.removeEventListener('abort', stop))
  })
}

type Call = Scope & { cancel(reason?: Error): void }

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
