import type * as core from '../types/core-v1.gen.ts'
import type * as resource from '../types/resource-v1.gen.ts'

/** Keeps a claim in the API while its devices are given away. */
export const CLAIM_FINALIZER = 'resource.kubernetes.io/delete-protection'
/** On a claim made from a template: which of the pod's claims it is. */
export const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name'
/** On a claim that was made for a pod's extended resources. */
export const EXTENDED_CLAIM_ANNOTATION = 'resource.kubernetes.io/extended-resource-claim'
const MOST_CONSUMERS = 256

/** The claim that stands behind a claim of a pod: undefined when it has not been made yet, `unneeded` when there will be none. */
export function claimNameOf(
  pod: core.Pod,
  { name, resourceClaimName, resourceClaimTemplateName }: core.PodResourceClaim,
): { readonly name: string; readonly isGenerated: boolean } | 'unneeded' | undefined {
  if (resourceClaimName !== undefined) return { name: resourceClaimName, isGenerated: false }
  if (resourceClaimTemplateName === undefined) return 'unneeded'
  const made = pod.status?.resourceClaimStatuses?.find((status) => status.name === name)
  if (made === undefined) return undefined
  return made.resourceClaimName === undefined ? 'unneeded' : { name: made.resourceClaimName, isGenerated: true }
}

/** Whether a generated claim was made for this very pod. */
export const isClaimOfPod = (pod: core.Pod, claim: resource.ResourceClaim): boolean =>
  (claim.metadata?.ownerReferences ?? []).some(({ uid, controller }) => controller === true && uid === pod.metadata?.uid)

export const notClaimOfPod = (pod: core.Pod, claim: resource.ResourceClaim): string =>
  `ResourceClaim ${claim.metadata?.namespace ?? ''}/${claim.metadata?.name ?? ''} was not created for pod ${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''} (pod is not owner)`

export const isReservedFor = (pod: core.Pod, claim: resource.ResourceClaim): boolean =>
  (claim.status?.reservedFor ?? []).some(({ uid }) => uid === pod.metadata?.uid)

export const canBeReserved = (claim: resource.ResourceClaim): boolean => (claim.status?.reservedFor ?? []).length < MOST_CONSUMERS

export const consumerOf = (pod: core.Pod): resource.ResourceClaimConsumerReference => ({
  resource: 'pods',
  name: pod.metadata?.name ?? '',
  uid: pod.metadata?.uid ?? '',
})
