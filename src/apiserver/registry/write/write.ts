import type { HttpResponse } from '#base'
import { type KubeObject, apiVersionOf, deepClone, statusError } from '#api'
import { objectAnswer } from '../../respond/objects.ts'
import { type Encoding, bodyEncoding, unsupportedBody } from '../../respond/media.ts'
import type { RequestContext } from '../context.ts'
import { createObject } from './create.ts'
import { noteUpdate, resetFields } from './managed.ts'
import { otherVersions } from '../ownership/other-versions.ts'
import { checkName, metaOf, parseRevision, settleNamespace } from './object-rules.ts'
import { type WriteOptions, writeOptions } from '../options.ts'
import { patchTypeOf, prepareApply, preparePatch } from '../patch/patch.ts'
import { readNew, readObject } from './read-object.ts'
import { updateObject } from './update.ts'
import { requestFields } from '../request-fields.ts'
import type { View } from '../view.ts'
import type { Written } from './write-object.ts'

/** POST, PUT and PATCH of an object or its status, from the request's body to the answer. */

export interface Target {
  readonly view: View
  readonly namespace: string
  readonly name: string
  /** `''`, `status`, or one of type `update`. */
  readonly subresource: string
}

export async function requestBody(context: RequestContext): Promise<{ readonly bytes: Uint8Array; readonly encoding: Encoding }> {
  const encoding = bodyEncoding(context.header('content-type'))
  if (encoding === undefined) throw unsupportedBody()
  return { bytes: await context.body(), encoding }
}

export async function postObject(context: RequestContext, { view, namespace }: Target): Promise<HttpResponse> {
  const span = context.begin('Create', requestFields)
  context.accepted(false)
  const options = writeOptions(context.info.query, 'CreateOptions')
  const { bytes, encoding } = await requestBody(context)
  span?.event('limitedReadBody succeeded', { len: bytes.length })
  span?.event('About to convert to expected version')
  const draft = readNew(context, view.resource, bytes, encoding, options.fieldValidation)
  view.resource.strategy.wasRead?.(draft)
  span?.event('Conversion done')
  return answer(context, view, await createObject(context, { view, namespace, draft, options, tracks: true }), 201)
}

export async function putObject(context: RequestContext, target: Target): Promise<HttpResponse> {
  const span = context.begin('Update', requestFields)
  context.accepted(false)
  const { view, name, subresource } = target
  const { resource } = view
  const options = writeOptions(context.info.query, 'UpdateOptions')
  const { bytes, encoding } = await requestBody(context)
  span?.event('limitedReadBody succeeded', { len: bytes.length })
  span?.event('About to convert to expected version')
  const read = readObject(context, resource, bytes, encoding, options.fieldValidation)
  span?.event('Conversion done')
  checkName(read, name)
  settleNamespace(resource, read, target.namespace)
  resource.strategy.wasRead?.(read)
  resource.strategy.defaults?.(read)
  const uid = metaOf(read).uid
  const written = await updateObject(context, {
    ...target,
    options,
    optionsKind: 'UpdateOptions',
    uid: uid === '' ? undefined : uid,
    creates: subresource === '' && resource.strategy.createOnUpdate === true,
    // Admission and the kind's rules change what they are given: a second attempt starts from what was sent.
    next: (old) => {
      const draft = deepClone(read)
      noteUpdate(context, resource, old, draft, options.fieldManager, subresource)
      return draft
    },
  })
  return answer(context, view, written, written.created ? 201 : 200)
}

export async function patchObject(context: RequestContext, target: Target): Promise<HttpResponse> {
  const span = context.begin('Patch', requestFields)
  const { view, subresource } = target
  const { resource } = view
  const type = patchTypeOf(context.header('content-type'), !resource.typedItems)
  context.accepted(false)
  const options = writeOptions(context.info.query, 'PatchOptions', type)
  const bytes = await context.body()
  span?.event('limitedReadBody succeeded', { len: bytes.length })
  if (type === 'apply') {
    const applied = await applyToObject(context, target, bytes, options)
    return answer(context, view, applied, applied.created ? 201 : 200)
  }
  const patch = preparePatch(context, resource, type, bytes, options)
  const written = await updateObject(context, {
    ...target,
    options,
    optionsKind: 'PatchOptions',
    creates: false,
    next: (old, copy) => {
      const draft = patch.apply(copy)
      checkName(draft, target.name)
      resource.strategy.wasRead?.(draft)
      resource.strategy.defaults?.(draft)
      noteUpdate(context, resource, old, draft, options.fieldManager, subresource)
      return draft
    },
  })
  return answer(context, view, written, 200)
}

/** Applies what stands in `bytes`. Throws `StatusError`: 409 for conflicts, and what an update throws. */
export async function applyToObject(context: RequestContext, target: Target, bytes: Uint8Array, options: WriteOptions): Promise<Written> {
  const { view, namespace, name, subresource } = target
  const { resource } = view
  const patch = prepareApply(
    context,
    resource,
    {
      namespace,
      name,
      subresource,
      namespaced: resource.namespaced,
      resetFields: resetFields(resource, subresource),
      versions: otherVersions(context.core.catalog, resource),
    },
    bytes,
    options,
  )
  return updateObject(context, {
    ...target,
    options,
    optionsKind: 'PatchOptions',
    creates: subresource === '',
    next: (old) => {
      const draft: KubeObject = patch.apply(old)
      if (old === undefined && patch.uid !== undefined && patch.uid !== '')
        throw statusError.conflict(
          resource,
          name,
          `uid mismatch: the provided object specified uid ${patch.uid}, and no existing object was found`,
        )
      draft.kind = resource.kind
      draft.apiVersion = apiVersionOf(resource)
      const meta = metaOf(draft)
      if (patch.resourceVersion !== undefined && patch.resourceVersion !== '') {
        parseRevision(patch.resourceVersion)
        meta.resourceVersion = patch.resourceVersion
      }
      if (patch.uid !== undefined) meta.uid = patch.uid
      resource.strategy.defaults?.(draft)
      return draft
    },
  })
}

function answer(context: RequestContext, view: View, written: Written, status: number): HttpResponse {
  const { bytes, entry } = written
  return objectAnswer(context, view, status, {
    bytes,
    object: () => (entry === undefined ? (JSON.parse(bytes.toString()) as KubeObject) : view.object(entry)),
  })
}
