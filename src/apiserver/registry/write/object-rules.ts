import {
  type FieldError,
  type FieldErrors,
  type KubeObject,
  type ObjectMeta,
  Path,
  type Resource,
  deepEqual,
  fieldError,
  pathSegmentErrors,
  statusError,
  validateObjectMeta,
} from '#api'
import { revisionProblem } from '../options.ts'
import { checkChangedMetadata } from './metadata-checks.ts'

/** The rules of every object's life, around those of its kind (k8s.io/apiserver `registry/rest`). All of them work on the request's own draft. */

const METADATA = Path.of('metadata')

export function metaOf(object: KubeObject): ObjectMeta {
  object.metadata ??= {}
  return object.metadata
}

/** Fields that only the server writes, dropped from what a client sends for a new object. */
export function wipeSystemFields(object: KubeObject): void {
  const meta = metaOf(object)
  delete meta.uid
  delete meta.creationTimestamp
  delete meta.deletionTimestamp
  delete meta.deletionGracePeriodSeconds
  dropSelfLink(meta)
}

/** A field of the past, which is still read. */
function dropSelfLink(meta: ObjectMeta & { selfLink?: string }): void {
  delete meta.selfLink
}

/** Throws `StatusError` 400 when the body names another namespace than the path. */
export function settleNamespace(resource: Resource, object: KubeObject, namespace: string): void {
  const meta = metaOf(object)
  if (!resource.namespaced) {
    delete meta.namespace
    return
  }
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = namespace
  else if (meta.namespace !== namespace)
    throw statusError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** After admission has changed it: complete again, and still where the request has put it. Throws `StatusError` 400. */
export function settleAdmitted(resource: Resource, draft: KubeObject, namespace: string): void {
  resource.strategy.defaults?.(draft)
  settleNamespace(resource, draft, namespace)
}

/** Throws `StatusError` 400 when the body names another object than the path. */
export function checkName(object: KubeObject, name: string): void {
  const given = object.metadata?.name ?? ''
  if (given === '') throw statusError.badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (given !== name) throw statusError.badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
}

export function validateNew(resource: Resource, object: KubeObject, first: readonly FieldError[] = []): void {
  const errors: FieldErrors = [...first]
  const { strategy } = resource
  const { validateName, anyFinalizer = false, metadataLast = false } = strategy
  const options = {
    namespaced: resource.namespaced,
    standardFinalizers: !anyFinalizer,
    ...(validateName === undefined ? {} : { validateName: (name: string, isPrefix: boolean) => validateName(name, isPrefix, object) }),
  }
  strategy.validateFirst?.(object, errors)
  if (!metadataLast) validateObjectMeta(metaOf(object), options, METADATA, errors)
  strategy.validate?.(object, errors)
  refuse(resource, object, errors)
  if (metadataLast) validateObjectMeta(metaOf(object), options, METADATA, errors)
  refuse(resource, object, errors)
  // Whatever the kind makes of names: each has a path of its own.
  for (const why of pathSegmentErrors(metaOf(object).name ?? ''))
    errors.push(fieldError.invalid(METADATA.child('name'), metaOf(object).name, why))
  refuse(resource, object, errors)
}

/** Metadata first, then the kind's own rules. */
export function validateChanged(
  resource: Resource,
  object: KubeObject,
  old: KubeObject,
  subresource: string,
  validate: ((object: KubeObject, old: KubeObject, errors: FieldErrors, warn?: (text: string) => void) => void) | undefined,
  warn: (text: string) => void,
  first: readonly FieldError[] = [],
): void {
  const errors: FieldErrors = [...first]
  checkChangedMetadata(resource, metaOf(object), metaOf(old), subresource, errors)
  validate?.(object, old, errors, warn)
  refuse(resource, object, errors)
}

/** The kind that is named is the one that is stored. */
function refuse(resource: Resource, object: KubeObject, errors: FieldErrors): void {
  if (errors.length > 0) throw statusError.invalid(resource.storage ?? resource, metaOf(object).name ?? '', errors)
}

/** What an update cannot change, put back before the kind's own rules run. */
export function keepSystemFields(draft: KubeObject, old: KubeObject): void {
  const meta = metaOf(draft)
  const before = metaOf(old)
  dropSelfLink(meta)
  if (before.generation === undefined) delete meta.generation
  else meta.generation = before.generation
}

export function settleSystemFields(draft: KubeObject, old: KubeObject): void {
  const meta = metaOf(draft)
  const before = metaOf(old)
  if (meta.uid === undefined || meta.uid === '') meta.uid = before.uid
  if (before.creationTimestamp !== undefined) meta.creationTimestamp = before.creationTimestamp
  if (before.deletionTimestamp !== undefined) meta.deletionTimestamp = before.deletionTimestamp
  if (before.deletionGracePeriodSeconds !== undefined && meta.deletionGracePeriodSeconds === undefined) {
    meta.deletionGracePeriodSeconds = before.deletionGracePeriodSeconds
  }
}

/** Whether the kind counts this change as one of what is wanted, and so raises the generation. */
export function raisesGeneration(resource: Resource, draft: KubeObject, old: KubeObject): boolean {
  const rule = resource.strategy.generation ?? 'none'
  if (rule === 'none') return false
  if (typeof rule === 'function') return rule(draft, old)
  const now = draft as Readonly<Record<string, unknown>>
  const before = old as Readonly<Record<string, unknown>>
  for (const name of resource.schema.fields.keys()) {
    if (NOT_WANTED.has(name)) continue
    if (!deepEqual(now[name], before[name])) return true
  }
  return false
}
const NOT_WANTED = new Set(['kind', 'apiVersion', 'metadata', 'status'])

/** A status update: all but metadata and status is taken from the object as it is. */
export function keepAllButStatus(draft: KubeObject, old: KubeObject): void {
  const next = draft as Record<string, unknown>
  const before = old as Readonly<Record<string, unknown>>
  for (const name of new Set([...Object.keys(next), ...Object.keys(before)])) {
    if (name === 'metadata' || name === 'status') continue
    if (before[name] === undefined) delete next[name]
    else next[name] = before[name]
  }
}

/** Owner references that occur twice are one. The text of the warning, when there were any. */
export function dropRepeatedOwners(object: KubeObject, afterAdmission: boolean): string | undefined {
  const owners = object.metadata?.ownerReferences
  if (owners === undefined || owners.length < 2) return undefined
  const kept = owners.filter((owner, at) => owners.findIndex((other) => deepEqual(other, owner)) === at)
  if (kept.length === owners.length) return undefined
  const repeated = owners.filter((owner, at) => owners.findIndex((other) => deepEqual(other, owner)) !== at)
  metaOf(object).ownerReferences = kept
  const when = afterAdmission ? ' after mutating admission happens' : ''
  return `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.map(({ uid }) => uid).join(', ')}`
}

/** A resourceVersion that a client sends with an object. Throws a plain 500 in the words of Go's strconv when it is not a number. */
export function objectRevision(object: KubeObject): number {
  const text = object.metadata?.resourceVersion
  if (text === undefined || text === '') return 0
  return parseRevision(text)
}

export function parseRevision(text: string): number {
  const problem = revisionProblem(text)
  if (problem !== undefined) throw plainError(500, problem)
  return Number(text)
}

/** An error that has a message and no reason, as upstream gives for what it does not expect. */
export function plainError(code: number, message: string): Error {
  const error = statusError.badRequest(message)
  error.status.code = code
  delete error.status.reason
  return error
}
