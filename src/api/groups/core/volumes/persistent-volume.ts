import { defineResource } from '../../../define.ts'
import { deepEqual } from '../../../meta/deep.ts'
import { fieldDifference } from '../../../meta/difference.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import { canonicalQuantity } from '../../../meta/quantity.ts'
import { labelDeprecation } from '../../../pods/warnings/scheduling-warnings.ts'
import * as refs from '../../../refs.gen.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../../types/core-v1.gen.ts'
import { validateImmutable } from '../../../validation/values.ts'
import { keepSpec, keepStatus } from '../../../workloads/workload.ts'
import { validateNodeAffinityUpdate } from './node-affinity.ts'
import { validateVolumeSpec } from './volume-spec.ts'
import { SOURCE_FIELDS } from './volume-sources.ts'
import { classAnnotationWarnings, className, fractionWarning, shortModes } from './volume-text.ts'

const SPEC = Path.of('spec')

export const persistentVolumes = defineResource(refs.persistentvolumes, {
  strategy: {
    defaults: (volume) => {
      volume.spec ??= {}
      volume.status ??= {}
      volume.status.phase ||= 'Pending'
      volume.spec.persistentVolumeReclaimPolicy ??= 'Retain'
      volume.spec.volumeMode ??= 'Filesystem'
      if (volume.spec.hostPath !== undefined) volume.spec.hostPath.type ??= ''
    },
    prepareForCreate: (volume) => {
      const { creationTimestamp } = volume.metadata ?? {}
      volume.status = { phase: 'Pending', ...(typeof creationTimestamp === 'string' ? { lastPhaseTransitionTime: creationTimestamp } : {}) }
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate,
    warnings: warningsOf,
  },
  columns: {
    Capacity: ({ spec }) => canonicalQuantity(spec?.capacity?.['storage'] ?? '0'),
    'Access Modes': ({ spec }) => shortModes(spec?.accessModes),
    'Reclaim Policy': ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
    Status: ({ metadata, status }) => (metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating'),
    Claim: ({ spec }) => (spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`),
    StorageClass: className,
    VolumeAttributesClass: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    Reason: ({ status }) => status?.reason ?? '',
    VolumeMode: ({ spec }) => spec?.volumeMode ?? '<unset>',
  },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: (volume, old, now) => {
        keepSpec(volume, old)
        noteTransition(volume, old, now)
      },
    },
  },
})

/** A change of phase has a time, unless the writer gives one. */
function noteTransition(volume: PersistentVolume, old: PersistentVolume, now: string): void {
  const before = old.status?.lastPhaseTransitionTime
  volume.status ??= {}
  const { status } = volume
  if (status.phase !== old.status?.phase) {
    if (status.lastPhaseTransitionTime === undefined || status.lastPhaseTransitionTime === before) status.lastPhaseTransitionTime = now
  } else if (status.lastPhaseTransitionTime === undefined && before !== undefined) status.lastPhaseTransitionTime = before
}

function validate({ metadata, spec }: PersistentVolume, errors: FieldErrors): void {
  validateVolumeSpec(spec ?? {}, metadata?.name ?? '', SPEC, errors)
}

/** The spec is checked twice, by the strategy and by the rules of updates, and what is wrong is told twice. */
function validateUpdate(volume: PersistentVolume, old: PersistentVolume, errors: FieldErrors): void {
  validate(volume, errors)
  validate(volume, errors)
  const [after, before] = [volume.spec ?? {}, old.spec ?? {}]
  if (!sameSource(after, before)) {
    const why = `spec.persistentvolumesource is immutable after creation${fieldDifference(sourceOf(before), sourceOf(after))}`
    errors.push(fieldError.forbidden(SPEC.child('persistentvolumesource'), why))
  }
  validateImmutable(after.volumeMode, before.volumeMode, Path.of('volumeMode'), errors)
  validateNodeAffinityUpdate(after.nodeAffinity, before.nodeAffinity, Path.of('nodeAffinity'), errors)
  if (before.volumeAttributesClassName !== undefined && after.volumeAttributesClassName === undefined)
    errors.push(fieldError.forbidden(SPEC.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden'))
}

function sourceOf(spec: PersistentVolumeSpec): object {
  return Object.fromEntries(SOURCE_FIELDS.map((field) => [field, spec[field]]))
}

/** The secret for growing a volume may be added later. */
function sameSource(after: PersistentVolumeSpec, before: PersistentVolumeSpec): boolean {
  return SOURCE_FIELDS.every((field) => {
    if (field !== 'csi' || before.csi === undefined || after.csi === undefined || before.csi.controllerExpandSecretRef !== undefined)
      return deepEqual(after[field], before[field])
    const { controllerExpandSecretRef: _, ...rest } = after.csi
    return deepEqual(rest, before.csi)
  })
}

/** Kinds of volumes that are going or gone. */
const GONE: readonly (readonly [field: (typeof SOURCE_FIELDS)[number], why: string, shown?: string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

function warningsOf({ metadata, spec = {} }: PersistentVolume): readonly string[] {
  const warnings = classAnnotationWarnings(metadata)
  if (metadata?.annotations?.['volume.beta.kubernetes.io/mount-options'] !== undefined)
    warnings.push(
      'metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead',
    )
  if (spec.persistentVolumeReclaimPolicy === 'Recycle')
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    )
  spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, t) =>
    term.matchExpressions?.forEach(({ key }, i) => {
      const why = labelDeprecation(key)
      if (why !== undefined)
        warnings.push(`spec.nodeAffinity.required.nodeSelectorTerms[${t}].matchExpressions[${i}].key: ${key} is ${why}`)
    }),
  )
  for (const [field, why, shown] of GONE) if (spec[field] !== undefined) warnings.push(`spec.${shown ?? field}: ${why}`)
  fractionWarning(spec.capacity?.['storage'], 'spec.capacity[storage]', warnings)
  return warnings
}
