import type { Agent as HttpAgent, IncomingMessage } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { type Identity, type Scope, http, https } from '#base'
import { ChunkQueue, joinChunks } from './chunk-queue.ts'
import { Unreachable } from './errors.ts'
import type { Transport, TransportAnswer } from './transport.ts'

export interface SocketOptions {
  /** `https://host:port`, with a path prefix where the server stands behind one. */
  readonly server: string
  /** PEM. Without it the system's certificate authorities are asked. */
  readonly ca?: string | Uint8Array
  /** PEM, both or none. */
  readonly certificate?: string | Uint8Array
  readonly key?: string | Uint8Array
  /** Instead of certificate and key: one that may be replaced while it is in use. Connections that are there go on with the older one. */
  readonly identity?: Pick<Identity, 'current'>
  /** A bearer token, or where to get the present one. */
  readonly token?: string | (() => string | Promise<string>)
  /** Name in the server's certificate when it is not the host's. */
  readonly serverName?: string
  /** Accepts any certificate. Only when a person asked for it. */
  readonly insecureSkipVerify?: boolean
  readonly userAgent?: string
  /** Connections kept open at once; long watches take one each, so it bounds only the idle ones. Default 64. */
  readonly maxIdleConnections?: number
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD'])
const CLOSED: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE'])

/** HTTP/1.1 with connections that are kept. TLS is decided by the server's scheme; redirects are never followed. */
export function socketTransport(options: SocketOptions): Transport {
  const base = new URL(options.server)
  const prefix = base.pathname.replace(/\/$/, '')
  const secure = base.protocol === 'https:'
  const host = base.hostname.replace(/[[\]]/g, '')
  const common = { keepAlive: true, maxFreeSockets: options.maxIdleConnections ?? 64, scheduling: 'lifo' as const }
  const { certificate, key } = options
  let shown = options.identity?.current
  const newAgent = (): HttpAgent | HttpsAgent =>
    secure
      ? new https.Agent({
          ...common,
          ...(options.ca === undefined ? {} : { ca: Buffer.from(options.ca) }),
          ...pairOf(shown?.certificate ?? certificate, shown?.key ?? key),
          ...(options.serverName === undefined ? {} : { servername: options.serverName }),
          ...(options.insecureSkipVerify ? { rejectUnauthorized: false } : {}),
        })
      : new http.Agent(common)
  let agent = newAgent()
  const request = secure ? https.request : http.request
  const presentAgent = (): HttpAgent => {
    if (options.identity === undefined || options.identity.current === shown) return agent
    shown = options.identity.current
    retire(agent)
    agent = newAgent()
    return agent
  }

  return {
    server: options.server,
    close: () => agent.destroy(),
    async send(scope, asked) {
      scope.check()
      const token = typeof options.token === 'function' ? await options.token() : options.token
      const body = typeof asked.body === 'string' ? Buffer.from(asked.body) : asked.body
      const headers: Record<string, string | number> = {
        'user-agent': options.userAgent ?? 'sampan',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...asked.headers,
        ...(body === undefined ? {} : { 'content-length': body.length }),
      }
      const attempt = (again: boolean): Promise<TransportAnswer> =>
        new Promise((resolve, reject) => {
          const sent = request({
            host,
            port: base.port === '' ? (secure ? 443 : 80) : base.port,
            method: asked.method,
            path: prefix + asked.target,
            headers,
            agent: presentAgent(),
          })
          const stop = (): void => void sent.destroy(scope.signal.reason instanceof Error ? scope.signal.reason : undefined)
          scope.signal.addEventListener('abort', stop, { once: true })
          sent.on('error', (error) => {
            scope.signal.removeEventListener('abort', stop)
            if (scope.signal.aborted) reject(scope.signal.reason)
            // A kept connection that the server closed in the same moment. Whether it has looked at the request nobody knows: one that writes
            // is not sent again.
            else if (again && sent.reusedSocket && READS.has(asked.method) && 'code' in error && CLOSED.has(error.code))
              attempt(false).then(resolve, reject)
            else reject(new Unreachable(options.server, error))
          })
          sent.on('response', (answer) =>
            resolve(answerOf(scope, options.server, answer, () => scope.signal.removeEventListener('abort', stop))),
          )
          sent.end(body)
        })
      return attempt(true)
    },
  }
}

function pairOf(certificate: SocketOptions['certificate'], key: SocketOptions['key']): { readonly cert?: Buffer; readonly key?: Buffer } {
  return {
    ...(certificate === undefined ? {} : { cert: Buffer.from(certificate) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
  }
}

/** Requests under way end as they would; nothing new goes over its connections. */
function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

/** The answer breaks off with the reason of `scope` when that is cancelled, with `Unreachable` when it is the other side that went. */
function answerOf({ signal }: Scope, server: string, answer: IncomingMessage, release: () => void): TransportAnswer {
  const brokenOff = (error: Error): Error =>
    signal.aborted && signal.reason instanceof Error ? signal.reason : new Unreachable(server, error)
  const queue = new ChunkQueue({ onTaken: () => answer.resume(), onStop: () => void (answer.complete || answer.destroy()) })
  answer.on('data', (chunk: Uint8Array) => {
    queue.push(chunk)
    if (queue.bufferedBytes > 1 << 20) answer.pause()
  })
  answer.on('end', () => {
    release()
    queue.end()
  })
  answer.on('error', (error) => {
    release()
    queue.end(brokenOff(error))
  })
  answer.on('close', () => {
    release()
    queue.end(answer.complete ? undefined : brokenOff(new Error('the answer was broken off')))
  })
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    bytes: () => joinChunks(queue),
    chunks: () => queue,
    discard: () => void answer.destroy(),
  }
}
