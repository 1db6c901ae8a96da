import type { HttpResponse } from '#base'
import { type KubeObject, type Resource, type Status, StatusError, statusError } from '#api'
import { WITHOUT_PROTOBUF } from '../respond/media.ts'
import { encoded, objectAnswer } from '../respond/objects.ts'
import type { RequestContext } from './context.ts'
import { qualifiedName } from './core.ts'
import type { SpecialHandler, SpecialTarget } from './special-handler.ts'
import { deleteCollection } from './delete/delete-collection.ts'
import { type Deleted, deleteObject } from './delete/delete.ts'
import { deleteOptions } from './delete/delete-options.ts'
import { pageNotFound } from '../respond/plain.ts'
import { statusProtobuf } from '../respond/refusal.ts'
import { methodNotAllowed, noSuchPath } from './routing-errors.ts'
import { patchTypeOf } from './patch/patch.ts'
import { getObject, listObjects } from './read/read.ts'
import { serveScale } from './scale/serve-scale.ts'
import { watchObjects } from './read/watch.ts'
import { type Target, patchObject, postObject, putObject } from './write/write.ts'
import { requestFields } from './request-fields.ts'
import type { View } from './view.ts'
import type { Views } from './views.ts'

/** What is behind the paths. */
export interface ResourceRoutes {
  readonly views: Views
  readonly specials: ReadonlyMap<string, SpecialHandler>
}

/** Serves a path under a group and version. Throws `StatusError` 404 and 405 for what is not there. */
export async function serveResource(context: RequestContext, routes: ResourceRoutes): Promise<HttpResponse> {
  const { core, info } = context
  const resource = core.catalog.find(info.group, info.version, info.resource)
  if (resource === undefined || !pathFits(context, resource)) {
    if (core.catalog.isCustom(info.group)) return pageNotFound()
    throw noSuchPath()
  }
  // A path of the past.
  if (info.verb === 'proxy') throw noSuchPath()
  warnOfDeprecation(context, resource)
  if (resource.typedItems) {
    context.isRouted = false
    if (context.request.method === 'PATCH') patchTypeOf(context.header('content-type'), false)
    context.plainForms = WITHOUT_PROTOBUF
    // Before anything is looked for or changed.
    if (info.verb !== 'watch') context.accepted(false)
  }
  const { namespace, name } = addressOf(context, resource)
  if (info.subresource !== '') return serveSubresource(context, routes, resource, namespace, name)
  const special = routes.specials.get(qualifiedName(resource))
  if (special !== undefined)
    return serveSpecial(context, resource, special, { resource, subresource: '', namespace, name, rest: info.rest })
  if (resource.storage === undefined) throw methodNotAllowed()
  const view = routes.views.of(resource)
  const target: Target = { view, namespace, name, subresource: '' }
  if (name === '') return serveCollection(context, target)
  return serveObject(context, target)
}

/** Versions of built-in kinds that Kubernetes asks to leave; each use says so. */
const DEPRECATED: Readonly<Record<string, string>> = {
  '/v1/endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  '/v1/componentstatuses': 'v1 ComponentStatus is deprecated in v1.19+',
}

/** Said before anything else is looked at. */
function warnOfDeprecation(context: RequestContext, resource: Resource): void {
  const { core, info } = context
  const deprecation = deprecationOf(resource)
  const leadsSomewhere = resource.typedItems || info.subresource === '' || resource.subresources[info.subresource] !== undefined
  if (deprecation === undefined || !leadsSomewhere) return
  context.warn(deprecation)
  context.audit?.annotate('k8s.io/deprecated', 'true')
  core.metrics.requests.deprecated(info)
}

function deprecationOf(resource: Resource): string | undefined {
  return resource.deprecation ?? DEPRECATED[`${resource.group}/${resource.version}/${resource.plural}`]
}

const NO_BODY_METHODS = new Set(['GET', 'HEAD'])

async function serveCollection(context: RequestContext, target: Target): Promise<HttpResponse> {
  const { info, request } = context
  const { view, namespace } = target
  const { verbs, namespaced } = view.resource
  if (info.watchPath && !NO_BODY_METHODS.has(request.method)) throw methodNotAllowed()
  const isWatch = info.watchPath || info.verb === 'watch'
  if (NO_BODY_METHODS.has(request.method) && isWatch && verbs.has('watch')) return watchObjects(context, view, namespace, '')
  if (NO_BODY_METHODS.has(request.method) && verbs.has('list')) return listObjects(context, view, namespace)
  if (view.resource.typedItems && (request.method === 'PUT' || request.method === 'PATCH'))
    throw statusError.badRequest('name must be provided')
  if (request.method === 'POST' && verbs.has('create') && (!namespaced || namespace !== '')) return postObject(context, target)
  if (request.method === 'DELETE' && verbs.has('deletecollection') && (!namespaced || namespace !== ''))
    return deleteCollection(context, view, namespace)
  throw methodNotAllowed()
}

async function serveObject(context: RequestContext, target: Target): Promise<HttpResponse> {
  const { info, request } = context
  const { view, namespace, name } = target
  const { verbs } = view.resource
  checkSegment(name)
  // Paths of custom resources are told apart by their verb alone: the name is the one in the body.
  if (request.method === 'POST' && view.resource.typedItems && verbs.has('create')) return postObject(context, target)
  if (NO_BODY_METHODS.has(request.method)) {
    if (info.watchPath && verbs.has('watch')) return watchObjects(context, view, namespace, name)
    if (verbs.has('get')) return getObject(context, view, namespace, name)
  }
  if (request.method === 'PUT' && verbs.has('update')) return putObject(context, target)
  if (request.method === 'PATCH' && verbs.has('patch')) return patchObject(context, target)
  if (request.method === 'DELETE' && verbs.has('delete')) {
    const span = context.begin('Delete', requestFields)
    context.accepted(false)
    const options = await deleteOptions(context)
    span?.event('About to delete object from database')
    const deleted = await deleteObject(context, { view, namespace, name, options })
    span?.event('Object deleted from database')
    return deletedAnswer(context, view, deleted)
  }
  throw methodNotAllowed()
}

/** Throws `StatusError` 400 for a name that no object can have, in the words of the storage. */
function checkSegment(name: string): void {
  const why = name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : undefined
  if (why !== undefined) throw statusError.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`)
}

/** What has been deleted, or a Status about it, in the form that the client accepts. */
export function deletedAnswer(context: RequestContext, view: View, deleted: Deleted): HttpResponse {
  if (deleted.kind === 'status') return statusAnswer(context, 200, deleted.status)
  const { bytes, object } = deleted.written
  return objectAnswer(context, view, 200, { bytes, object: () => object })
}

export function statusAnswer(context: RequestContext, httpStatus: number, status: Omit<Status, 'code'>): HttpResponse {
  const accepted = { ...context.accepted(false), form: 'object' } as const
  return encoded(context, accepted, httpStatus, Buffer.from(JSON.stringify(status)), () => statusProtobuf(status as KubeObject))
}

async function serveSubresource(
  context: RequestContext,
  routes: ResourceRoutes,
  resource: Resource,
  namespace: string,
  name: string,
): Promise<HttpResponse> {
  const { info, request } = context
  const subresource = resource.subresources[info.subresource]
  if (subresource === undefined) throw resource.typedItems ? statusError.notFound(resource, name) : noSuchPath()
  if (subresource.type === 'update') context.hasTables = false
  if (subresource.type === 'special') {
    const special = routes.specials.get(`${qualifiedName(resource)}/${info.subresource}`)
    // Whoever may pass requests on may pass on any; the method without a verb of its own, too.
    const isPassed = info.subresource === 'proxy' && request.method === 'OPTIONS'
    const verb = NO_BODY_METHODS.has(request.method) || isPassed ? 'get' : info.verb
    if (info.rest !== '' && info.subresource !== 'proxy') throw noSuchPath()
    if (!subresource.verbs.includes(verb)) throw methodNotAllowed()
    if (special === undefined)
      throw new StatusError({
        code: 501,
        reason: 'NotImplemented',
        message: `${info.subresource} of ${resource.plural} is not served here`,
      })
    return serveSpecial(context, resource, special, { resource, subresource: info.subresource, namespace, name, rest: info.rest })
  }
  if (info.rest !== '') throw noSuchPath()
  const view = routes.views.of(resource)
  if (subresource.type === 'scale') return serveScale(context, { view, namespace, name, subresource: 'scale' }, subresource)
  const target: Target = { view, namespace, name, subresource: info.subresource }
  if (NO_BODY_METHODS.has(request.method)) return getObject(context, view, namespace, name)
  if (request.method === 'PUT') return putObject(context, target)
  if (request.method === 'PATCH') return patchObject(context, target)
  throw resource.typedItems ? statusError.methodNotAllowed(resource, info.verb) : methodNotAllowed()
}

async function serveSpecial(
  context: RequestContext,
  resource: Resource,
  special: (context: RequestContext, target: SpecialTarget) => Promise<HttpResponse> | HttpResponse,
  target: SpecialTarget,
): Promise<HttpResponse> {
  if (target.subresource === '') {
    const verbs: ReadonlySet<string> = resource.verbs
    const verb = context.info.verb
    if (target.name !== '' && !verbs.has('get')) throw noSuchPath()
    if (context.info.watchPath) throw noSuchPath()
    if (verb === 'watch' && verbs.has('list')) throw statusError.methodNotAllowed(resource, verb)
    if (!verbs.has(verb)) throw methodNotAllowed()
  }
  return special(context, target)
}

/** Whether the path has a namespace where the resource has one, and none where it has none. */
function pathFits(context: RequestContext, resource: Resource): boolean {
  const { info } = context
  if (!resource.namespaced) return !info.inNamespace
  if (info.inNamespace) return true
  if (!resource.typedItems && resource.storage === undefined && !resource.verbs.has('list')) return false
  // Custom resources are not there at all where built-in ones are, but not for this method.
  return nameOf(context) === '' && (!resource.typedItems || info.verb === 'list' || info.verb === 'watch')
}

/** The name in the path. A list that was narrowed to one name by a selector has none. */
function nameOf(context: RequestContext): string {
  const { info } = context
  return info.verb === 'list' || (info.verb === 'watch' && !info.watchPath) ? '' : info.name
}

function addressOf(context: RequestContext, resource: Resource): { readonly namespace: string; readonly name: string } {
  return { namespace: resource.namespaced ? context.info.namespace : '', name: nameOf(context) }
}
