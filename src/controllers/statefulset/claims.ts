import { type OwnerReference, type apps, type core, refs } from '#api'
import { controllerReference } from '#reconcile'
import { isInRange, ordinalOf } from './ordinals.ts'

type Claim = core.PersistentVolumeClaim

export const claimName = (set: apps.StatefulSet, template: Claim, ordinal: number): string =>
  `${template.metadata?.name ?? ''}-${set.metadata?.name ?? ''}-${ordinal}`

export const claimTemplates = (set: apps.StatefulSet): readonly Claim[] => set.spec?.volumeClaimTemplates ?? []

/** The claims of a pod, by the names of the volumes that they fill. */
export function claimsOfPod(set: apps.StatefulSet, pod: core.Pod): ReadonlyMap<string, Claim> {
  const ordinal = ordinalOf(pod)
  const claims = new Map<string, Claim>()
  for (const template of claimTemplates(set)) {
    const claim: Claim = {
      ...template,
      metadata: {
        ...template.metadata,
        name: claimName(set, template, ordinal),
        namespace: set.metadata?.namespace,
        labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
      },
    }
    claims.set(template.metadata?.name ?? '', { ...claim, metadata: { ...claim.metadata, ...withOwners(claimOwners(set, pod, claim)) } })
  }
  return claims
}

const withOwners = ({ owners }: ClaimOwners): { ownerReferences?: OwnerReference[] } =>
  owners === undefined ? {} : { ownerReferences: [...owners] }

export interface ClaimOwners {
  /** What the claim's owners have to become; undefined when they may stay. */
  readonly owners: readonly OwnerReference[] | undefined
  /** Somebody else manages the claim, so the retention policy has no effect on it. */
  readonly isForeign: boolean
}

/**
 * Who has to own a claim, so that the garbage collector removes it when the retention policy says: the set where claims go with the set, the pod
 * where they go with a pod that is scaled away. A claim of an earlier set or pod of the same name is left to the garbage collector.
 */
export function claimOwners(set: apps.StatefulSet, pod: core.Pod, claim: Claim): ClaimOwners {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {}
  const present = claim.metadata?.ownerReferences ?? []
  const setReference = controllerReference(set, refs.statefulsets)
  const podReference = controllerReference(pod, refs.pods)
  const isOurs = (owner: OwnerReference): boolean => names(owner, setReference) || names(owner, podReference)
  const isStale = present.some((owner) => isOurs(owner) && owner.uid !== setReference.uid && owner.uid !== podReference.uid)
  const retainsAll = whenDeleted === 'Retain' && whenScaled === 'Retain'
  const isForeign = !retainsAll && (isStale || present.some((owner) => !isOurs(owner) && owner.controller === true))
  if (isStale) return { owners: undefined, isForeign }

  const isKept = isInRange(set, ordinalOf(pod))
  const wanted: OwnerReference[] = []
  if (!isForeign && whenDeleted === 'Delete' && (isKept || whenScaled === 'Retain')) wanted.push(setReference)
  if (!isForeign && whenScaled === 'Delete' && !isKept) wanted.push(podReference)
  const ours = present.filter(isOurs)
  const isRight =
    ours.length === wanted.length && wanted.every(({ uid }) => ours.some((owner) => owner.uid === uid && owner.controller === true))
  return { owners: isRight ? undefined : [...present.filter((owner) => !isOurs(owner)), ...wanted], isForeign }
}

/** The claim belongs to an earlier pod of this name and will go with it: a new pod has to wait for that. */
export function isClaimStale(set: apps.StatefulSet, pod: core.Pod, claim: Claim): boolean {
  if ((set.spec?.persistentVolumeClaimRetentionPolicy?.whenScaled ?? 'Retain') === 'Retain') return false
  const reference = controllerReference(pod, refs.pods)
  return (claim.metadata?.ownerReferences ?? []).some((owner) => names(owner, reference) && owner.uid !== reference.uid)
}

const names = (owner: OwnerReference, other: OwnerReference): boolean =>
  owner.apiVersion === other.apiVersion && owner.kind === other.kind && owner.name === other.name
