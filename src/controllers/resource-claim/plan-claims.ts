import {
  type core,
  CLAIM_FINALIZER,
  POD_CLAIM_ANNOTATION,
  canBeReserved,
  claimNameOf,
  isClaimOfPod,
  isReservedFor,
  refs,
  type resource,
} from '#api'
import { controllerReference, isFinished, isTerminating } from '#reconcile'

const LONGEST_BASE = 57

/** A claim as the template says, for one claim of a pod. The server completes its name. */
export function claimFromTemplate(pod: core.Pod, podClaim: string, { spec }: resource.ResourceClaimTemplate): resource.ResourceClaim {
  const podName = pod.metadata?.name ?? ''
  // The claim goes after its pod: the pod does not wait for it.
  const { blockOwnerDeletion: _, ...owner } = controllerReference(pod, refs.pods)
  return {
    metadata: {
      generateName: generatedName(podName, podClaim),
      namespace: pod.metadata?.namespace,
      annotations: { ...spec.metadata?.annotations, [POD_CLAIM_ANNOTATION]: podClaim },
      ...(spec.metadata?.labels === undefined ? {} : { labels: { ...spec.metadata.labels } }),
      ownerReferences: [owner],
    },
    spec: spec.spec,
  }
}

/** Both names are shortened when they are too long together: the server would cut off the second one. */
function generatedName(pod: string, claim: string): string {
  const whole = `${pod}-${claim}-`
  if (whole.length <= LONGEST_BASE) return whole
  const part = (name: string): string => name.slice(0, Math.floor((name.length * LONGEST_BASE) / whole.length))
  return `${part(pod)}-${part(claim)}`
}

/** The pod will not run (any more): what is kept for it is free. */
export const isPodDone = (pod: core.Pod): boolean => isFinished(pod) || (isTerminating(pod) && (pod.spec?.nodeName ?? '') === '')

export type PodClaimStep =
  | { readonly kind: 'create'; readonly podClaim: core.PodResourceClaim; readonly template: string }
  | { readonly kind: 'adopt'; readonly podClaim: core.PodResourceClaim; readonly claim: resource.ResourceClaim }

/** The claims of a pod that have no object yet, or whose object its status does not name. One that has ended needs none. */
export function planPodClaims(
  pod: core.Pod,
  claimOf: (name: string) => resource.ResourceClaim | undefined,
  owned: readonly resource.ResourceClaim[],
): readonly PodClaimStep[] {
  if (isTerminating(pod) || isPodDone(pod)) return []
  return (pod.spec?.resourceClaims ?? []).flatMap((podClaim): PodClaimStep[] => {
    const { resourceClaimTemplateName: template, name } = podClaim
    const known = claimNameOf(pod, podClaim)
    if (template === undefined || known === 'unneeded') return []
    const claim = known && claimOf(known.name)
    if (claim !== undefined && isClaimOfPod(pod, claim)) return []
    const made = owned.find((one) => isClaimOfPod(pod, one) && one.metadata?.annotations?.[POD_CLAIM_ANNOTATION] === name)
    return made === undefined ? [{ kind: 'create', podClaim, template }] : [{ kind: 'adopt', podClaim, claim: made }]
  })
}

/** Claims with devices that a pod which has a node already is to be written into: it went past the scheduler. */
export function claimsToReserve(
  pod: core.Pod,
  claimOf: (name: string) => resource.ResourceClaim | undefined,
): readonly resource.ResourceClaim[] {
  if (isTerminating(pod) || isPodDone(pod) || (pod.spec?.nodeName ?? '') === '') return []
  return (pod.spec?.resourceClaims ?? []).flatMap((podClaim) => {
    const known = claimNameOf(pod, podClaim)
    const claim = known === undefined || known === 'unneeded' ? undefined : claimOf(known.name)
    if (claim === undefined || claim.status?.allocation === undefined) return []
    if (typeof known === 'object' && known.isGenerated && !isClaimOfPod(pod, claim)) return []
    return !isReservedFor(pod, claim) && canBeReserved(claim) ? [claim] : []
  })
}

export interface ClaimPlan {
  /** Written when it differs: who still uses the claim; without anybody its devices are given back. */
  readonly status: resource.ResourceClaimStatus | undefined
  readonly dropFinalizer: boolean
  /** Made for a pod that does not need it any more. */
  readonly remove: boolean
}

/** What becomes of a claim, once it is known which of its consumers are still there. */
export function planClaim(
  claim: resource.ResourceClaim,
  remaining: readonly resource.ResourceClaimConsumerReference[],
  owner: core.Pod | undefined,
): ClaimPlan {
  const { status = {}, metadata } = claim
  const isGuarded = metadata?.finalizers?.includes(CLAIM_FINALIZER) === true
  const left = remaining.length < (status.reservedFor ?? []).length
  const isUnused = remaining.length === 0
  const isDeleted = metadata?.deletionTimestamp !== undefined
  const gives = isGuarded && isUnused && status.allocation !== undefined && (left || isDeleted)
  const { allocation, reservedFor: _, ...others } = status
  const next = {
    ...others,
    ...(allocation === undefined || gives ? {} : { allocation }),
    ...(remaining.length === 0 ? {} : { reservedFor: [...remaining] }),
  }
  const isFree = gives || status.allocation === undefined
  return {
    status: left || gives ? next : undefined,
    dropFinalizer: isGuarded && isUnused && isFree && (left || isDeleted),
    remove: isUnused && owner !== undefined && (!isClaimOfPod(owner, claim) || isPodDone(owner)),
  }
}
