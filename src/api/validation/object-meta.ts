import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { ManagedFieldsEntry, ObjectMeta } from '../meta/object.ts'
import type { Path } from '../meta/path.ts'
import { validateLabels } from './label-selector.ts'
import { byteLength, dnsLabelErrors, type NameRule, nameIsDnsSubdomain, qualifiedNameErrors } from './names.ts'
import { validateOwnerReferences } from './owner-references.ts'
import { invalidText, validateImmutable, validateNonnegative } from './values.ts'

export interface ObjectMetaOptions {
  readonly namespaced: boolean
  readonly validateName?: NameRule | undefined
  /** Whether a finalizer without a domain must be one of Kubernetes' own. Built-in kinds do so (the default), custom resources do not. */
  readonly standardFinalizers?: boolean
}

export const ANNOTATIONS_MAX_BYTES = 256 * 1024
const FIELD_MANAGER_MAX_BYTES = 128
const SUBRESOURCE_MAX_BYTES = 256
export const STANDARD_FINALIZERS: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion']

/** `metadata` of a new object. */
export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions, path: Path, errors: FieldErrors): void {
  const validateName = options.validateName ?? nameIsDnsSubdomain
  const { name = '', generateName = '', namespace = '' } = meta
  if (generateName !== '') invalidText(generateName, validateName(generateName, true), path.child('generateName'), errors)
  if (name === '') errors.push(fieldError.required(path.child('name'), 'name or generateName is required'))
  else invalidText(name, validateName(name, false), path.child('name'), errors)
  validateNamespaceOf(namespace, options.namespaced, path.child('namespace'), errors)
  validateNonnegative(meta.generation, path.child('generation'), errors)
  validateLabels(meta.labels, path.child('labels'), errors)
  validateAnnotations(meta.annotations, path.child('annotations'), errors)
  validateOwnerReferences(meta.ownerReferences, path.child('ownerReferences'), errors)
  validateFinalizers(meta.finalizers, path.child('finalizers'), errors)
  validateManagedFields(meta.managedFields, path.child('managedFields'), errors)
  if (options.standardFinalizers ?? true) validateStandardFinalizers(meta.finalizers, path.child('finalizers'), errors)
}

function validateNamespaceOf(namespace: string, namespaced: boolean, path: Path, errors: FieldErrors): void {
  if (!namespaced) {
    if (namespace !== '') errors.push(fieldError.forbidden(path, 'not allowed on this type'))
  } else if (namespace === '') errors.push(fieldError.required(path))
  else invalidText(namespace, dnsLabelErrors(namespace), path, errors)
}

/** `metadata` of a changed object against the stored one. */
export function validateObjectMetaUpdate(
  meta: ObjectMeta,
  old: ObjectMeta,
  path: Path,
  errors: FieldErrors,
  options: Pick<ObjectMetaOptions, 'standardFinalizers'> = {},
): void {
  if (old.deletionTimestamp !== undefined)
    validateNoNewFinalizers(meta.finalizers ?? [], old.finalizers ?? [], path.child('finalizers'), errors)
  if ((meta.resourceVersion ?? '') === '')
    errors.push(fieldError.invalid(path.child('resourceVersion'), meta.resourceVersion ?? '', 'must be specified for an update'))
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(fieldError.invalid(path.child('generation'), meta.generation ?? 0, 'must not be decremented'))
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    validateImmutable(meta[field], old[field], path.child(field), errors)
  }
  validateLabels(meta.labels, path.child('labels'), errors)
  validateAnnotations(meta.annotations, path.child('annotations'), errors)
  validateOwnerReferences(meta.ownerReferences, path.child('ownerReferences'), errors)
  validateManagedFields(meta.managedFields, path.child('managedFields'), errors)
  if (options.standardFinalizers ?? true) validateStandardFinalizers(meta.finalizers, path.child('finalizers'), errors)
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: Path, errors: FieldErrors): void {
  let bytes = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    invalidText(key, qualifiedNameErrors(key.toLowerCase()), path, errors)
    bytes += byteLength(key) + byteLength(value)
  }
  if (bytes > ANNOTATIONS_MAX_BYTES) errors.push(fieldError.tooLong(path, ANNOTATIONS_MAX_BYTES))
}

export function validateFinalizers(finalizers: readonly string[] | undefined, path: Path, errors: FieldErrors): void {
  for (const finalizer of finalizers ?? []) invalidText(finalizer, qualifiedNameErrors(finalizer), path, errors)
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(fieldError.invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
}

function validateStandardFinalizers(finalizers: readonly string[] | undefined, path: Path, errors: FieldErrors): void {
  finalizers?.forEach((finalizer, at) => validateStandardFinalizer(finalizer, path.index(at), errors))
}

/** The part of a finalizer's check that also holds for `spec.finalizers` of a Namespace. */
export function validateStandardFinalizer(finalizer: string, path: Path, errors: FieldErrors): void {
  if (finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)) return
  errors.push(fieldError.invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
}

function validateNoNewFinalizers(finalizers: readonly string[], old: readonly string[], path: Path, errors: FieldErrors): void {
  const added = [...new Set(finalizers)].filter((finalizer) => !old.includes(finalizer)).sort()
  if (added.length === 0) return
  const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
  errors.push(
    fieldError.forbidden(path, `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`),
  )
}

export function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, path: Path, errors: FieldErrors): void {
  entries?.forEach((entry, at) => {
    const entryPath = path.index(at)
    const { operation = '', fieldsType = '', manager = '', subresource = '' } = entry
    if (operation !== 'Apply' && operation !== 'Update')
      errors.push(fieldError.invalid(entryPath.child('operation'), operation, 'must be `Apply` or `Update`'))
    if (fieldsType !== '' && fieldsType !== 'FieldsV1')
      errors.push(fieldError.invalid(entryPath.child('fieldsType'), fieldsType, 'must be `FieldsV1`'))
    validateFieldManager(manager, entryPath.child('manager'), errors)
    if (byteLength(subresource) > SUBRESOURCE_MAX_BYTES)
      errors.push(fieldError.tooLong(entryPath.child('subresource'), SUBRESOURCE_MAX_BYTES))
  })
}

/** ASCII that can be printed: what nearly all names of managers are made of. */
const PLAIN_TEXT = /^[ -~]*$/

/** Also the `fieldManager` of a request. */
export function validateFieldManager(manager: string, path: Path, errors: FieldErrors): void {
  if (byteLength(manager) > FIELD_MANAGER_MAX_BYTES) errors.push(fieldError.tooLong(path, FIELD_MANAGER_MAX_BYTES))
  if (PLAIN_TEXT.test(manager)) return
  let position = 0
  for (const character of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) {
      const point = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
      errors.push(fieldError.invalid(path, manager, `invalid character U+${point} (at position ${position})`))
    }
    position += byteLength(character)
  }
}
