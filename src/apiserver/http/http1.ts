import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type HttpHandler, type HttpResponse, http } from '#base'
import type { HttpLimits } from './limits.ts'
import { peerOf } from './peer.ts'
import { SocketRequest } from './request.ts'
import { StreamSink } from './sink.ts'
import type { Turn } from './turn.ts'

/** HTTP/1.1 over connections that someone else has accepted and handed over with `emit('connection')`. */
export function http1Server(handler: HttpHandler, limits: HttpLimits, turn: Turn): Server {
  const server = new http.Server({
    maxHeaderSize: Math.min(limits.headerBytes, 1 << 20),
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: 5_000,
    noDelay: true,
  })
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    const request = new SocketRequest(
      message.method ?? 'GET',
      message.url ?? '/',
      message.headers,
      peerOf(message.socket as TLSSocket),
      message,
      turn,
    )
    response.on('close', () => request.closed())
    response.on('error', () => request.closed())
    handler(request).then(
      (answer) => send(response, answer),
      (error: Error) => response.destroy(error),
    )
  })
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined)
    const upgrade = { take: () => ({ socket, head }) }
    const request = new SocketRequest(
      message.method ?? 'GET',
      message.url ?? '/',
      message.headers,
      peerOf(message.socket as TLSSocket),
      message,
      turn,
      upgrade,
    )
    socket.on('close', () => request.closed())
    handler(request).then(
      (answer) => refuseUpgrade(socket, answer),
      (error: Error) => socket.destroy(error),
    )
  })
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    else socket.destroy()
  })
  return server
}

const destroy = (target: ServerResponse | Duplex, error?: Error): void => void target.destroy(error)

function send(response: ServerResponse, answer: HttpResponse): void {
  if (response.destroyed) return
  const { body } = answer
  switch (body.kind) {
    case 'empty':
      response.writeHead(answer.status, { 'content-length': '0', ...answer.headers } as Record<string, string>)
      return void response.end()
    case 'bytes': {
      const [only] = body.chunks
      const headers = answer.headers as Record<string, string>
      if (body.chunks.length === 1 && only !== undefined) {
        response.writeHead(answer.status, 'content-length' in headers ? headers : { ...headers, 'content-length': only.length })
        return void response.end(only)
      }
      response.cork()
      response.writeHead(answer.status, headers)
      for (const chunk of body.chunks) response.write(chunk)
      return void response.end()
    }
    case 'stream':
      response.writeHead(answer.status, answer.headers as Record<string, string>)
      response.flushHeaders()
      return body.start(new StreamSink(response, destroy))
    case 'upgraded':
      return
    default:
      body satisfies never
  }
}

/** The handler answered an upgrade with an ordinary answer: said in plain HTTP/1.1, then the connection ends. */
function refuseUpgrade(socket: Duplex, answer: HttpResponse): void {
  if (answer.body.kind === 'upgraded') return
  const lines = [`HTTP/1.1 ${answer.status} ${http.STATUS_CODES[answer.status] ?? ''}`, 'connection: close']
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${one}`)
  }
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (answer.body.kind === 'bytes') for (const chunk of answer.body.chunks) socket.write(chunk)
  if (answer.body.kind === 'stream') return answer.body.start(new StreamSink(socket, destroy))
  socket.end()
}
