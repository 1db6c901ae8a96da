import { type FieldErrors, fieldError, inKeyOrder } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import { compareQuantities, quantityValue } from '../../../meta/quantity.ts'
import { validateNodeSelector } from '../../../pods/validate/scheduling/affinity.ts'
import type { PersistentVolumeSpec } from '../../../types/core-v1.gen.ts'
import { validateAccessModes, VOLUME_MODES } from '../../../validation/claim-spec.ts'
import { dnsSubdomainErrors } from '../../../validation/names.ts'
import { validatePositiveQuantity } from '../../../validation/resources.ts'
import { invalidText, validateEnum } from '../../../validation/values.ts'
import { validateSource } from './volume-sources.ts'

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain']

/** The spec of a PersistentVolume. `name` is the volume's. */
export function validateVolumeSpec(spec: PersistentVolumeSpec, name: string, path: Path, errors: FieldErrors): void {
  validateModes(spec, path, errors)
  validateCapacity(spec.capacity, path.child('capacity'), errors)
  validateEnum(spec.persistentVolumeReclaimPolicy, RECLAIM_POLICIES, path.child('persistentVolumeReclaimPolicy'), errors)
  validateNodeAffinity(spec.nodeAffinity, path.child('nodeAffinity'), errors)
  validateSource(spec, name, path, errors)
  validateRecycling(spec, path, errors)
  const { storageClassName = '', volumeMode, volumeAttributesClassName } = spec
  if (storageClassName !== '') invalidText(storageClassName, dnsSubdomainErrors(storageClassName), path.child('storageClassName'), errors)
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode))
    errors.push(fieldError.notSupported(path.child('volumeMode'), volumeMode, VOLUME_MODES))
  if (volumeAttributesClassName !== undefined) validateAttributesClass(spec, volumeAttributesClassName, path, errors)
}

/** The spec of a volume that is attached without being a PersistentVolume: it must be one of a CSI driver, with nothing that only those have. */
export function validateInlineVolumeSpec(spec: PersistentVolumeSpec, path: Path, errors: FieldErrors): void {
  const forbid = (field: keyof PersistentVolumeSpec, present: boolean): void => {
    if (present) errors.push(fieldError.forbidden(path.child(field), 'may not be specified in the context of inline volumes'))
  }
  const { storageClassName = '', volumeMode, persistentVolumeReclaimPolicy: policy = '' } = spec
  forbid('claimRef', spec.claimRef !== undefined)
  forbid('capacity', Object.keys(spec.capacity ?? {}).length > 0)
  if (spec.csi === undefined) errors.push(fieldError.required(path.child('csi'), 'has to be specified in the context of inline volumes'))
  validateModes(spec, path, errors)
  if (policy !== '' && policy !== 'Retain')
    errors.push(fieldError.forbidden(path.child('persistentVolumeReclaimPolicy'), 'may only be Retain in the context of inline volumes'))
  forbid('nodeAffinity', spec.nodeAffinity !== undefined)
  // An affinity that may not be there does not count.
  validateSource({ ...spec, nodeAffinity: undefined }, '', path, errors)
  validateRecycling(spec, path, errors)
  forbid('storageClassName', storageClassName !== '')
  if (volumeMode !== undefined && volumeMode !== 'Filesystem')
    errors.push(
      fieldError.forbidden(path.child('volumeMode'), 'may not specify volumeMode other than Filesystem in the context of inline volumes'),
    )
}

function validateModes({ accessModes = [] }: PersistentVolumeSpec, path: Path, errors: FieldErrors): void {
  if (accessModes.length === 0) errors.push(fieldError.required(path.child('accessModes')))
  validateAccessModes(accessModes, path.child('accessModes'), errors)
}

function validateCapacity(capacity: PersistentVolumeSpec['capacity'], path: Path, errors: FieldErrors): void {
  const amounts = Object.entries(capacity ?? {})
  if (amounts.length === 0) errors.push(fieldError.required(path))
  if (capacity?.['storage'] === undefined || amounts.length > 1)
    errors.push(fieldError.notSupported(path, capacity && inKeyOrder(capacity), ['storage']))
  for (const [name, amount] of amounts) {
    validateAmount(amount, path.key(name), errors)
    validatePositiveQuantity(amount, path.key(name), errors)
  }
}

/** An amount of a volume: not below zero. */
export function validateAmount(amount: string, path: Path, errors: FieldErrors): void {
  if (compareQuantities(amount, 0) < 0) errors.push(fieldError.invalid(path, quantityValue(amount), 'must be a valid resource quantity'))
}

function validateNodeAffinity(affinity: PersistentVolumeSpec['nodeAffinity'], path: Path, errors: FieldErrors): void {
  if (affinity === undefined) return
  if (affinity.required === undefined) errors.push(fieldError.required(path.child('required'), 'must specify required node constraints'))
  else validateNodeSelector(affinity.required, path.child('required'), errors)
}

function validateRecycling({ hostPath, persistentVolumeReclaimPolicy }: PersistentVolumeSpec, path: Path, errors: FieldErrors): void {
  if (persistentVolumeReclaimPolicy === 'Recycle' && hostPath !== undefined && isRoot(hostPath.path))
    errors.push(fieldError.forbidden(path.child('persistentVolumeReclaimPolicy'), "may not be 'recycle' for a hostPath mount of '/'"))
}

const isRoot = (path: string | undefined): boolean => /^\/[/.]*$/.test(path ?? '') && !/\.{3}/.test(path ?? '')

function validateAttributesClass({ csi }: PersistentVolumeSpec, name: string, path: Path, errors: FieldErrors): void {
  const at = path.child('volumeAttributesClassName')
  if (name === '') errors.push(fieldError.required(at, 'an empty string is disallowed'))
  else invalidText(name, dnsSubdomainErrors(name), at, errors)
  if (csi === undefined) errors.push(fieldError.required(path.child('csi'), 'has to be specified when using volumeAttributesClassName'))
}
