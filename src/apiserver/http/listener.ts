import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { HttpHandler, Scope } from '#base'
import { http1Server } from './http1.ts'
import { http2Server } from './http2.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './limits.ts'
import { plainHttp } from './plain/plain-http.ts'
import { Turn } from './turn.ts'

export interface ListenOptions {
  readonly handler: HttpHandler
  readonly port: number
  /** Default: all addresses. */
  readonly address?: string
  /** PEM; the certificate may carry its chain. */
  readonly certificate: string
  readonly key: string
  readonly limits?: Partial<HttpLimits>
  /** Called for a connection that never became one. */
  readonly onHandshakeError?: () => void
}

export interface Listener {
  readonly port: number
  readonly address: string
  /** For new connections; those that are open keep the old one. */
  useCertificate(certificate: string, key: string): void
  /** Takes no more connections, lets requests finish for `graceMs`, then breaks what is left. */
  close(graceMs: number): Promise<void>
}

/**
 * One port for HTTP/1.1 and HTTP/2 over TLS, told apart by ALPN. Client certificates are asked for and proven by the handshake,
 * but checked against no authority: that is the authenticator's part.
 */
export async function listen(scope: Scope, options: ListenOptions): Promise<Listener> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const turn = new Turn()
  const http1 = http1Server(options.handler, limits, turn)
  const http2 = http2Server(options.handler, limits, turn)
  const plain = plainHttp(scope, {
    handler: options.handler,
    limits,
    turn,
    takeOver: (socket, unread) => {
      socket.unshift(unread)
      http1.emit('connection', socket)
      socket.resume()
    },
  })
  const sockets = new Set<Socket>()
  const server = createServer({
    cert: options.certificate,
    key: options.key,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: limits.headersTimeoutMs,
    noDelay: true,
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => socket.destroy())
    if (socket.alpnProtocol === 'h2') http2.server.emit('connection', socket)
    else plain.accept(socket)
  })
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy()
    options.onHandshakeError?.()
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.address, () => resolve())
  })
  const bound = server.address() as AddressInfo
  return {
    port: bound.port,
    address: bound.address,
    useCertificate: (cert, key) => server.setSecureContext({ cert, key }),
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      plain.finish()
      http1.closeIdleConnections()
      http1.close()
      http2.drain()
      const timer = scope.clock.after(graceMs, () => sockets.forEach((socket) => socket.destroy()), { background: true })
      const sweep = (): void => http1.closeIdleConnections()
      const sweeper = setSweep(scope, sweep)
      await closed
      timer.cancel()
      sweeper.cancel()
    },
  }
}

/** Connections become idle one by one while requests finish. */
function setSweep(scope: Scope, sweep: () => void): { cancel(): void } {
  let timer = scope.clock.after(50, again, { background: true })
  function again(): void {
    sweep()
    timer = scope.clock.after(50, again, { background: true })
  }
  return { cancel: () => timer.cancel() }
}
