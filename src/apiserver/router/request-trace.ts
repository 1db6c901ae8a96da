import { type HttpResponse, Span } from '#base'
import type { RequestContext } from '../registry/context.ts'
import { protocolOf } from '../registry/request-fields.ts'
import type { Tracer } from '../trace/tracer.ts'
import type { ParsedRequest } from './request-info.ts'
import { type RequestScope, clientContext, passedHeaders } from './request-scope.ts'

/** Those whose word counts on what is recorded: others could fill the collector. */
const TRUSTED: ReadonlySet<string> = new Set(['system:masters', 'system:monitoring'])
const LONGEST_AUDIT_ID = 64

/**
 * The span of a request, under the names of kube-apiserver. `authenticating` began with the request; what came from a client whose word
 * does not count is only linked to. The scope has the new span from now on, or knows that nothing is recorded.
 */
export function beginTrace(tracer: Tracer, scope: RequestScope, context: RequestContext, authenticating: Span | undefined): void {
  const { request, info, user, auditId } = context
  const client = clientContext(request)
  const isTrusted = user.groups.some((group) => TRUSTED.has(group))
  const agent = context.header('user-agent')
  const { address } = request.peer
  const from = isTrusted ? (client ?? authenticating ?? tracer.unrecorded()) : undefined
  scope.span = tracer.begin(nameOf(request.method, info), from, {
    kind: 'server',
    link: isTrusted ? undefined : client,
    passed: passedHeaders(request),
    attributes: {
      'http.request.method': request.method,
      'url.scheme': 'https',
      'url.path': info.path,
      'http.target': request.target,
      'network.protocol.version': protocolOf(request).slice('HTTP/'.length),
      'audit-id': auditId.slice(0, LONGEST_AUDIT_ID),
      ...(address === '' ? {} : { 'network.peer.address': address, 'client.address': address }),
      ...(agent === undefined ? {} : { 'user_agent.original': agent }),
    },
  })
  if (scope.span === undefined) scope.unrecorded = from instanceof Span ? from.context : (from ?? tracer.unrecorded())
}

/** Ends everything that has begun for the request: with the answer, or with its last byte where it is a stream. */
export function endTrace(scope: RequestScope, authenticating: Span | undefined, answer: HttpResponse): HttpResponse {
  const { span } = scope
  if (span === undefined) {
    authenticating?.end()
    return answer
  }
  let root = span
  while (root.parent !== undefined && root.parent !== authenticating) root = root.parent
  root.set({ 'http.response.status_code': answer.status })
  if (answer.status >= 500) root.fail('')
  const end = (): void => {
    for (let one: Span | undefined = span; one !== undefined; one = one.parent) one.end()
    authenticating?.end()
  }
  const { body } = answer
  if (body.kind === 'bytes') root.set({ 'http.response.body.size': body.chunks.reduce((sum, { length }) => sum + length, 0) })
  if (body.kind !== 'stream') {
    end()
    return answer
  }
  return {
    ...answer,
    body: {
      kind: 'stream',
      start(sink) {
        sink.onClose(end)
        body.start(sink)
      },
    },
  }
}

/** Without what is anybody's own: names with few values, which tools sort by. */
function nameOf(method: string, info: ParsedRequest): string {
  if (!info.isResource) return method
  const parts = info.group === '' ? ['api', info.version] : ['apis', info.group, info.version]
  if (info.namespace !== '') parts.push('namespaces', '{:namespace}')
  parts.push(info.resource)
  if (info.name !== '') parts.push('{:name}')
  parts.push(info.subresource)
  return `${method} /${parts.filter((part) => part !== '').join('/')}`
}
