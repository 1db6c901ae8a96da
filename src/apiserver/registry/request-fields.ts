import type { Attributes, HttpRequest } from '#base'
import type { RequestContext } from './context.ts'

/** What is told of requests in their traces, under the names of kube-apiserver. */
export function requestFields(context: RequestContext): Attributes {
  const { info, request, auditId } = context
  return {
    accept: context.header('accept') ?? '',
    'audit-id': auditId,
    client: request.peer.address,
    'api-group': info.group,
    'api-version': info.version,
    name: info.name,
    subresource: info.subresource,
    namespace: info.namespace,
    protocol: protocolOf(request),
    resource: info.resource,
    scope: info.name !== '' || info.verb === 'create' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster',
    url: info.path,
    'user-agent': context.header('user-agent') ?? '',
    verb: info.verb === 'list' || info.verb === 'watch' ? info.verb.toUpperCase() : request.method,
  }
}

/** A request of the second version brings its method and path as headers. */
export function protocolOf({ headers }: HttpRequest): 'HTTP/1.1' | 'HTTP/2.0' {
  return headers[':path'] === undefined ? 'HTTP/1.1' : 'HTTP/2.0'
}

export const auditField = ({ auditId }: RequestContext): Attributes => ({ 'audit-id': auditId })

const ROOT = '/registry'

/** A key of the store, as it is told: without the root that all have. */
export const shownKey = (key: string): string => (key.startsWith(ROOT) ? key.slice(ROOT.length) : key)

/** What is written to the store. */
export const storeFields = ({ info }: RequestContext, key: string): Attributes => ({
  key: shownKey(key),
  group: info.group,
  resource: info.resource,
})

/** How an answer is written. */
export const answerFields = (context: RequestContext): Attributes => ({
  'audit-id': context.auditId,
  method: context.request.method,
  url: context.info.path,
  protocol: protocolOf(context.request),
})
