import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import {
  type Identity,
  type KeyPair,
  METRICS_TYPE,
  type MetricFamily,
  type Scope,
  certificateVerifier,
  isCancelled,
  messageOf,
  metricsText,
  listenWithin,
} from '#base'
import { type core, StatusError, statusError } from '#api'
import type { Client } from '#client'
import type { NodeAgent } from '../node-agent.ts'
import { RuntimeError } from '../cri/runtime.ts'
import { CommandFailed } from '../host/command.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { NotRunning } from '../refusal.ts'
import { Access } from './access.ts'
import { containerLog } from './container-logs.ts'
import { agentMetrics, cadvisorMetrics, resourceMetrics } from './node-metrics.ts'
import { serveStorage } from '../volumes/local/storage-api.ts'
import { NodeStats } from './stats.ts'
import { volumeMetrics } from './volume-metrics.ts'
import { type ContainerAt, type PodAt, type Streams, findWorker, runningContainer } from './streams.ts'

export interface NodeServerOptions {
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  /** The serving certificate. A newer one is shown to whoever connects from then on. */
  readonly identity: Identity
  /** PEM of the authority of client certificates. */
  readonly clientCa: string
  readonly rootDir: string
  /** Speaks SPDY or WebSocket with the caller. Without it exec, attach and port-forward are refused. */
  readonly protocols?: StreamProtocols
  /** Shown beside the agent's own. */
  readonly furtherMetrics?: () => readonly MetricFamily[]
}

/** What an authenticated and authorised caller asks for on a connection that leaves HTTP. */
export type StreamSession =
  | { readonly kind: 'exec'; readonly at: ContainerAt; readonly command: readonly string[]; readonly query: URLSearchParams }
  | { readonly kind: 'attach'; readonly at: ContainerAt; readonly query: URLSearchParams }
  | { readonly kind: 'port-forward'; readonly at: PodAt; readonly query: URLSearchParams }

export interface StreamProtocols {
  readonly streams: Streams
  /** Answers the upgrade and owns the socket from here on. A `StatusError` thrown before anything was written becomes the answer. */
  serve(scope: Scope, session: StreamSession, request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void>
}

export interface NodeServer {
  readonly port: number
}

/** As much as the API server takes: a command to run stands in the address. */
const MOST_HEAD_BYTES = 1 << 20
const MOST_RUN_OUTPUT_MS = 120_000

/** The agent's HTTPS API. Every path but none is authenticated; there is no port without. Ends with the scope. */
export async function startNodeServer(scope: Scope, client: Client, agent: NodeAgent, options: NodeServerOptions): Promise<NodeServer> {
  const access = new Access(client, certificateVerifier(options.clientCa, 'clientAuth'), agent.settings.nodeName)
  const stats = new NodeStats(agent, options.rootDir)
  const server = createServer({
    ...contextOf(options.identity.current),
    requestCert: true,
    rejectUnauthorized: false,
    maxHeaderSize: MOST_HEAD_BYTES,
  })
  const forget = options.identity.onChange((pair) => server.setSecureContext(contextOf(pair)))

  async function respond(own: Scope, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://node')
    await access.check(own, request, url.pathname)
    const parts = partsOf(url.pathname)
    const json = (value: unknown): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const text = (value: string): void => void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(value)
    const metrics = (value: string): void => void response.writeHead(200, { 'content-type': METRICS_TYPE }).end(value)
    if (parts[0] === 'storage') return json(await serveStorage(scope, agent.volumes.local, request, parts))
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const route = `${isRead ? 'GET' : request.method} /${parts[0] ?? ''}${
      parts[0] === 'metrics' || parts[0] === 'stats'
        ? parts
            .slice(1)
            .map((part) => `/${part}`)
            .join('')
        : ''
    }`
    switch (route) {
      case 'GET /healthz':
        await agent.runtime.version(own)
        return text('ok')
      case 'GET /pods':
        return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: agent.pods.workers.map((worker) => worker.snapshot().pod) })
      case 'GET /runningpods':
        return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: agent.pods.workers.flatMap(runningPod) })
      case 'GET /stats/summary':
        return json(await stats.summary(own))
      case 'GET /metrics':
        return metrics(
          metricsText([...agentMetrics(agent), ...volumeMetrics(await stats.volumes(own)), ...(options.furtherMetrics?.() ?? [])]),
        )
      case 'GET /metrics/probes':
        return metrics(metricsText(agent.probes.families()))
      case 'GET /metrics/resource':
        return metrics(metricsText(await resourceMetrics(own, agent, stats)))
      case 'GET /metrics/cadvisor':
        return metrics(metricsText(await cadvisorMetrics(own, agent, stats)))
      case 'GET /containerLogs':
        return sendLog(own, response, containerLog(own, agent.pods, containerAt(parts), url.searchParams))
      case 'POST /run': {
        const at = containerAt(parts)
        const container = runningContainer(findWorker(agent.pods, at), at.container)
        const command = url.searchParams.getAll('command').concat(url.searchParams.getAll('cmd').flatMap((words) => words.split(' ')))
        const { stdout, stderr } = await agent.runtime.execSync(own, container, command, MOST_RUN_OUTPUT_MS)
        return text(Buffer.concat([stdout, stderr]).toString('utf8'))
      }
      case 'GET /exec':
      case 'POST /exec':
      case 'GET /attach':
      case 'POST /attach':
      case 'GET /portForward':
      case 'POST /portForward':
        throw statusError.badRequest('Upgrade request required')
      default:
        response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n')
    }
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const own = scope.child()
    response.on('close', () => own.cancel())
    respond(own, request, response).catch((error: unknown) => {
      if (isCancelled(error) && own.signal.aborted) return void response.destroy()
      if (response.headersSent) return void response.destroy()
      const { code, type, body } = answerOf(scope, error)
      response.writeHead(code, { 'content-type': type }).end(body)
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const own = scope.child()
    socket.on('close', () => own.cancel()).on('error', () => own.cancel())
    upgrade(own, request, socket, head).catch((error: unknown) => {
      if (own.signal.aborted || socket.destroyed) return void socket.destroy()
      const { code, type, body } = answerOf(scope, error)
      socket.end(
        `HTTP/1.1 ${code} Refused\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
    })
  })

  async function upgrade(own: Scope, request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://node')
    await access.check(own, request, url.pathname)
    const parts = partsOf(url.pathname)
    const session = sessionOf(parts, url.searchParams)
    if (session === undefined) throw statusError.badRequest('this path does not take upgrades')
    if (options.protocols === undefined) throw statusError.unavailable('this node serves no streams')
    await options.protocols.serve(own, session, request, socket, head)
  }

  scope.signal.addEventListener('abort', forget, { once: true })
  return { port: await listenWithin(scope, server, { host: options.address, port: options.port }) }
}

/** A pod as the runtime knows it: its name, and the containers that run. */
function runningPod({ pod, state }: PodWorker): readonly core.Pod[] {
  const running = state.containers.filter((container) => container.state === 'running')
  if (running.length === 0 && state.sandboxes[0]?.ready !== true) return []
  const { name, namespace, uid } = pod.metadata ?? {}
  return [{ metadata: { name, namespace, uid }, spec: { containers: running.map((one) => ({ name: one.name, image: one.image })) } }]
}

const contextOf = ({ certificate, key }: KeyPair): { readonly cert: string; readonly key: string; readonly minVersion: 'TLSv1.2' } => ({
  cert: certificate,
  key,
  minVersion: 'TLSv1.2',
})

function partsOf(path: string): string[] {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    throw statusError.badRequest('the path is not percent-encoded UTF-8')
  }
}

/** `/containerLogs/NAMESPACE/POD/CONTAINER`, and with the pod's uid before the container. */
function containerAt(parts: readonly string[]): ContainerAt {
  const [, namespace, name, ...rest] = parts
  const [uid, container] = rest.length > 1 ? rest : [undefined, rest[0]]
  if (namespace === undefined || name === undefined || container === undefined)
    throw statusError.badRequest('the path must name a namespace, a pod and a container')
  return { namespace, name, uid, container }
}

export function sessionOf(parts: readonly string[], query: URLSearchParams): StreamSession | undefined {
  switch (parts[0]) {
    case 'exec':
      return { kind: 'exec', at: containerAt(parts), command: query.getAll('command'), query }
    case 'attach':
      return { kind: 'attach', at: containerAt(parts), query }
    case 'portForward': {
      const [, namespace, name, uid] = parts
      if (namespace === undefined || name === undefined) throw statusError.badRequest('the path must name a namespace and a pod')
      return { kind: 'port-forward', at: { namespace, name, uid }, query }
    }
    default:
      return undefined
  }
}

/** At the speed of the reader. */
async function sendLog(scope: Scope, response: ServerResponse, log: AsyncIterable<Uint8Array>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  for await (const chunk of log) {
    scope.check()
    if (!response.write(chunk)) await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

const JSON_TYPE = 'application/json'

function answerOf(scope: Scope, error: unknown): { readonly code: number; readonly type: string; readonly body: string } {
  if (error instanceof StatusError) return { code: error.httpStatus, type: JSON_TYPE, body: JSON.stringify(error.status) }
  if (error instanceof NotRunning) return { code: 500, type: 'text/plain; charset=utf-8', body: error.message }
  scope.log.warn('a request to the node failed', { error: messageOf(error) })
  const { status } =
    error instanceof RuntimeError && error.failure === 'unavailable'
      ? statusError.unavailable('the container runtime does not answer')
      : // What a tool of the machine has said is what whoever waits for its work has to know.
        statusError.internal(error instanceof CommandFailed ? messageOf(error) : 'the request failed')
  return { code: status.code, type: JSON_TYPE, body: JSON.stringify(status) }
}
