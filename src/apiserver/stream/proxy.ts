import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib'
import type { HttpRequest, HttpResponse } from '#base'
import type { RequestContext } from '../registry/context.ts'
import type { SpecialHandler, SpecialTarget } from '../registry/special-handler.ts'
import type { Backend } from './backend.ts'
import { CONNECTION_HEADERS } from '../http/connection-headers.ts'
import { bodyOf, refusalOf } from './pass-answer.ts'
import { type Move, moveUrl, movedLinks } from './moved-links.ts'
import { isUpgrade, passUpgrade } from './pass-upgrade.ts'
import type { ToNodes } from './pod-log.ts'
import { nodeBackend, podBackend, serviceBackend } from './proxy-target.ts'

/** Of the connection, not of the message; and who the user is, which ends here. */
const NOT_PASSED = new Set([...CONNECTION_HEADERS, 'x-remote-user', 'x-remote-group', 'x-remote-uid'])
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
    if (isUpgrade(context)) return passUpgrade(context, nodes.backends, backend, onward)
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
    const move: Move = {
      prefix: context.info.path.slice(0, context.info.path.length - path.length),
      backendHost: hostOfBackend(backend),
      requestHost: hostOf(request.headers),
    }
    const headers = answerHeaders(answer, move)
    if (request.method !== 'HEAD') {
      const through = changesOf(answer, move)
      if (through.length > 0) delete headers['content-length']
      return { status, headers, body: bodyOf(answer, through) }
    }
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

function hostOfBackend(backend: Backend): string {
  const { ip, port } = backend.kind === 'node' ? backend.at : backend
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

function answerHeaders(answer: IncomingMessage, move: Move): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !NOT_PASSED.has(name)) headers[name] = value
  const { location } = answer.headers
  // Nobody here goes there.
  if (location !== undefined) headers['location'] = moveUrl(location, move)
  return headers
}

/** Links of pages lead through the proxy; whatever is packed in a way that is not known here stays as it is. */
function changesOf({ headers }: IncomingMessage, move: Move): readonly Transform[] {
  if (headers.location !== undefined || (headers['content-type'] ?? '').split(';')[0]?.trim() !== 'text/html') return []
  switch (headers['content-encoding'] ?? '') {
    case '':
      return [movedLinks(move)]
    case 'gzip':
      return [createGunzip(), movedLinks(move), createGzip()]
    case 'deflate':
      return [createInflateRaw(), movedLinks(move), createDeflateRaw()]
    default:
      return []
  }
}
