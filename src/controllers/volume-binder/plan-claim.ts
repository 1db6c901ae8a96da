import type { core, storage } from '#api'
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, askedClass, classOfClaim, hasAnnotation } from './annotations.ts'
import { bestVolume, isReservedFor, mismatch } from './match-volume.ts'
import { provisionerOf } from './provisioners.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

/** What a decision about a claim may look at. */
export interface ClaimView {
  volume(name: string): Volume | undefined
  /** Those that the claim might get: of its class, and those that name it. */
  candidates(claim: Claim): readonly Volume[]
  storageClass(name: string): storage.StorageClass | undefined
  defaultClass(): storage.StorageClass | undefined
  /** Names of pods that use the claim and have no node yet. */
  waitingPods(claim: Claim): readonly string[]
}

export interface Notice {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export type ClaimPlan =
  | { readonly kind: 'bind'; readonly volume: Volume }
  /** Writes the phase when it is another one; `notice` is told each time. */
  | { readonly kind: 'pending'; readonly notice?: Notice }
  /** The notice is told when the claim becomes lost. */
  | { readonly kind: 'lost'; readonly notice: Notice }
  | { readonly kind: 'assign-class'; readonly name: string }
  | { readonly kind: 'provision'; readonly provisioner: string; readonly notice: Notice }
  /** Nothing can be done, and nothing is written but this. */
  | { readonly kind: 'tell'; readonly notice: Notice }

const normal = (reason: string, message: string): Notice => ({ type: 'Normal', reason, message })
const warning = (reason: string, message: string): Notice => ({ type: 'Warning', reason, message })

export function planClaim(claim: Claim, view: ClaimView): ClaimPlan {
  if (hasAnnotation(claim, BIND_COMPLETED)) return planBound(claim, view)
  const name = claim.spec?.volumeName ?? ''
  return name === '' ? planOpen(claim, view) : planNamed(claim, view, name)
}

/** The claim takes any volume. */
function planOpen(claim: Claim, view: ClaimView): ClaimPlan {
  const className = classOfClaim(claim)
  const storageClass = className === '' ? undefined : view.storageClass(className)
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
  const volume = bestVolume(claim, view.candidates(claim), isDelayed)
  if (volume !== undefined) return { kind: 'bind', volume }
  if (askedClass(claim) === undefined) {
    const byDefault = view.defaultClass()?.metadata?.name
    if (byDefault !== undefined) return { kind: 'assign-class', name: byDefault }
  }
  if (isDelayed && !hasAnnotation(claim, SELECTED_NODE)) return { kind: 'pending', notice: delayNotice(view.waitingPods(claim)) }
  if (className === '')
    return {
      kind: 'pending',
      notice: normal('FailedBinding', 'no persistent volumes available for this claim and no storage class is set'),
    }
  if (storageClass === undefined)
    return { kind: 'tell', notice: warning('ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`) }
  const made = provisionerOf(storageClass)
  if ('problem' in made) return { kind: 'tell', notice: warning('ProvisioningFailed', made.problem) }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${made.external}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.'
  return { kind: 'provision', provisioner: made.external, notice: normal('ExternalProvisioning', message) }
}

function delayNotice(pods: readonly string[]): Notice {
  if (pods.length === 0) return normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  return normal('WaitForPodScheduled', `waiting for ${pods.length === 1 ? 'pod' : 'pods'} ${pods.join(',')} to be scheduled`)
}

/** The claim wants this volume and no other. */
function planNamed(claim: Claim, view: ClaimView, name: string): ClaimPlan {
  const volume = view.volume(name)
  if (volume === undefined) return { kind: 'pending' }
  if (volume.spec?.claimRef === undefined) {
    const why = mismatch(claim, volume)
    if (why === undefined) return { kind: 'bind', volume }
    return { kind: 'pending', notice: warning('VolumeMismatch', `Cannot bind to requested volume ${JSON.stringify(name)}: ${why}`) }
  }
  if (isReservedFor(volume, claim)) return { kind: 'bind', volume }
  const notice = warning('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`)
  return hasAnnotation(claim, BOUND_BY_CONTROLLER) ? { kind: 'tell', notice } : { kind: 'pending', notice }
}

function planBound(claim: Claim, view: ClaimView): ClaimPlan {
  const name = claim.spec?.volumeName ?? ''
  const lost = (reason: string, message: string): ClaimPlan => ({ kind: 'lost', notice: warning(reason, message) })
  if (name === '') return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = view.volume(name)
  if (volume === undefined) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const { claimRef } = volume.spec ?? {}
  if (claimRef === undefined || claimRef.uid === claim.metadata?.uid) return { kind: 'bind', volume }
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}
