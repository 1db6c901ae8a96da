import type { HttpRequest, Scope } from '#base'
import { type KubeObject, type ResourceRef, apiVersionOf, applySchemaDefaults, statusError } from '#api'
import type { ObjectWriter, UserInfo } from '../../contract.ts'
import { NO_PARTS, ParsedRequest } from '../../router/request-info.ts'
import { RequestContext } from '../context.ts'
import type { Core } from '../core.ts'
import { createObject } from './create.ts'
import { deleteObject } from '../delete/delete.ts'
import { noteUpdate } from './managed.ts'
import { metaOf } from './object-rules.ts'
import type { WriteOptions } from '../options.ts'
import { updateObject } from './update.ts'
import { applyToObject } from './write.ts'
import type { View } from '../view.ts'
import type { Views } from '../views.ts'

/** Who the server is when it writes for itself: it may do everything. */
const SERVER: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'], extra: {} }
const OPTIONS: WriteOptions = { dryRun: false, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore', force: false }

/** Writes by the server itself, with everything that a client's writes go through but the body. */
export function objectWriter(core: Core, views: Views): ObjectWriter {
  const viewOf = (ref: ResourceRef): View => {
    const resource = core.catalog.find(ref.group, ref.version, ref.plural)
    if (resource === undefined) throw statusError.notFound(ref, '')
    return views.of(resource)
  }
  const draftOf = <T extends KubeObject>(view: View, object: T): KubeObject => {
    const draft: KubeObject = structuredClone(object)
    draft.kind = view.resource.kind
    draft.apiVersion = apiVersionOf(view.resource)
    applySchemaDefaults(view.resource.schema, draft)
    return draft
  }
  return {
    async create<T extends KubeObject>(scope: Scope, ref: ResourceRef<T>, object: T, manager = OPTIONS.fieldManager) {
      const view = viewOf(ref)
      const namespace = object.metadata?.namespace ?? ''
      const written = await createObject(ownRequest(scope, core), {
        view,
        namespace,
        draft: draftOf(view, object),
        options: { ...OPTIONS, fieldManager: manager },
        tracks: true,
      })
      return JSON.parse(written.bytes.toString()) as T
    },
    async update<T extends KubeObject>(scope: Scope, ref: ResourceRef<T>, object: T, manager = OPTIONS.fieldManager) {
      const view = viewOf(ref)
      const context = ownRequest(scope, core)
      const { namespace = '', name = '' } = object.metadata ?? {}
      const written = await updateObject(context, {
        view,
        namespace,
        name,
        subresource: '',
        options: { ...OPTIONS, fieldManager: manager },
        optionsKind: 'UpdateOptions',
        uid: metaOf(object).uid,
        creates: false,
        next: (old) => {
          const draft = draftOf(view, object)
          view.resource.strategy.defaults?.(draft)
          noteUpdate(context, view.resource, old, draft, manager, '')
          return draft
        },
      })
      return JSON.parse(written.bytes.toString()) as T
    },
    changeStatus<T extends KubeObject>(scope: Scope, ref: ResourceRef<T>, namespace: string, name: string, change: (draft: T) => void) {
      const of = { namespace, name, subresource: 'status', manager: OPTIONS.fieldManager } as const
      return ownUpdate(ownRequest(scope, core), viewOf(ref), of, (draft) => change(draft as T))
    },
    async applyStatus(scope, ref, name, manager, status) {
      const view = viewOf(ref)
      const { kind } = view.resource
      const applied = Buffer.from(JSON.stringify({ apiVersion: apiVersionOf(view.resource), kind, metadata: { name }, status }))
      const options = { ...OPTIONS, fieldManager: manager, force: true }
      await applyToObject(ownRequest(scope, core), { view, namespace: '', name, subresource: 'status' }, applied, options)
    },
    async delete(scope, ref, namespace, name) {
      const options = {
        dryRun: false,
        gracePeriodSeconds: undefined,
        orphanDependents: undefined,
        propagationPolicy: undefined,
        uid: undefined,
        resourceVersion: undefined,
      }
      await deleteObject(ownRequest(scope, core), { view: viewOf(ref), namespace, name, options })
    },
  }
}

/** A request by the server itself. */
export function ownRequest(scope: Scope, core: Core): RequestContext {
  const request: HttpRequest = {
    method: '',
    target: '',
    headers: {},
    readBody: () => Promise.resolve(new Uint8Array(0)),
    bodyStream: (async function* () {})(),
    peer: { address: '', inProcess: true },
    signal: scope.signal,
  }
  return new RequestContext(scope, core, request, new ParsedRequest('', '', { ...NO_PARTS, isResource: true }), SERVER, '')
}

/** Changes one stored object on the server's own behalf: `change` gets a draft of its newest state, and runs again when somebody else was faster. */
export async function ownUpdate(
  context: RequestContext,
  view: View,
  of: { readonly namespace?: string; readonly name: string; readonly subresource: '' | 'status'; readonly manager: string },
  change: (draft: KubeObject) => void,
): Promise<void> {
  await updateObject(context, {
    view,
    namespace: of.namespace ?? '',
    name: of.name,
    subresource: of.subresource,
    options: { ...OPTIONS, fieldManager: of.manager },
    optionsKind: 'UpdateOptions',
    creates: false,
    next: (old, copy) => {
      const draft = copy()
      change(draft)
      noteUpdate(context, view.resource, old, draft, of.manager, of.subresource)
      return draft
    },
  })
}
