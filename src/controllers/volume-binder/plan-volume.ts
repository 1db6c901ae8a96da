import type { core } from '#api'
import { BOUND_BY_CONTROLLER, MIGRATED_TO, PROVISIONED_BY, hasAnnotation } from './annotations.ts'
import { sameMode } from './match-volume.ts'
import { deletionProblem } from './provisioners.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

export type VolumePlan =
  | { readonly kind: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** Nobody has it any more; `problem`: it cannot be deleted or wiped, for this reason. */
  | { readonly kind: 'release'; readonly problem?: { readonly reason: string; readonly message: string } }
  /** Its claim has another volume. */
  | { readonly kind: 'unbind' }
  /** The claim that it is bound to cannot use it. */
  | { readonly kind: 'mismatch' }
  /** The claim is to be looked at. */
  | { readonly kind: 'wait' }

/** `claim`: the one that the volume names, of that very uid. */
export function planVolume(volume: Volume, claim: Claim | undefined): VolumePlan {
  const claimRef = volume.spec?.claimRef
  if (claimRef === undefined || (claimRef.uid ?? '') === '') return { kind: 'phase', phase: 'Available' }
  if (claim === undefined) return release(volume)
  const bound = claim.spec?.volumeName ?? ''
  if (bound === '') return sameMode(claim, volume) ? { kind: 'wait' } : { kind: 'mismatch' }
  if (bound === volume.metadata?.name) return { kind: 'phase', phase: 'Bound' }
  const isMade = hasAnnotation(volume, PROVISIONED_BY) && volume.spec?.persistentVolumeReclaimPolicy === 'Delete'
  return isMade ? release(volume) : { kind: 'unbind' }
}

function release(volume: Volume): VolumePlan {
  const plain: VolumePlan = { kind: 'release' }
  if ((volume.metadata?.annotations?.[MIGRATED_TO] ?? '') !== '') return plain
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return plain
    case 'Delete': {
      const message = deletionProblem(volume)
      return message === undefined ? plain : { kind: 'release', problem: { reason: 'VolumeFailedDelete', message } }
    }
    case 'Recycle':
      return { kind: 'release', problem: { reason: 'VolumeFailedRecycle', message: 'No recycler plugin found for the volume!' } }
    default: {
      const message = 'Volume has unrecognized PersistentVolumeReclaimPolicy'
      return { kind: 'release', problem: { reason: 'VolumeUnknownReclaimPolicy', message } }
    }
  }
}

/** The volume without its claim; one that somebody reserved stays reserved. */
export function unbound(volume: Volume): Volume {
  const { spec, metadata } = volume
  if (spec === undefined) return volume
  if (!hasAnnotation(volume, BOUND_BY_CONTROLLER)) {
    const { uid: _, ...claimRef } = spec.claimRef ?? {}
    return { ...volume, spec: { ...spec, claimRef } }
  }
  const { [BOUND_BY_CONTROLLER]: _, ...annotations } = metadata?.annotations ?? {}
  const { claimRef: __, ...rest } = spec
  return { ...volume, metadata: { ...metadata, annotations }, spec: rest }
}
