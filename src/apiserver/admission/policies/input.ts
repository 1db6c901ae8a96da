import type { Scope } from '#base'
import { type AccessAnswer, type AccessQuery, type PolicyInput, type Resource, refs } from '#api'
import type { AccessQuestion, AdmissionRequest, Authorizer, ObjectReader, UserInfo } from '../../contract.ts'
import { saidName } from '../webhooks/match.ts'
import { askedFacts, wireForm } from '../webhooks/review.ts'
import type { Convert } from '../webhooks/versions.ts'
import type { LateAnswers } from './late-answers.ts'

export interface InputSources {
  readonly reader: ObjectReader
  readonly authorizers: readonly Authorizer[]
  readonly convert: Convert
}

/** What expressions see of a request that they are asked about in this version. Evaluations over it go through `late`. */
export async function inputOf(
  scope: Scope,
  request: AdmissionRequest,
  resource: Resource,
  sources: InputSources,
  late: LateAnswers,
): Promise<PolicyInput> {
  const shown = async (object: AdmissionRequest['object']): Promise<unknown> =>
    object === undefined ? null : (wireForm(resource, await sources.convert(scope, object, request.resource, resource)) ?? null)
  const { group, plural } = request.resource
  return {
    object: await shown(request.object),
    oldObject: await shown(request.old),
    request: askedFacts(request, resource),
    namespaceObject: namespaceObject(request, sources.reader),
    ask: (query) => answer(scope, request.user, query, sources.authorizers, late),
    query: { group, resource: plural, subresource: request.subresource, namespace: request.namespace, name: saidName(request) },
  }
}

function namespaceObject({ resource, namespace }: AdmissionRequest, reader: ObjectReader): unknown {
  if (namespace === '' || (resource.group === '' && resource.plural === refs.namespaces.plural)) return null
  const object = reader.get(refs.namespaces, '', namespace)
  if (object === undefined) return null
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  return { metadata, spec: object.spec ?? {}, status: object.status ?? {} }
}

function answer(scope: Scope, user: UserInfo, query: AccessQuery, authorizers: readonly Authorizer[], late: LateAnswers): AccessAnswer {
  const { path, serviceAccount, fieldSelector, labelSelector } = query
  const question: AccessQuestion = {
    user: serviceAccount === undefined ? user : serviceAccountUser(serviceAccount.namespace, serviceAccount.name),
    verb: query.verb,
    isResource: path === undefined,
    group: query.group ?? '',
    version: '*',
    resource: query.resource ?? '',
    subresource: query.subresource ?? '',
    namespace: query.namespace ?? '',
    name: query.name ?? '',
    path: path ?? '',
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  }
  return late.ask(scope, authorizers, question)
}

function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {},
  }
}
