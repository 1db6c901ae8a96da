import type { IncomingMessage } from 'node:http'
import { type Scope, http, https, isCancelled } from '#base'
import type { core } from '#api'
import type { AnyContainer } from '../pods/pod-facts.ts'

export interface HttpOutcome {
  readonly status: number
  readonly body: string
}

const MOST_BODY_BYTES = 10 * 1024
const MOST_REQUESTS = 10

/** The number of a port, which may be named after one of the container's. */
export function portOf(container: AnyContainer, port: string | number): number {
  const number = typeof port === 'number' ? port : (container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port))
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`couldn't find port: ${JSON.stringify(port)}`)
  return number
}

/**
 * One GET of a probe or hook. Redirects are followed on the same host only: one that leads elsewhere is the answer. Certificates are not
 * verified: the server is the pod itself. Messages are those of Go's HTTP client.
 */
export async function httpGet(
  scope: Scope,
  container: AnyContainer,
  podIp: string,
  action: core.HTTPGetAction,
  timeoutMs: number,
): Promise<HttpOutcome> {
  const host = action.host === undefined || action.host === '' ? podIp : action.host
  const path = action.path === undefined || action.path === '' ? '/' : action.path
  let url = new URL(
    `${(action.scheme ?? 'HTTP').toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${portOf(container, action.port)}`,
  )
  const [pathname = '/', query] = [path.split('?')[0], path.includes('?') ? path.slice(path.indexOf('?')) : '']
  url.pathname = pathname.startsWith('/') ? pathname : `/${pathname}`
  url.search = query
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' }
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value
  using limited = scope.child({ timeoutMs })
  for (let requests = 1; ; requests++) {
    const answer = await once(limited, scope, url, headers)
    const { location } = answer.headers
    const next =
      answer.statusCode !== undefined && answer.statusCode >= 300 && answer.statusCode < 400 && location !== undefined
        ? new URL(location, url)
        : undefined
    if (next === undefined || next.hostname !== url.hostname) return { status: answer.statusCode ?? 0, body: answer.text }
    if (requests === MOST_REQUESTS) throw new Error(`Get ${JSON.stringify(next.href)}: stopped after ${MOST_REQUESTS} redirects`)
    url = next
  }
}

type Answer = Pick<IncomingMessage, 'statusCode' | 'headers'> & { readonly text: string }

function once(limited: Scope, scope: Scope, url: URL, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request
    const failed = (error: unknown): void => {
      if (scope.signal.aborted) return reject(scope.signal.reason)
      reject(new Error(`Get ${JSON.stringify(url.href)}: ${reasonOf(error, url)}`))
    }
    const request = send(url, { headers, agent: false, signal: limited.signal, rejectUnauthorized: false }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      const end = (): void =>
        resolve({
          statusCode: response.statusCode,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8').slice(0, MOST_BODY_BYTES),
        })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size < MOST_BODY_BYTES) return
        end()
        response.destroy()
      })
      response.on('end', end).on('error', failed)
    })
    request.on('error', failed).end()
  })
}

function reasonOf(error: unknown, url: URL): string {
  if (isCancelled(error)) return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return dialError(error, `${url.hostname}:${port}`) ?? (error instanceof Error ? error.message : String(error))
}

/** How Go words a failed connect. */
export function dialError(error: unknown, address: string): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const texts: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  }
  if (code === 'ECONNRESET') return 'EOF'
  const text = typeof code === 'string' ? texts[code] : undefined
  return text === undefined ? undefined : `dial tcp ${address}: ${text}`
}
