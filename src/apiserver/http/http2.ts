import {
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  constants,
  createServer,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { HttpHandler, HttpResponse } from '#base'
import type { HttpLimits } from './limits.ts'
import { peerOf } from './peer.ts'
import { SocketRequest } from './request.ts'
import { StreamSink } from './sink.ts'
import type { Turn } from './turn.ts'

export interface Http2Part {
  /** Connections are handed over with `emit('connection')`. */
  readonly server: Http2Server
  /** Tells the peers to open no more streams; a connection ends with its last one. */
  drain(): void
}

/** HTTP/2 over connections that someone else has accepted. Raw streams: the request-like API costs half as much again. */
export function http2Server(handler: HttpHandler, limits: HttpLimits, turn: Turn): Http2Part {
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer({
    maxSessionMemory: limits.sessionMegabytes,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: limits.streamResetBurst,
    streamResetRate: limits.streamResetRate,
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      maxHeaderListSize: Math.min(limits.headerBytes, 64 << 10),
      initialWindowSize: 1 << 20,
      enablePush: false,
    },
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
    session.setTimeout(limits.idleTimeoutMs, () => {
      // A watch is quiet for minutes: only connections without any stream are idle.
      if (openStreams.get(session) === undefined) session.close()
    })
  })
  const openStreams = new WeakMap<object, number>()
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const { session } = stream
    if (session === undefined) return stream.close(constants.NGHTTP2_CANCEL)
    openStreams.set(session, (openStreams.get(session) ?? 0) + 1)
    const socket = session.socket as TLSSocket
    const [method, path] = [headers[':method'] ?? 'GET', headers[':path'] ?? '/']
    const request = new SocketRequest(method, path, headers, peerOf(socket), stream, turn, undefined, stream)
    stream.on('error', ignore)
    stream.on('close', () => {
      const left = (openStreams.get(session) ?? 1) - 1
      if (left === 0) openStreams.delete(session)
      else openStreams.set(session, left)
    })
    handler(request).then(
      (answer) => send(stream, answer),
      () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    )
  })
  return {
    server,
    drain: () => {
      for (const session of sessions) session.close()
    },
  }
}

const ignore = (): void => undefined

const reset = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_INTERNAL_ERROR)

function send(stream: ServerHttp2Stream, answer: HttpResponse): void {
  if (stream.destroyed || stream.closed) return
  const headers = { ':status': answer.status, ...answer.headers } as Record<string, string | string[] | number>
  const { body } = answer
  switch (body.kind) {
    case 'empty':
      return stream.respond(headers, { endStream: true })
    case 'bytes':
      stream.respond(headers)
      for (let i = 0; i < body.chunks.length - 1; i++) stream.write(body.chunks[i])
      return void stream.end(body.chunks[body.chunks.length - 1])
    case 'stream':
      stream.respond(headers)
      return body.start(new StreamSink(stream, reset))
    case 'upgraded':
      return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    default:
      body satisfies never
  }
}
