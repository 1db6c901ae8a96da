import { type ClientHttp2Session, type ClientHttp2Stream, constants, connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { Timer } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { FrameReader, frame } from './frames.ts'

/** A call that has no answer, or a refusal for one. */
export class RpcFailed extends Error {
  /** What the server says, as a number of gRPC; undefined when it is the connection that failed. */
  readonly status: number | undefined
  /** Whether it may have been carried out. */
  readonly mayHaveHappened: boolean
  constructor(message: string, status: number | undefined, mayHaveHappened: boolean) {
    super(message)
    this.status = status
    this.mayHaveHappened = mayHaveHappened
  }
}

export interface RpcStream {
  send(message: Uint8Array): void
  cancel(): void
}

export type TlsFiles = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>

export interface SessionOptions extends TlsFiles {
  /** Of a unix socket, in place of the host and port of the endpoint. */
  readonly socketPath?: string
  /** Largest answer. Default: larger than any page of a store. */
  readonly maxMessageBytes?: number
  /** Asks whether the server is there while calls are under way. Default true: not all servers like it. */
  readonly pings?: boolean
  /** Texts with which the server says that it is unavailable and that nothing has been done. Others leave that open. */
  readonly undone?: ReadonlySet<string>
}

const WINDOW_BYTES = 16 * 2 ** 20
const CONNECT_WITHIN_MS = 3_000
/** Servers cut off clients that ask more often than every five seconds, or while nothing is under way. */
const PING_EVERY_MS = 10_000
const PONG_WITHIN_MS = 5_000
/** Answers of gRPC that are sent before anything has been done. */
const UNAVAILABLE = 14
/** Pages are bounded by their number of objects, watch answers by their parts. */
const MAX_MESSAGE_BYTES = 512 * 2 ** 20
const NOTHING: ReadonlySet<string> = new Set()

/**
 * One connection to one server of gRPC: a member of a store, a service of keys, a collector of traces. Written for this alone, because what
 * a caller has to know when a call fails is whether it may have been carried out, and messages are to be kept as the bytes that they are.
 */
export class Session {
  readonly endpoint: string
  readonly #scope: Scope
  readonly #http: ClientHttp2Session
  readonly #maxMessageBytes: number
  readonly #undone: ReadonlySet<string>
  #open = 0
  #ping: Timer | undefined
  #broken: string | undefined

  private constructor(scope: Scope, endpoint: string, http: ClientHttp2Session, options: SessionOptions) {
    this.#scope = scope
    this.#maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES
    this.#undone = options.undone ?? NOTHING
    this.endpoint = endpoint
    this.#http = http
    http.setLocalWindowSize(WINDOW_BYTES)
    http.on('error', (error: Error) => (this.#broken ??= error.message))
    // It lets calls under way finish and takes no more: a server that stops.
    http.on('goaway', () => (this.#broken ??= 'the server is going away'))
    http.on('close', () => {
      this.#broken ??= 'the connection was closed'
      this.#ping?.cancel()
    })
    if (options.pings !== false) this.#armPing()
  }

  /** Rejects with `RpcFailed` when the server does not answer in time. */
  static connect(scope: Scope, endpoint: string, options: SessionOptions = {}): Promise<Session> {
    const { ca, cert, key, socketPath } = options
    const through = socketPath === undefined ? {} : { createConnection: () => connectSocket({ path: socketPath }) }
    return new Promise((resolve, reject) => {
      const http = connect(endpoint, { ca, cert, key, ...through, settings: { enablePush: false, initialWindowSize: WINDOW_BYTES } })
      const refuse = (why: string): void => {
        timer.cancel()
        scope.signal.removeEventListener('abort', stop)
        http.destroy()
        reject(new RpcFailed(why, undefined, false))
      }
      const stop = (): void => refuse('the caller is closing')
      const timer = scope.clock.after(CONNECT_WITHIN_MS, () => refuse(`no answer within ${CONNECT_WITHIN_MS} ms`))
      scope.signal.addEventListener('abort', stop, { once: true })
      http.once('error', (error: Error) => refuse(error.message))
      // A server that does not speak HTTP/2, or does not want our certificate, says so after the connection has been made.
      http.once('close', () => refuse('the connection was closed'))
      http.once('remoteSettings', () => {
        timer.cancel()
        scope.signal.removeEventListener('abort', stop)
        http.removeAllListeners('close').removeAllListeners('error')
        resolve(new Session(scope, endpoint, http, options))
      })
    })
  }

  get isUsable(): boolean {
    return this.#broken === undefined && !this.#http.closed && !this.#http.destroyed
  }

  /** Takes no more calls, and closes when those under way are over. */
  retire(): void {
    this.#broken ??= 'another server is used instead'
    this.#http.close()
  }

  close(): void {
    this.#broken ??= 'the caller is closing'
    this.#ping?.cancel()
    this.#http.destroy()
  }

  /** `method`: with its service, as in `etcdserverpb.KV/Range`. One message there, one back. Rejects with `RpcFailed`. */
  unary(method: string, message: Uint8Array, timeoutMs: number, headers: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | undefined
      const stream = this.#start(
        method,
        { 'grpc-timeout': `${timeoutMs}m`, ...headers },
        {
          onMessage: (one) => (answer ??= one),
          onEnd: (failure) => {
            timer.cancel()
            if (failure !== undefined) reject(failure)
            else if (answer === undefined) reject(new RpcFailed('the answer has no message', undefined, true))
            else resolve(answer)
          },
        },
      )
      // The server keeps the time itself; this is for one that is no longer there.
      const timer = this.#scope.clock.after(timeoutMs + 1000, () => stream.close(constants.NGHTTP2_CANCEL))
      stream.end(frame(message))
    })
  }

  /** Messages both ways until `onEnd`, which is called once. */
  stream(
    method: string,
    headers: Readonly<Record<string, string>>,
    on: { onMessage(message: Uint8Array): void; onEnd(failure: RpcFailed): void },
  ): RpcStream {
    const stream = this.#start(method, headers, {
      onMessage: on.onMessage,
      onEnd: (failure) => on.onEnd(failure ?? new RpcFailed('the stream has ended', undefined, true)),
    })
    return {
      send: (message) => void (stream.writable && stream.write(frame(message))),
      cancel: () => stream.close(constants.NGHTTP2_CANCEL),
    }
  }

  #start(
    method: string,
    headers: Readonly<Record<string, string>>,
    on: { onMessage(message: Uint8Array): void; onEnd(failure: RpcFailed | undefined): void },
  ): ClientHttp2Stream {
    const stream = this.#request(method, headers)
    this.#open++
    const reader = new FrameReader(this.#maxMessageBytes)
    let status: { readonly code: number; readonly text: string } | undefined
    let broken: string | undefined
    const take = (from: Readonly<Record<string, unknown>>): void => {
      const code = from['grpc-status']
      if (code !== undefined) status = { code: Number(code), text: decodeURIComponent(String(from['grpc-message'] ?? '')) }
      else if (from[':status'] !== undefined && from[':status'] !== 200) broken ??= `HTTP status ${String(from[':status'])}`
    }
    stream.on('response', take)
    stream.on('trailers', take)
    stream.on('error', (error: Error) => (broken ??= error.message))
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) on.onMessage(message)
      } catch (error) {
        broken ??= error instanceof Error ? error.message : String(error)
        stream.close(constants.NGHTTP2_PROTOCOL_ERROR)
      }
    })
    stream.on('close', () => {
      this.#open--
      if (status?.code === 0) return on.onEnd(undefined)
      if (status !== undefined) {
        const undone = status.code !== UNAVAILABLE ? !UNKNOWN_OUTCOME.has(status.code) : this.#undone.has(status.text)
        return on.onEnd(new RpcFailed(status.text, status.code, !undone))
      }
      const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || stream.id === undefined
      return on.onEnd(new RpcFailed(broken ?? this.#broken ?? 'the connection was closed', undefined, !refused))
    })
    return stream
  }

  /** Throws `RpcFailed` when the connection has gone since somebody looked. */
  #request(method: string, headers: Readonly<Record<string, string>>): ClientHttp2Stream {
    try {
      return this.#http.request({
        ':method': 'POST',
        ':path': `/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
    } catch (error) {
      throw new RpcFailed(this.#broken ?? messageOf(error), undefined, false)
    }
  }

  #armPing(): void {
    this.#ping = this.#scope.clock.after(PING_EVERY_MS, () => this.#askPing(), { background: true })
  }

  #askPing(): void {
    if (this.#http.destroyed) return
    if (this.#open === 0) return this.#armPing()
    const late = this.#scope.clock.after(PONG_WITHIN_MS, () => this.#lose(`no answer to a ping within ${PONG_WITHIN_MS} ms`), {
      background: true,
    })
    this.#http.ping((error: Error | null) => {
      late.cancel()
      if (error === null) this.#armPing()
    })
  }

  #lose(why: string): void {
    this.#broken ??= why
    this.#http.destroy()
  }
}

/** Canceled, Unknown, DeadlineExceeded, Aborted, Internal, DataLoss: they say nothing about what has been done. */
const UNKNOWN_OUTCOME: ReadonlySet<number> = new Set([1, 2, 4, 10, 13, 15])
