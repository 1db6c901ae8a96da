import { rfc3339 } from '#base'
import { type FieldErrors, type KubeObject, Path, fieldError, keepUnchangedTimes, statusError } from '#api'
import type { Entry } from '../../watchcache/entry.ts'
import { admissionOfCreate, admissionRequest, mutate, validateAdmission } from './admit.ts'
import { authorize } from '../authorize.ts'
import type { RequestContext } from '../context.ts'
import { qualifiedName } from '../core.ts'
import { storeNew, undoWrite, written } from './create.ts'
import { askGuard, putGuarded } from './guarded.ts'
import {
  checkName,
  dropRepeatedOwners,
  keepAllButStatus,
  keepSystemFields,
  metaOf,
  objectRevision,
  raisesGeneration,
  settleAdmitted,
  settleNamespace,
  settleSystemFields,
  validateChanged,
  wipeSystemFields,
} from './object-rules.ts'
import type { WriteOptions } from '../options.ts'
import { auditField, storeFields } from '../request-fields.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { OPTIMISTIC_LOCK, type Written, checkSize, commitDelete, present } from './write-object.ts'
import { settleEmptyParts, withSettledParts } from './empty-parts.ts'

/** How one update turns the present object into the next one. Everything here may be asked for again when somebody else was faster. */
export interface Update {
  readonly view: View
  readonly namespace: string
  readonly name: string
  /** `''` for the object itself, `status`, or a subresource that changes it (`scale`). */
  readonly subresource: string
  readonly options: WriteOptions
  readonly optionsKind: 'UpdateOptions' | 'PatchOptions'
  /**
   * The wanted object, decoded, defaulted, with its fields' owners noted; a draft of this request. `old` is undefined when there is
   * none; `copy` makes a copy of it that may be changed.
   */
  next(old: KubeObject | undefined, copy: () => KubeObject): KubeObject | Promise<KubeObject>
  /** A uid that the present object must have. */
  readonly uid?: string | undefined
  /** Whether a missing object is created. */
  readonly creates: boolean
  /** Runs instead of the kind's rules for `subresource`. */
  readonly rules?: UpdateRules
  /** Checked before the present object is looked at for the first time. */
  readonly onMissing?: () => Error
}

export interface UpdateRules {
  readonly prepare?: (draft: KubeObject, old: KubeObject, now: string) => void
  readonly validate?: (object: KubeObject, old: KubeObject, errors: FieldErrors) => void
}

/** As often as somebody else may be faster before the client is told. */
const MAX_ATTEMPTS = 50

/** Changes an object in the store, or creates it. Throws `StatusError`: 404, 409, 422, what admission says. */
export async function updateObject(context: RequestContext, update: Update): Promise<Written> {
  const { view, namespace, name } = update
  const { resource } = view
  const key = cacheKey(resource, namespace, name)
  const span = context.begin('GuaranteedUpdate etcd3', auditField)
  span?.set(storeFields(context, view.cache.prefix + key))
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await present(context, view, key)
    const done = entry === undefined ? await createInstead(context, update) : await changeOnce(context, update, key, entry)
    if (done !== undefined) {
      context.end(span)
      return done
    }
    span?.event('Retry value restored')
    context.scope.check()
  }
  throw statusError.conflict(resource, name, OPTIMISTIC_LOCK)
}

/** Undefined when there is one by now. */
async function createInstead(context: RequestContext, update: Update): Promise<Written | undefined> {
  const { view, namespace, name, options } = update
  const { resource } = view
  if (!update.creates) throw update.onMissing?.() ?? statusError.notFound(resource, name)
  if (update.uid !== undefined) throw uidMismatch(view, namespace, name, update.uid, '')
  const draft = await update.next(undefined, () => ({}))
  wipeSystemFields(draft)
  settleNamespace(resource, draft, namespace)
  const request = admissionOfCreate(context, { resource, subresource: update.subresource, namespace, name }, draft, options.dryRun)
  if ((await mutate(context, request)).touched) {
    settleAdmitted(resource, draft, namespace)
    checkName(draft, name)
  }
  if (update.optionsKind === 'PatchOptions') delete metaOf(draft).resourceVersion
  const permitted = (): Promise<void> => authorize(context, context.question('create'))
  return storeNew(context, view, draft, request, permitted).catch((error: unknown) => {
    if (isTaken(error)) return undefined
    throw error
  })
}

function isTaken(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'reason' in error && error.reason === 'AlreadyExists'
}

/** Undefined when the object has changed meanwhile. */
async function changeOnce(context: RequestContext, update: Update, key: string, entry: Entry): Promise<Written | undefined> {
  const { core, scope } = context
  const { view, namespace, name, options, subresource } = update
  const { resource } = view
  const old = view.object(entry)
  if (update.uid !== undefined && update.uid !== metaOf(old).uid)
    throw uidMismatch(view, namespace, name, update.uid, metaOf(old).uid ?? '')
  const sharesSpec = subresource === 'status' && update.rules === undefined && !resource.typedItems
  const draft = await update.next(old, () => (sharesSpec ? view.statusDraft(entry) : view.draft(entry)))
  settleNamespace(resource, draft, namespace)
  warn(context, dropRepeatedOwners(draft, false))
  const request = admissionRequest(context, {
    operation: 'UPDATE',
    resource,
    subresource,
    namespace,
    name,
    dryRun: options.dryRun,
    object: draft,
    old,
    options: { kind: update.optionsKind, apiVersion: 'meta.k8s.io/v1' },
  })
  const { touched, unshared } = await mutate(context, request, () => sharesSpec && view.unshare(draft, entry))
  // What is shared with the stored object is complete, and not to be written to.
  if (touched && (unshared || !sharesSpec)) resource.strategy.defaults?.(draft)
  warn(context, dropRepeatedOwners(draft, true))
  const { countsEmpty = false } = resource.strategy
  if (countsEmpty === false) settleEmptyParts(resource.schema, draft, old)
  checkRevision(update, draft, entry)
  keepSystemFields(draft, old)
  const rules = rulesFor(update)
  const counted = (): KubeObject => (countsEmpty === 'rules' ? withSettledParts(resource.schema, draft, old) : draft)
  const isRaised = (): boolean => subresource !== 'status' && raisesGeneration(resource, counted(), old)
  const wasRaised = resource.strategy.countsAsSent === true && isRaised()
  rules.prepare?.(draft, old, rfc3339(scope.clock.now()))
  settleSystemFields(draft, old)
  const hook = core.hooks.get(qualifiedName(resource))
  const undo = subresource === '' ? await hook?.beforeUpdate?.(scope, draft, old, { dryRun: options.dryRun }) : undefined
  try {
    if (resource.strategy.countsAsSent === true ? wasRaised : isRaised()) metaOf(draft).generation = (metaOf(old).generation ?? 0) + 1
    validateChanged(resource, draft, old, subresource, rules.validate, (text) => context.warn(text), await hook?.causes?.(scope, request))
    if (subresource === '') for (const text of resource.strategy.warnings?.(draft, old) ?? []) context.warn(text)
    await validateAdmission(context, request)
    if (isReleased(draft, old, hook?.deletion)) {
      const gone = await remove(context, update, key, entry, draft)
      if (gone !== undefined) return gone
    } else {
      const next = keepUnchangedTimes(draft, old)
      await view.prepareWrite(scope, next)
      const encoded = view.encode(next)
      checkSize(encoded)
      if (view.isSame(encoded, entry)) {
        await undoWrite(undo)
        return { bytes: view.bytes(entry), object: old, created: false, entry }
      }
      if (options.dryRun) {
        askGuard(context, request)
        await undoWrite(undo)
        return written(context, view, view.stored(encoded, entry.revision), draft, false)
      }
      const stored = await putGuarded(context, request, view, key, entry.revision, encoded)
      if (stored !== undefined) {
        if (subresource === '') await hook?.afterUpdate?.(scope, draft, old)
        return written(context, view, stored, draft, false)
      }
    }
  } catch (error) {
    await undoWrite(undo)
    throw error
  }
  await undoWrite(undo)
  return undefined
}

/** An object that was only kept by finalizers, and has lost the last one, goes with this update. */
function isReleased(draft: KubeObject, old: KubeObject, deletion: { done(object: KubeObject): boolean } | undefined): boolean {
  const before = metaOf(old)
  if (before.deletionTimestamp === undefined || (metaOf(draft).finalizers ?? []).length > 0) return false
  return deletion === undefined ? before.deletionGracePeriodSeconds === 0 : deletion.done(draft)
}

async function remove(context: RequestContext, update: Update, key: string, entry: Entry, draft: KubeObject): Promise<Written | undefined> {
  const { core, scope } = context
  const { view, options } = update
  await view.prepareWrite(scope, draft)
  const bytes = view.stored(view.encode(draft), entry.revision)
  if (!options.dryRun) {
    if ((await commitDelete(context, view, key, entry.revision)) === undefined) return undefined
    await core.hooks.get(qualifiedName(view.resource))?.afterDelete?.(scope, view.object(entry))
  }
  return { ...(await written(context, view, bytes, draft, false)), removed: true }
}

function rulesFor(update: Update): UpdateRules {
  if (update.rules !== undefined) return update.rules
  const { strategy, subresources } = update.view.resource
  const subresource = subresources[update.subresource]
  if (subresource?.type === 'update') return { prepare: subresource.prepareForUpdate, validate: subresource.validateUpdate }
  if (update.subresource !== 'status') {
    return {
      ...(strategy.prepareForUpdate === undefined ? {} : { prepare: strategy.prepareForUpdate }),
      ...(strategy.validateUpdate === undefined ? {} : { validate: strategy.validateUpdate }),
    }
  }
  if (subresource?.type !== 'status') return { prepare: keepAllButStatus }
  return {
    prepare: subresource.prepareForUpdate ?? keepAllButStatus,
    ...(subresource.validateUpdate === undefined ? {} : { validate: subresource.validateUpdate }),
  }
}

/** Throws `StatusError` 409 when the client has seen an older object, 422 when it must say which one and does not. */
function checkRevision(update: Update, draft: KubeObject, entry: Entry): void {
  const { resource } = update.view
  const asked = objectRevision(draft)
  if (asked === 0 && (resource.strategy.unconditionalUpdate ?? true)) {
    metaOf(draft).resourceVersion = String(entry.revision)
    return
  }
  if (asked === 0) {
    throw statusError.invalid({ group: resource.group, kind: resource.plural }, update.name, [
      fieldError.invalid(Path.of('metadata', 'resourceVersion'), 0, 'must be specified for an update'),
    ])
  }
  if (asked !== entry.revision) throw statusError.conflict(resource, update.name, OPTIMISTIC_LOCK)
}

/** The refusal of a write that expects another object of that name, in the words of the storage. */
export function uidMismatch(view: View, namespace: string, name: string, expected: string, there: string): Error {
  const key = view.cache.prefix + cacheKey(view.resource, namespace, name)
  return statusError.conflict(
    view.resource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${expected}, UID in object meta: ${there}`,
  )
}

function warn(context: RequestContext, text: string | undefined): void {
  if (text !== undefined) context.warn(text)
}
