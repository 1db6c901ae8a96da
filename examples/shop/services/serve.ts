import { type IncomingMessage, createServer } from 'node:http'

/** What all services of the shop have in common: one HTTP server with health, readiness and a polite end. */
export interface Request {
  readonly method: string
  readonly path: string
  /** The path's parts, decoded: `/baskets/7` is `['baskets', '7']`. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** Rejects past 64 KiB. */
  readonly body: () => Promise<string>
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Service {
  readonly name: string
  /** Throws, or is false, while the service cannot do its work. */
  readonly ready: () => boolean | Promise<boolean>
  /** Undefined where there is no such page. */
  readonly answer: (request: Request) => Answer | undefined | Promise<Answer | undefined>
  /** Called when the last request has been answered. */
  readonly close?: () => void | Promise<void>
}

export const pod = process.env['POD_NAME'] ?? 'local'
const LONGEST_BODY_BYTES = 64 * 1024
/** How long new connections are still taken after TERM: until the last proxy has heard that this pod is leaving. */
const LEAVING_MS = Number(process.env['LEAVING_MS'] ?? 250)
/** How long a connection may be idle. Each answer says so, and a client lets go of it in time; to close one earlier could cross a request. */
const KEPT_MS = 2000

export const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** A mistake of the caller's: the status is the answer's. */
export class BadRequest extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

export function serve(service: Service): void {
  let leaving = false
  const server = createServer((incoming, outgoing) => {
    void handle(service, incoming, () => leaving).then(({ status, headers, body = '' }) => {
      const bytes = Buffer.from(body)
      outgoing.writeHead(status, {
        'x-served-by': pod,
        'content-length': bytes.length,
        ...headers,
        ...(leaving ? { connection: 'close' } : {}),
      })
      outgoing.end(incoming.method === 'HEAD' ? undefined : bytes)
    })
  })
  server.keepAliveTimeout = KEPT_MS
  let connections = 0
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    server.close(() => void Promise.resolve(service.close?.()).then(() => log(service, 'stopped')))
  }
  let whenLast = (): void => undefined
  server.on('connection', (socket) => {
    connections++
    socket.on('close', () => {
      connections--
      if (connections === 0) whenLast()
    })
  })
  const leave = (): void => {
    if (leaving) return
    leaving = true
    setTimeout(() => {
      if (connections === 0) return end()
      whenLast = end
      setTimeout(end, KEPT_MS).unref()
    }, LEAVING_MS)
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  server.listen(Number(process.env['PORT'] ?? 8080), () => log(service, 'listening', { address: server.address() }))
}

async function handle(service: Service, incoming: IncomingMessage, leaving: () => boolean): Promise<Answer> {
  try {
    const url = new URL(incoming.url ?? '/', 'http://shop')
    if (url.pathname === '/healthz') return { status: 200, body: 'ok\n' }
    if (url.pathname === '/readyz')
      return !leaving() && (await service.ready()) ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ready\n' }
    const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
    const request = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      parts,
      query: url.searchParams,
      headers: incoming.headers,
      body: () => readBody(incoming),
    }
    return (await service.answer(request)) ?? { status: 404, body: 'not found\n' }
  } catch (error) {
    if (error instanceof BadRequest) return { status: error.status, body: `${error.message}\n` }
    if (error instanceof URIError) return { status: 400, body: 'the path is not well formed\n' }
    log(service, 'failed', { path: incoming.url, error: String(error) })
    return { status: 503, body: 'not available\n' }
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > LONGEST_BODY_BYTES) throw new BadRequest('the body is too long', 413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function log(service: Service, message: string, fields: object = {}): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), service: service.name, pod, message, ...fields }))
}
