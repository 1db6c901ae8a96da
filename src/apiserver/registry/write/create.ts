import { nameSuffix, rfc3339 } from '#base'
import { type KubeObject, type Resource, StatusError, statusError } from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import type { Entry } from '../../watchcache/entry.ts'
import { mutate, admissionOfCreate, validateAdmission } from './admit.ts'
import type { RequestContext } from '../context.ts'
import { type Undo, qualifiedName } from '../core.ts'
import { askGuard, putGuarded } from './guarded.ts'
import { noteUpdate } from './managed.ts'
import { dropRepeatedOwners, metaOf, plainError, settleAdmitted, settleNamespace, validateNew, wipeSystemFields } from './object-rules.ts'
import { type WriteOptions, revisionProblem } from '../options.ts'
import { closeSpec, openSpec, ownSpec } from './shared-spec.ts'
import { auditField, storeFields } from '../request-fields.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { type Written, checkSize } from './write-object.ts'

/** Generated names leave this much room for their suffix. */
const LONGEST_PREFIX = 58
const NAME_ATTEMPTS = 8

export interface NewObject {
  readonly view: View
  readonly namespace: string
  readonly draft: KubeObject
  readonly options: WriteOptions
  /** False when field ownership has been settled already (apply). */
  readonly tracks: boolean
}

/** Creates an object from a decoded and defaulted draft. Throws `StatusError` 409 when there is one already. */
export async function createObject(context: RequestContext, creation: NewObject): Promise<Written> {
  const { view, namespace, draft, options } = creation
  const { resource } = view
  wipeSystemFields(draft)
  settleNamespace(resource, draft, namespace)
  resource.strategy.defaults?.(draft)
  warnOf(context, dropRepeatedOwners(draft, false))
  if (creation.tracks) noteUpdate(context, resource, undefined, draft, options.fieldManager, '')
  const request = admissionOfCreate(
    context,
    { resource, subresource: '', namespace, name: metaOf(draft).name ?? '' },
    draft,
    options.dryRun,
  )
  await admit(context, resource, draft, request)
  warnOf(context, dropRepeatedOwners(draft, true))
  return storeNew(context, view, draft, request)
}

async function admit(context: RequestContext, resource: Resource, draft: KubeObject, request: AdmissionRequest): Promise<void> {
  const { parts } = context.core.caches
  const origin = openSpec(draft)
  const { touched, unshared } = await mutate(context, request, () => origin !== undefined && ownSpec(draft))
  if (origin !== undefined) closeSpec(parts, resource, origin, draft, false)
  if (touched) settleAdmitted(resource, draft, request.namespace)
  // What others have made of it is nobody's habit.
  if (origin !== undefined && !unshared) closeSpec(parts, resource, origin, draft, true)
}

/**
 * The second half: gives the object its identity, checks it and stores it, with another generated name when the first is taken.
 * `permitted` is asked once the object is known to be valid.
 */
export async function storeNew(
  context: RequestContext,
  view: View,
  draft: KubeObject,
  request: AdmissionRequest,
  permitted?: () => Promise<void>,
): Promise<Written> {
  const { core, scope } = context
  const { resource } = view
  const { dryRun } = request
  const meta = metaOf(draft)
  const { resourceVersion: spoken = '' } = meta
  delete meta.resourceVersion
  meta.uid = scope.random.uuid()
  meta.creationTimestamp = rfc3339(scope.clock.now())
  const prefix = meta.generateName ?? ''
  const generates = (meta.name ?? '') === '' && prefix !== ''
  const isRandom = resource.strategy.prefixIsName !== true
  if ((meta.name ?? '') === '' && !generates && resource.strategy.unnamed === 'uuid') meta.name = scope.random.uuid()
  for (let attempt = 1; ; attempt++) {
    if (generates) meta.name = isRandom ? `${prefix.slice(0, LONGEST_PREFIX)}${nameSuffix(scope.random)}` : prefix
    if (attempt === 1) {
      for (const warning of resource.strategy.earlyWarnings?.(draft) ?? []) context.warn(warning)
      resource.strategy.prepareForCreate?.(draft, context.user, meta.creationTimestamp)
      if (resource.strategy.generation !== undefined && resource.strategy.generation !== 'none') meta.generation = 1
    }
    const hook = core.hooks.get(qualifiedName(resource))
    const undo = await hook?.beforeCreate?.(scope, draft, { dryRun })
    try {
      validateNew(resource, draft, await hook?.causes?.(scope, request))
      for (const warning of resource.strategy.warnings?.(draft, undefined) ?? []) context.warn(warning)
      await permitted?.()
      const named = { ...request, name: meta.name ?? '' }
      await validateAdmission(context, named)
      const stored = await put(context, view, draft, named, spoken)
      if (stored !== undefined) return stored
    } catch (error) {
      await undoWrite(undo)
      throw error
    }
    await undoWrite(undo)
    if (!generates || !isRandom || attempt === NAME_ATTEMPTS) throw taken(view, request.namespace, meta.name ?? '')
  }
}

/** The name is taken; whoever waits for it is told when it will be free. */
function taken(view: View, namespace: string, name: string): StatusError {
  const { resource, cache } = view
  const error = statusError.alreadyExists(resource, name)
  const holder = cache.get(cacheKey(resource, namespace, name))
  if (holder === undefined || view.object(holder).metadata?.deletionTimestamp === undefined) return error
  return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` })
}

export async function undoWrite(undo: void | Undo): Promise<void> {
  if (undo !== undefined) await undo()
}

/**
 * Undefined when the name is taken. `spoken` is the version that the client has sent with the object: nothing new may have one, but what is
 * none is not looked at, and a dry run shows it.
 */
async function put(
  context: RequestContext,
  view: View,
  draft: KubeObject,
  request: AdmissionRequest,
  spoken: string,
): Promise<Written | undefined> {
  const { core } = context
  const key = cacheKey(view.resource, request.namespace, request.name)
  const loading = view.cache.ready()
  if (loading !== undefined) await loading
  if (request.dryRun) {
    const waiting = core.caches.hub.current()
    if (waiting !== undefined) await waiting
    askGuard(context, request)
    if (view.cache.get(key) !== undefined) return undefined
    return { bytes: tried(view, draft, spoken), object: draft, created: true, entry: undefined }
  }
  if (revisionProblem(spoken) === undefined && Number(spoken) !== 0)
    throw plainError(500, 'resourceVersion should not be set on objects to be created')
  const span = context.begin('Create etcd3', auditField)
  span?.set(storeFields(context, view.cache.prefix + key))
  span?.event('About to Encode')
  await view.prepareWrite(context.scope, draft)
  const encoded = view.encode(draft)
  span?.event('Encode succeeded', { len: encoded.length })
  checkSize(encoded)
  const stored = await putGuarded(context, request, view, key, 0, encoded)
  span?.event('Txn call succeeded')
  context.end(span)
  if (stored === undefined) return undefined
  return written(context, view, stored, draft, true)
}

/** What a dry run shows. What the stored version does not have is lost, as it would be in earnest. */
function tried(view: View, draft: KubeObject, spoken: string): Buffer {
  const { conversion } = view.resource
  // A webhook is not asked: then it is shown as it was sent.
  const isStoredForm = conversion === undefined || conversion.webhook !== undefined
  const object = isStoredForm ? draft : conversion.fromStored(JSON.parse(Buffer.from(view.encode(draft)).toString()) as KubeObject)
  if (spoken !== '') metaOf(object).resourceVersion = spoken
  return view.render(object)
}

export async function written(
  context: RequestContext,
  view: View,
  stored: Entry | Uint8Array,
  object: KubeObject,
  created: boolean,
): Promise<Written> {
  if (!(stored instanceof Uint8Array)) {
    const converting = view.prepare(context.scope, [stored])
    if (converting !== undefined) await converting
    return { bytes: view.bytes(stored), object, created, entry: stored }
  }
  if (view.resource.conversion === undefined) return { bytes: stored as Buffer, object, created, entry: undefined }
  // What a webhook has made of it is not known again: it is shown as it was sent.
  if (view.resource.conversion.webhook !== undefined) return { bytes: view.render(object), object, created, entry: undefined }
  const whole = JSON.parse(Buffer.from(stored).toString()) as KubeObject
  return { bytes: view.render(view.resource.conversion.fromStored(whole)), object, created, entry: undefined }
}

function warnOf(context: RequestContext, text: string | undefined): void {
  if (text !== undefined) context.warn(text)
}
