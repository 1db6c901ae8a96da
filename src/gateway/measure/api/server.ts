import type { IncomingMessage, ServerResponse } from 'node:http'
import { type KeyPair, type Scope, https, isCancelled, listenWithin, messageOf } from '#base'
import { StatusError, statusError } from '#api'
import { type Access, Callers } from './callers.ts'
import type { Answers } from './answers.ts'
import { type Asked, CUSTOM, MEASURE, askedOf } from './paths.ts'
import type { Client } from '#client'

export interface MeasureServerOptions {
  readonly client: Client
  readonly address: string
  /** 0 takes a free one. */
  readonly port: number
  readonly certificate: KeyPair
  readonly answers: Answers
  readonly prometheus: (scope: Scope) => Promise<string>
}

const ANSWERS_WITHIN_MS = 10_000
const MOST_CONNECTIONS = 256

/** Serves figures over HTTPS until the scope ends: to the aggregation layer, and to who has a token. Every path wants a caller that is known. */
export async function startMeasureServer(scope: Scope, options: MeasureServerOptions): Promise<{ readonly port: number }> {
  const callers = new Callers(options.client)
  const { certificate, key } = options.certificate
  const server = https.createServer(
    {
      cert: certificate,
      key,
      requestCert: true,
      // Who has none may have a token.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      headersTimeout: ANSWERS_WITHIN_MS,
      requestTimeout: ANSWERS_WITHIN_MS,
    },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = MOST_CONNECTIONS

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const own = scope.child({ timeoutMs: ANSWERS_WITHIN_MS })
    try {
      await respond(own, request, response)
    } catch (error) {
      if (isCancelled(error) && scope.signal.aborted) return void request.socket.destroy()
      if (!(error instanceof StatusError)) scope.log.warn('a question about measurements failed', { error: messageOf(error) })
      const status = error instanceof StatusError ? error : statusError.internal('the question could not be answered')
      if (!response.headersSent)
        response.writeHead(status.status.code ?? 500, { 'content-type': 'application/json' }).end(JSON.stringify(status.status))
    } finally {
      own.cancel()
    }
  }

  async function respond(own: Scope, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://gateway')
    const caller = await callers.authenticate(own, request)
    const asked = request.method === 'GET' ? askedOf(decodeURI(url.pathname)) : undefined
    if (asked === undefined) throw statusError.notFound({ group: '', plural: 'paths' }, url.pathname)
    const access = accessTo(asked)
    if (access !== undefined) await callers.authorize(own, caller, access)
    if (asked.kind === 'prometheus')
      return void response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(await options.prometheus(own))
    const body = await figures(own, asked, url.searchParams.get('labelSelector') ?? undefined)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async function figures(own: Scope, asked: Exclude<Asked, { kind: 'prometheus' }>, labelSelector: string | undefined): Promise<object> {
    switch (asked.kind) {
      case 'discovery':
        return asked.document
      case 'counts':
        return options.answers.counts(asked.namespace, asked.service)
      case 'service-metric':
        return options.answers.serviceMetric(own, asked.namespace, asked.service, asked.metric)
      case 'pod-metric':
        return options.answers.podMetric(own, asked.namespace, asked.pod, asked.metric, labelSelector)
    }
  }

  return { port: await listenWithin(scope, server, { host: options.address, port: options.port }) }
}

/** Undefined: whoever is known may. */
function accessTo(asked: Asked): Access | undefined {
  switch (asked.kind) {
    case 'discovery':
      return undefined
    case 'prometheus':
      return { path: '/metrics' }
    case 'counts':
      return { ...MEASURE, resource: 'services', namespace: asked.namespace, name: asked.service }
    case 'service-metric':
      return { ...CUSTOM, resource: 'services', subresource: asked.metric, namespace: asked.namespace, name: asked.service }
    case 'pod-metric':
      return { ...CUSTOM, resource: 'pods', subresource: asked.metric, namespace: asked.namespace, name: asked.pod }
  }
}
