import { rfc3339 } from '#base'
import { type KubeObject, type Resource, type Status, type StatusError, statusError } from '#api'
import type { Entry } from '../../watchcache/entry.ts'
import { admissionRequest, mutate, validateAdmission } from '../write/admit.ts'
import type { RequestContext } from '../context.ts'
import { type DeletionRules, qualifiedName } from '../core.ts'
import { written } from '../write/create.ts'
import type { DeleteOptions } from './delete-options.ts'
import { metaOf } from '../write/object-rules.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { OPTIMISTIC_LOCK, type Written, commitDelete, commitPut, present } from '../write/write-object.ts'

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'
const MAX_ATTEMPTS = 50

/** What DELETE has done. `status` is the answer of kinds that do not answer with the object that has gone. */
export type Deleted =
  | { readonly kind: 'object'; readonly written: Written }
  | { readonly kind: 'status'; readonly status: Omit<Status, 'code'> }

export interface Deletion {
  readonly view: View
  readonly namespace: string
  readonly name: string
  readonly options: DeleteOptions
  readonly isOfCollection?: boolean
}

/** Deletes one object, or marks it for deletion when something keeps it. Throws `StatusError`: 404, 409, what admission says. */
export async function deleteObject(context: RequestContext, deletion: Deletion): Promise<Deleted> {
  const { view, namespace, name, options } = deletion
  const { resource } = view
  const { deleteWarning } = resource.strategy
  if (deleteWarning !== undefined && options.propagationPolicy === undefined && options.orphanDependents === undefined)
    context.warn(deleteWarning)
  const key = cacheKey(resource, namespace, name)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await present(context, view, key)
    if (entry === undefined) throw statusError.notFound(resource, name)
    const old = view.object(entry)
    checkPreconditions(resource, old, entry, options)
    const request = admissionRequest(context, {
      operation: 'DELETE',
      resource,
      subresource: '',
      namespace,
      name,
      isOfCollection: deletion.isOfCollection === true,
      dryRun: options.dryRun,
      object: undefined,
      old,
      options: {
        kind: 'DeleteOptions',
        apiVersion: 'meta.k8s.io/v1',
        ...(options.propagationPolicy === undefined ? {} : { propagationPolicy: options.propagationPolicy }),
      },
    })
    await mutate(context, request)
    await validateAdmission(context, request)
    const rules = context.core.hooks.get(qualifiedName(resource))?.deletion
    const done =
      rules === undefined
        ? await tryDelete(context, deletion, key, entry, old)
        : await tryDeleteByRules(context, deletion, rules, key, entry, old)
    if (done !== undefined) return done
    context.scope.check()
  }
  throw statusError.conflict(resource, name, OPTIMISTIC_LOCK)
}

/** Kinds whose deletion has steps of its own look at preconditions before these, in words of their own. */
const CHECKED_FIRST: ReadonlySet<string> = new Set(['namespaces', 'customresourcedefinitions.apiextensions.k8s.io'])

/** Throws `StatusError` 409 when the object is another one than the client wants to delete. */
export function checkPreconditions(resource: Resource, old: KubeObject, entry: Entry, options: DeleteOptions): void {
  const { name = '', uid = '' } = metaOf(old)
  const { resourceVersion } = options
  if (CHECKED_FIRST.has(qualifiedName(resource))) {
    const failed = (what: string, asked: string, is: string): StatusError =>
      statusError.conflict(resource, name, `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${is}`)
    if (options.uid !== undefined && options.uid !== uid) throw failed('UID', options.uid, uid)
    if (resourceVersion !== undefined && resourceVersion !== String(entry.revision))
      throw failed('ResourceVersion', resourceVersion, String(entry.revision))
    return
  }
  const { group, kind } = resource.storage ?? resource
  const of = { group, plural: kind }
  if (options.uid !== undefined && options.uid !== uid) {
    throw statusError.conflict(
      of,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  }
  if (resourceVersion !== undefined && resourceVersion !== String(entry.revision)) {
    throw statusError.conflict(
      of,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${entry.revision}). The object might have been modified`,
    )
  }
}

/** The object's way out as the rules of its kind have it. Undefined when it has changed meanwhile. */
async function tryDelete(
  context: RequestContext,
  deletion: Deletion,
  key: string,
  entry: Entry,
  old: KubeObject,
): Promise<Deleted | undefined> {
  const { view, options } = deletion
  const { resource } = view
  const draft = view.draft(entry)
  const plan = planDeletion(resource, draft, options, context.scope.clock.now())
  switch (plan) {
    case 'pending':
      return answer(resource, old, { bytes: view.bytes(entry), object: old, created: false, entry })
    case 'mark':
      return mark(context, deletion, key, entry, draft)
    case 'mark-and-remove': {
      const marked = await store(context, deletion, key, entry, draft)
      if (marked === undefined) return undefined
      if (options.dryRun || marked.entry === undefined) return answer(resource, draft, marked)
      return remove(context, deletion, key, marked.entry)
    }
    case 'remove':
      return remove(context, deletion, key, entry)
    default:
      return plan satisfies never
  }
}

/**
 * Decides, and brings the draft to the state that is to be stored: `pending` leaves everything as it is (its end has begun already),
 * `mark` stores the draft, `remove` takes the object away.
 */
export function planDeletion(
  resource: Resource,
  draft: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): 'pending' | 'mark' | 'mark-and-remove' | 'remove' {
  const meta = metaOf(draft)
  const graceful = beginGrace(resource, draft, options, nowMs)
  if (graceful === 'pending') return 'pending'
  const finalizers = meta.finalizers ?? []
  const next = finalizersFor(resource, finalizers, options)
  const changesFinalizers = next.length !== finalizers.length || next.some((one) => !finalizers.includes(one))
  if (changesFinalizers) meta.finalizers = next
  if (next.length === 0) delete meta.finalizers
  if (next.length > 0) {
    if (graceful === 'no') markNow(draft, nowMs)
    return 'mark'
  }
  if (graceful === 'no') return 'remove'
  return (meta.deletionGracePeriodSeconds ?? 0) > 0 ? 'mark' : 'mark-and-remove'
}

/** Starts or shortens the time that an object has to end by itself. */
function beginGrace(resource: Resource, draft: KubeObject, options: DeleteOptions, nowMs: number): 'yes' | 'no' | 'pending' {
  const meta = metaOf(draft)
  const rule = resource.strategy.gracefulDeletion
  if (rule === undefined) return 'no'
  const asked = options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds
  if (meta.deletionTimestamp !== undefined) {
    const left = meta.deletionGracePeriodSeconds
    if (left === undefined) return 'no'
    // Once begun, the time can only become shorter.
    if (asked === undefined || asked >= left) return 'pending'
    meta.deletionTimestamp = rfc3339(Date.parse(meta.deletionTimestamp) + (asked - left) * 1000)
    meta.deletionGracePeriodSeconds = asked
    return 'yes'
  }
  const seconds = rule(draft, asked)
  meta.deletionTimestamp = rfc3339(nowMs + seconds * 1000)
  meta.deletionGracePeriodSeconds = seconds
  if ((meta.generation ?? 0) > 0) meta.generation = (meta.generation ?? 0) + 1
  return 'yes'
}

function markNow(draft: KubeObject, nowMs: number): void {
  const meta = metaOf(draft)
  if (meta.deletionTimestamp === undefined && (meta.generation ?? 0) > 0) meta.generation = (meta.generation ?? 0) + 1
  if (meta.deletionTimestamp === undefined || Date.parse(meta.deletionTimestamp) > nowMs) meta.deletionTimestamp = rfc3339(nowMs)
  meta.deletionGracePeriodSeconds = 0
}

/** The finalizers after this request: what shall happen to dependents is written down as one of two. */
function finalizersFor(resource: Resource, present: readonly string[], options: DeleteOptions): string[] {
  const others = present.filter((one) => one !== ORPHAN && one !== FOREGROUND)
  if (orphans(resource, present, options)) others.push(ORPHAN)
  if (foreground(present, options)) others.push(FOREGROUND)
  return others
}

function orphans(resource: Resource, present: readonly string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return options.orphanDependents
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Orphan'
  const chosen = present.find((one) => one === ORPHAN || one === FOREGROUND)
  if (chosen !== undefined) return chosen === ORPHAN
  return resource.strategy.deletePropagation === 'orphan'
}

function foreground(present: readonly string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return false
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Foreground'
  return present.find((one) => one === ORPHAN || one === FOREGROUND) === FOREGROUND
}

async function tryDeleteByRules(
  context: RequestContext,
  deletion: Deletion,
  rules: DeletionRules,
  key: string,
  entry: Entry,
  old: KubeObject,
): Promise<Deleted | undefined> {
  const { view, options } = deletion
  if (metaOf(old).deletionTimestamp === undefined) {
    const draft = view.draft(entry)
    rules.begin(draft, rfc3339(context.scope.clock.now()))
    const next = finalizersFor(view.resource, metaOf(draft).finalizers ?? [], options)
    if (next.length > 0) metaOf(draft).finalizers = next
    else delete metaOf(draft).finalizers
    return mark(context, deletion, key, entry, draft)
  }
  if (!rules.done(old)) return { kind: 'object', written: { bytes: view.bytes(entry), object: old, created: false, entry } }
  return tryDelete(context, deletion, key, entry, old)
}

async function mark(
  context: RequestContext,
  deletion: Deletion,
  key: string,
  entry: Entry,
  draft: KubeObject,
): Promise<Deleted | undefined> {
  const stored = await store(context, deletion, key, entry, draft)
  return stored === undefined ? undefined : { kind: 'object', written: stored }
}

async function store(
  context: RequestContext,
  deletion: Deletion,
  key: string,
  entry: Entry,
  draft: KubeObject,
): Promise<Written | undefined> {
  const { view, options } = deletion
  await view.prepareWrite(context.scope, draft)
  const encoded = view.encode(draft)
  if (options.dryRun) return written(context, view, view.stored(encoded, entry.revision), draft, false)
  if (view.isSame(encoded, entry)) return { bytes: view.bytes(entry), object: draft, created: false, entry }
  const stored = await commitPut(context, view, key, entry.revision, encoded)
  return stored === undefined ? undefined : written(context, view, stored, draft, false)
}

async function remove(context: RequestContext, deletion: Deletion, key: string, entry: Entry): Promise<Deleted | undefined> {
  const { core, scope } = context
  const { view, options } = deletion
  const object = view.object(entry)
  if (!options.dryRun) {
    if ((await commitDelete(context, view, key, entry.revision)) === undefined) return undefined
    await core.hooks.get(qualifiedName(view.resource))?.afterDelete?.(scope, object)
  }
  return answer(view.resource, object, { bytes: view.bytes(entry), object, created: false, entry })
}

function answer(resource: Resource, object: KubeObject, stored: Written): Deleted {
  if (resource.strategy.deleteAnswer === 'object') return { kind: 'object', written: stored }
  const { name = '', uid = '' } = metaOf(object)
  return {
    kind: 'status',
    status: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural, uid },
    },
  }
}
