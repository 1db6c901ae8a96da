import { defineResource } from '../../../define.ts'
import { deepEqual } from '../../../meta/deep.ts'
import { fieldDifference } from '../../../meta/difference.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import { canonicalQuantity, compareQuantities } from '../../../meta/quantity.ts'
import * as refs from '../../../refs.gen.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../types/core-v1.gen.ts'
import { validateClaimSpec } from '../../../validation/claim-spec.ts'
import { validateImmutable } from '../../../validation/values.ts'
import { keepStatus } from '../../../workloads/workload.ts'
import { claimStatus } from './claim-status.ts'
import { classAnnotationWarnings, className, fractionWarning, shortModes } from './volume-text.ts'

const SPEC = Path.of('spec')
const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'

export const persistentVolumeClaims = defineResource(refs.persistentvolumeclaims, {
  strategy: {
    defaults: (claim) => {
      claim.spec ??= {}
      claim.status ??= {}
      claim.status.phase ||= 'Pending'
      claim.spec.volumeMode ??= 'Filesystem'
    },
    prepareForCreate: (claim) => {
      claim.status = { phase: 'Pending' }
      settleSources(claim.spec, undefined)
    },
    prepareForUpdate: (claim, old) => {
      keepStatus(claim, old)
      settleSources(claim.spec, old.spec)
    },
    validate: (claim, errors) => validateClaimSpec(claim.spec, SPEC, errors),
    validateUpdate,
    warnings: ({ metadata, spec }) => {
      const warnings = classAnnotationWarnings(metadata)
      fractionWarning(spec?.resources?.requests?.['storage'], 'spec.resources.requests[storage]', warnings)
      fractionWarning(spec?.resources?.limits?.['storage'], 'spec.resources.limits[storage]', warnings)
      return warnings
    },
  },
  columns: {
    Status: ({ metadata, status }) => (metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating'),
    Volume: ({ spec }) => spec?.volumeName ?? '',
    Capacity: ({ spec, status }) => (isBoundTo(spec) ? canonicalQuantity(status?.capacity?.['storage'] ?? '0') : ''),
    'Access Modes': ({ spec, status }) => (isBoundTo(spec) ? shortModes(status?.accessModes) : ''),
    StorageClass: className,
    VolumeAttributesClass: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    VolumeMode: ({ spec }) => spec?.volumeMode ?? '<unset>',
  },
  subresources: { status: claimStatus },
})

const isBoundTo = (spec: PersistentVolumeClaimSpec | undefined): boolean => (spec?.volumeName ?? '') !== ''

/** What a volume is filled from has two names. The older one takes only claims and snapshots; other namespaces are not read from. */
function settleSources(spec: PersistentVolumeClaimSpec | undefined, old: PersistentVolumeClaimSpec | undefined): void {
  if (spec === undefined) return
  const inUse = old?.dataSource !== undefined || old?.dataSourceRef !== undefined
  if (!inUse && (spec.dataSourceRef?.namespace ?? '') !== '') delete spec.dataSourceRef
  if (old?.dataSource === undefined && spec.dataSourceRef === undefined && spec.dataSource !== undefined && !isFillable(spec.dataSource))
    delete spec.dataSource
  const { dataSource, dataSourceRef } = spec
  if (dataSource !== undefined && dataSourceRef === undefined) spec.dataSourceRef = { ...dataSource }
  else if (dataSource === undefined && dataSourceRef !== undefined && (dataSourceRef.namespace ?? '') === '') {
    const { namespace: _, ...source } = dataSourceRef
    spec.dataSource = source
  }
}

function isFillable({ apiGroup, kind }: NonNullable<PersistentVolumeClaimSpec['dataSource']>): boolean {
  return kind === 'PersistentVolumeClaim' ? (apiGroup ?? '') === '' : kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io'
}

function validateUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, errors: FieldErrors): void {
  const [after, before] = [claim.spec ?? {}, old.spec ?? {}]
  validateClaimSpec(claim.spec, SPEC, errors, before)
  const annotation = Path.of('metadata', 'annotations').key(OLD_CLASS)
  const upgrades = takesClassFromAnnotation(claim, old)
  if (!upgrades)
    validateImmutable(claim.metadata?.annotations?.[OLD_CLASS] ?? '', old.metadata?.annotations?.[OLD_CLASS] ?? '', annotation, errors)
  const compared = comparable(claim, old, upgrades)
  if (!deepEqual(compared, before)) {
    const why = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    errors.push(fieldError.forbidden(SPEC, why + fieldDifference(before, compared)))
  }
  const [size, oldSize] = [after.resources?.requests?.['storage'] ?? '0', before.resources?.requests?.['storage'] ?? '0']
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, old.status?.capacity?.['storage'] ?? '0') <= 0)
    errors.push(
      fieldError.forbidden(SPEC.child('resources').child('requests').child('storage'), 'field can not be less than status.capacity'),
    )
  validateImmutable(after.volumeMode, before.volumeMode, Path.of('volumeMode'), errors)
  validateAttributesClass(claim, old, errors)
}

/** The class moves from the annotation into its field, and the annotation goes. */
function takesClassFromAnnotation(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const was = old.metadata?.annotations?.[OLD_CLASS]
  const is = claim.metadata?.annotations?.[OLD_CLASS]
  return (
    was !== undefined &&
    (is === undefined || is === was) &&
    old.spec?.storageClassName === undefined &&
    claim.spec?.storageClassName === was
  )
}

/** The new spec without the changes that are allowed. */
function comparable(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, upgrades: boolean): PersistentVolumeClaimSpec {
  const spec: PersistentVolumeClaimSpec = { ...claim.spec }
  const before = old.spec ?? {}
  if (!isBoundTo(before)) assign(spec, 'volumeName', before.volumeName)
  const hadNoClass = before.storageClassName === undefined && old.metadata?.annotations?.[OLD_CLASS] === undefined
  if (upgrades || (hadNoClass && spec.storageClassName !== undefined)) assign(spec, 'storageClassName', before.storageClassName)
  if (claim.status?.phase !== 'Bound') return spec
  if (spec.resources?.requests !== undefined && before.resources?.requests?.['storage'] !== undefined)
    spec.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage: before.resources.requests['storage'] } }
  assign(spec, 'volumeAttributesClassName', before.volumeAttributesClassName)
  return spec
}

function assign<K extends 'volumeName' | 'storageClassName' | 'volumeAttributesClassName'>(
  spec: PersistentVolumeClaimSpec,
  field: K,
  value: PersistentVolumeClaimSpec[K],
): void {
  if (value === undefined) delete spec[field]
  else spec[field] = value
}

/** A bound claim changes its class of attributes, and only before the first one was applied can it have none again. */
function validateAttributesClass(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, errors: FieldErrors): void {
  const [after, before] = [claim.spec?.volumeAttributesClassName, old.spec?.volumeAttributesClassName]
  if (claim.status?.phase !== 'Bound' || after === before || before === undefined) return
  const applied = old.status?.currentVolumeAttributesClassName ?? ''
  const path = SPEC.child('volumeAttributesClassName')
  if (after === undefined && applied !== '') errors.push(fieldError.forbidden(path, 'update from non-nil value to nil is forbidden'))
  if (after === '' && applied !== '') errors.push(fieldError.forbidden(path, 'update from non-nil value to an empty string is forbidden'))
}
