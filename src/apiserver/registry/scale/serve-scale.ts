import type { HttpResponse } from '#base'
import {
  type KubeObject,
  type ManagedFieldsEntry,
  type ReplicasPaths,
  type Resource,
  type ScaleSubresource,
  ageOf,
  apiVersionOf,
  encodeObject,
  StatusError,
  fieldSetOf,
  managedFieldsAfterScale,
  scaleManagedFields,
  statusError,
  trackUpdate,
} from '#api'
import { encoded, includeObject, objectBytesAnswer } from '../../respond/objects.ts'
import { rowText, tableColumns, tableHead } from '../../respond/table.ts'
import type { RequestContext } from '../context.ts'
import { withoutEmpty } from '../ownership/without-empty.ts'
import { managerOf, setManagedFields } from '../write/managed.ts'
import { checkName, metaOf, plainError, settleNamespace } from '../write/object-rules.ts'
import { writeOptions } from '../options.ts'
import { patchTypeOf, prepareApply, preparePatch } from '../patch/patch.ts'
import { readObject } from '../write/read-object.ts'
import { SCALE, type Scale, applyScale, scaleOf } from './scale.ts'
import { methodNotAllowed } from '../routing-errors.ts'
import { updateObject } from '../write/update.ts'
import { cacheKey } from '../views.ts'
import { type Target, requestBody } from '../write/write.ts'
import { type Written, present } from '../write/write-object.ts'

/** The scale subresource: the object's size in a kind of its own, written into the object. */
export async function serveScale(context: RequestContext, target: Target, scale: ScaleSubresource<KubeObject>): Promise<HttpResponse> {
  const { view, namespace, name } = target
  const { method } = context.request
  // A router looks at the body's type first.
  if (method === 'PATCH') patchTypeOf(context.header('content-type'), view.resource.typedItems !== true)
  context.accepted(false)
  switch (method) {
    case 'GET':
    case 'HEAD': {
      const entry = await present(context, view, cacheKey(view.resource, namespace, name))
      if (entry === undefined) throw statusError.notFound(view.resource, name)
      const object = view.object(entry)
      scale.checkReadable?.(object)
      return scaleAnswer(context, view.resource, scaleOf(scale, object))
    }
    case 'PUT':
      return putScale(context, target, scale)
    case 'PATCH':
      return patchScale(context, target, scale)
    default:
      throw methodNotAllowed()
  }
}

async function putScale(context: RequestContext, target: Target, scale: ScaleSubresource<KubeObject>): Promise<HttpResponse> {
  const options = writeOptions(context.info.query, 'UpdateOptions')
  const { bytes, encoding } = await requestBody(context)
  const wanted = readScale(target, () => readObject(context, SCALE, bytes, encoding, options.fieldValidation) as Scale)
  checkName(wanted, target.name)
  settleNamespace(target.view.resource, wanted, target.namespace)
  return storeScale(context, target, scale, { ...options, kind: 'UpdateOptions', uid: metaOf(wanted).uid }, () => wanted)
}

/** Upstream's handlers of custom resources do not know the kind that they read here, and can say no more of what is wrong with it. */
function readScale({ view }: Target, read: () => Scale): Scale {
  try {
    return read()
  } catch (error) {
    if (view.resource.typedItems && error instanceof StatusError)
      throw statusError.badRequest('no kind is registered for the type v1.Scale in scheme "pkg/runtime/scheme.go:111"')
    throw error
  }
}

async function patchScale(context: RequestContext, target: Target, scale: ScaleSubresource<KubeObject>): Promise<HttpResponse> {
  const type = patchTypeOf(context.header('content-type'), true)
  const options = writeOptions(context.info.query, 'PatchOptions', type)
  const bytes = await context.body()
  if (type === 'apply') {
    const { view, namespace, name } = target
    const apply = prepareApply(
      context,
      SCALE,
      { namespace, name, subresource: 'scale', namespaced: view.resource.namespaced, resetFields: NOTHING, versions: undefined },
      bytes,
      options,
    )
    return storeScale(context, target, scale, { ...options, kind: 'PatchOptions', isApply: true }, (present) => {
      const applied = apply.apply(present) as Scale
      if (view.resource.typedItems) throw plainError(500, notConvertible(namespace, name))
      return applied
    })
  }
  const patch = preparePatch(context, SCALE, type, bytes, options)
  return storeScale(context, target, scale, { ...options, kind: 'PatchOptions' }, (present) => {
    const patched = patch.apply(() => structuredClone(present)) as Scale
    checkName(patched, target.name)
    settleNamespace(target.view.resource, patched, target.namespace)
    return patched
  })
}

/** The field managers of custom resources cannot turn a Scale into the object: upstream fails so, and says so. */
const notConvertible = (namespace: string, name: string): string =>
  `failed to convert new object (${namespace}/${name}; ${apiVersionOf(SCALE)}, Kind=${SCALE.kind}) to proper version: request to convert CR to an invalid group/version: ${apiVersionOf(SCALE)}`

async function storeScale(
  context: RequestContext,
  target: Target,
  scale: ScaleSubresource<KubeObject>,
  options: ReturnType<typeof writeOptions> & {
    readonly kind: 'UpdateOptions' | 'PatchOptions'
    readonly isApply?: boolean
    readonly uid?: string | undefined
  },
  want: (present: Scale) => Scale,
): Promise<HttpResponse> {
  const { view } = target
  const { strategy } = view.resource
  const apiVersion = apiVersionOf(view.resource)
  // Who owns the replicas is worked out on the Scale and carried over to the object.
  const paths: ReplicasPaths = { [apiVersion]: ['spec', 'replicas'] }
  const written = await updateObject(context, {
    ...target,
    options,
    optionsKind: options.kind,
    ...(options.uid === undefined || options.uid === '' ? {} : { uid: options.uid }),
    creates: false,
    next: (_old, copy) => {
      const draft = copy()
      const entries = metaOf(draft).managedFields
      const whole = scaleOf(scale, draft)
      metaOf(whole).managedFields = scaleManagedFields(entries, paths)
      // A Scale of none says nothing of its replicas, and nobody owns them.
      const before = withoutEmpty(SCALE.schema, whole) as Scale
      const wanted = want(before)
      const owned = options.isApply ? (metaOf(wanted).managedFields ?? []) : trackScale(context, before, wanted, options.fieldManager)
      applyScale(scale, view.resource, draft, wanted)
      setManagedFields(draft, managedFieldsAfterScale(entries, owned, paths, apiVersion))
      return draft
    },
    rules: {
      ...(strategy.prepareForUpdate === undefined ? {} : { prepare: strategy.prepareForUpdate }),
      ...(strategy.validateUpdate === undefined ? {} : { validate: strategy.validateUpdate }),
    },
  })
  return scaleAnswer(context, view.resource, scaleOf(scale, objectOf(written)))
}

function trackScale(context: RequestContext, live: Scale, updated: Scale, fieldManager: string): ManagedFieldsEntry[] {
  return trackUpdate({
    schema: SCALE.schema,
    live,
    updated: withoutEmpty(SCALE.schema, updated) as Scale,
    manager: managerOf(context, fieldManager),
    apiVersion: apiVersionOf(SCALE),
    subresource: 'scale',
    now: context.scope.clock.now(),
    resetFields: SCALE_STATUS,
  })
}
const SCALE_STATUS = fieldSetOf(['status'])
/** What is applied to a status is in conflict with who had it before anybody applied. */
const NOTHING = fieldSetOf()

function objectOf(written: Written): KubeObject {
  return JSON.parse(written.bytes.toString()) as KubeObject
}

function scaleTable(context: RequestContext, resource: Resource, scale: Scale): HttpResponse {
  const accepted = context.accepted(false)
  const { name = '', creationTimestamp, resourceVersion = '' } = metaOf(scale)
  const object = Buffer.from(encodeObject(SCALE.schema, scale, { keepResourceVersion: true }).bytes)
  const cells = [name, scale.spec?.replicas ?? 0, scale.status?.replicas ?? 0, ageOf(creationTimestamp, context.scope.clock.now())]
  const head = tableHead(accepted.formVersion, resourceVersion, { continue: '', remaining: undefined }, scaleColumns(resource))
  const row = rowText({}, cells, object, includeObject(context.info.query), accepted.formVersion)
  return encoded(context, accepted, 200, Buffer.from(`${head}${row}]}`))
}

/** Name and age are told as those of the object are. */
function scaleColumns(resource: Resource): unknown[] {
  const columns = tableColumns(resource) as { readonly name: string }[]
  const count = (name: string, description: string): unknown => ({ name, type: 'integer', format: '', description, priority: 0 })
  return [
    ...columns.filter(({ name }) => name === 'Name').map((column) => ({ ...column, format: '' })),
    count('Desired', 'replicas is the desired number of instances for the scaled object.'),
    count('Available', 'replicas is the actual number of observed instances of the scaled object.'),
    ...columns.filter(({ name }) => name === 'Age'),
  ]
}

function scaleAnswer(context: RequestContext, resource: Resource, scale: Scale): HttpResponse {
  if (context.accepted(false).form === 'Table') return scaleTable(context, resource, scale)
  return objectBytesAnswer(context, SCALE.schema, 200, scale)
}
