import type { IncomingMessage } from 'node:http'
import type { HttpRequest, HttpResponse } from '#base'
import type { RequestContext } from '../registry/context.ts'
import type { SpecialHandler, SpecialTarget } from '../registry/special-handler.ts'
import type { Backend } from './backend.ts'
import { bodyOf, refusalOf } from './pass-answer.ts'
import { isUpgrade, passUpgrade } from './pass-upgrade.ts'
import type { ToNodes } from './pod-log.ts'
import { nodeBackend, podBackend, serviceBackend } from './proxy-target.ts'

/** Of the connection, not of the message; and who the user is, which ends here. */
const NOT_PASSED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'expect',
  'http2-settings',
  'x-remote-user',
  'x-remote-group',
  'x-remote-uid',
])
const SECRET_PREFIXES = [':', 'impersonate-', 'x-remote-extra-']

/** `pods/proxy`, `services/proxy` and `nodes/proxy`: any request, passed on to where the object is. */
export function proxy(nodes: ToNodes, kind: 'pods' | 'services' | 'nodes'): SpecialHandler {
  return async (context, target) => {
    const path = pathBehind(context, target)
    const { request } = context
    if (path === '' && !isUpgrade(context) && (request.method === 'GET' || request.method === 'HEAD')) return toFolder(context)
    const backend = await backendOf(context, target, nodes, kind)
    const query = context.info.rawQuery
    const onward = `${path === '' ? '/' : path}${query === '' ? '' : `?${query}`}`
    if (isUpgrade(context)) return passUpgrade(context, nodes.backends, backend, onward, { plural: kind, name: target.name })
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
    const answer = await nodes.backends.send(context.scope, backend, {
      method: request.method,
      path: onward,
      headers: passedHeaders(context),
      ...(hasBody ? { body: request.bodyStream } : {}),
    })
    const status = answer.statusCode ?? 502
    if (backend.kind === 'node' && status >= 300 && status < 400 && status !== 304)
      throw await refusalOf(answer, { plural: kind, name: target.name })
    const headers = answerHeaders(answer, context.info.path.slice(0, context.info.path.length - path.length), backend)
    if (request.method !== 'HEAD') return { status, headers, body: bodyOf(answer) }
    answer.resume()
    return { status, headers, body: { kind: 'empty' } }
  }
}

function backendOf(context: RequestContext, target: SpecialTarget, nodes: ToNodes, kind: 'pods' | 'services' | 'nodes'): Promise<Backend> {
  switch (kind) {
    case 'pods':
      return podBackend(context, target)
    case 'services':
      return serviceBackend(context, target)
    case 'nodes':
      return nodeBackend(context, target, nodes)
    default:
      return kind satisfies never
  }
}

/** What stands behind `…/proxy`, as it was sent: escapes belong to the backend. */
function pathBehind(context: RequestContext, { resource }: SpecialTarget): string {
  const behind = context.info.path.split('/').slice(resource.namespaced ? 8 : 6)
  return behind.length === 0 ? '' : `/${behind.join('/')}`
}

/** Relative links in a page at `…/proxy` would lead out of it. */
function toFolder({ info }: RequestContext): HttpResponse {
  return { status: 301, headers: { location: `${info.path}/${info.rawQuery === '' ? '' : `?${info.rawQuery}`}` }, body: { kind: 'empty' } }
}

function passedHeaders(context: RequestContext): Record<string, string | string[]> {
  const { headers } = context.request
  const passed: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || NOT_PASSED.has(name) || SECRET_PREFIXES.some((prefix) => name.startsWith(prefix))) continue
    passed[name] = typeof value === 'string' ? value : [...value]
  }
  passed['x-forwarded-uri'] = context.info.path
  passed['x-forwarded-host'] = hostOf(headers)
  passed['x-forwarded-proto'] = 'https'
  return passed
}

const hostOf = (headers: HttpRequest['headers']): string => String(headers['host'] ?? headers[':authority'] ?? '')

function answerHeaders(answer: IncomingMessage, prefix: string, backend: Backend): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !NOT_PASSED.has(name)) headers[name] = value
  const { location } = answer.headers
  if (location !== undefined) headers['location'] = movedUnder(location, prefix, backend)
  return headers
}

/** A place on the backend, as the client reaches it. Places elsewhere stay what they are; nobody here goes there. */
function movedUnder(location: string, prefix: string, backend: Backend): string {
  const { ip, port } = backend.kind === 'node' ? backend.at : backend
  const own = new URL(`${backend.kind === 'plain' ? 'http' : 'https'}://${ip.includes(':') ? `[${ip}]` : ip}:${port}`)
  if (!/^(https?:\/)?\//.test(location) || !URL.canParse(location, own)) return location
  const to = new URL(location, own)
  return to.origin === own.origin ? `${prefix}${to.pathname}${to.search}${to.hash}` : location
}
