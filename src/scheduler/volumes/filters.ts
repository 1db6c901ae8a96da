import type { core } from '#api'
import { type FilterPlugin, type Refusal, refusal, refusedEverywhere } from '../framework/plugin.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type StorageView, assignVolumes, canProvision, classOf, fitsVolume, isBound, selectedNodeOf } from './storage.ts'

/** Claims must exist; bound ones say where the pod can go, others must find or get a volume there. */
export function volumeBinding(view: StorageView): FilterPlugin {
  const name = 'VolumeBinding'
  return {
    name,
    prepare: (_, pod) => {
      if (pod.claims.length === 0) return undefined
      const claims = claimsOf(view, pod)
      if ('message' in claims) return refusedEverywhere(claims.message)
      const bound = claims.filter(isBound)
      const open = claims.filter((claim) => !isBound(claim))
      if (open.some((claim) => !bindsLate(view, claim))) return refusedEverywhere('pod has unbound immediate PersistentVolumeClaims')
      return { kind: 'check', check: (node) => refusalOf([...wordsOnBound(view, bound, node), ...wordsOnOpen(view, open, node)]) }
    },
  }
}

const ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity"
const NOTHING_FREE = "node(s) didn't find available persistent volumes to bind"
const NO_SPACE = 'node(s) did not have enough free storage'
const NO_VOLUME = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

const refusalOf = (reasons: readonly string[]): Refusal | undefined =>
  reasons.length === 0 ? undefined : { plugin: 'VolumeBinding', reasons, final: true }

function wordsOnBound(view: StorageView, bound: readonly core.PersistentVolumeClaim[], node: NodeState): readonly string[] {
  for (const claim of bound) {
    const volume = view.volume(claim.spec?.volumeName ?? '')
    if (volume === undefined) return [NO_VOLUME]
    if (!fitsVolume(volume, node)) return [ELSEWHERE]
  }
  return []
}

function wordsOnOpen(view: StorageView, open: readonly core.PersistentVolumeClaim[], node: NodeState): readonly string[] {
  // A volume is being made, and not here.
  if (open.some((claim) => (selectedNodeOf(claim) ?? node.name) !== node.name)) return [NOTHING_FREE]
  for (const { claim, volume } of assignVolumes(view, open, node)) {
    const provisioning = volume === undefined ? canProvision(view, claim, node) : 'possible'
    if (provisioning !== 'possible') return [provisioning === 'no-space' ? NO_SPACE : NOTHING_FREE]
  }
  return []
}

function claimsOf(view: StorageView, pod: PodInfo): readonly core.PersistentVolumeClaim[] | { readonly message: string } {
  const claims: core.PersistentVolumeClaim[] = []
  const { namespace } = pod
  const made = madeFor(pod)
  for (const name of pod.claims) {
    const isMade = made.has(name)
    const claim = view.claim(namespace, name)
    if (claim === undefined)
      return { message: isMade ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : absent(name) }
    if (claim.status?.phase === 'Lost')
      return { message: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"` }
    if (claim.metadata?.deletionTimestamp !== undefined) return { message: `persistentvolumeclaim "${name}" is being deleted` }
    const owner = claim.metadata?.ownerReferences?.find(({ controller }) => controller === true)
    if (isMade && owner?.uid !== pod.uid)
      return { message: `PVC ${namespace}/${name} was not created for pod ${pod.key} (pod is not owner)` }
    claims.push(claim)
  }
  return claims
}

export const absent = (name: string): string => `persistentvolumeclaim "${name}" not found`

/** Claims that are made for the pod alone, from templates that it brings. */
const madeFor = ({ name, pod }: PodInfo): ReadonlySet<string> =>
  new Set((pod.spec?.volumes ?? []).flatMap((volume) => (volume.ephemeral === undefined ? [] : [`${name}-${volume.name}`])))

/** Claims that the pod names. */
export function namedClaims(pod: PodInfo): readonly string[] {
  if (pod.claims.length === 0) return pod.claims
  const made = madeFor(pod)
  return made.size === 0 ? pod.claims : pod.claims.filter((claim) => !made.has(claim))
}

/** Whether the claim waits for its first pod. One that is promised to a volume but not bound yet does not. */
export function bindsLate(view: StorageView, claim: core.PersistentVolumeClaim): boolean {
  return (claim.spec?.volumeName ?? '') === '' && view.storageClass(classOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** A claim that only one pod may use at a time. */
export function volumeRestrictions(view: StorageView): FilterPlugin {
  const name = 'VolumeRestrictions'
  return {
    name,
    prepare: (cluster, pod) => {
      const named = namedClaims(pod)
      const missing = named.find((claim) => view.claim(pod.namespace, claim) === undefined)
      if (missing !== undefined) return refusedEverywhere(absent(missing))
      const exclusive = named.filter((claim) => view.claim(pod.namespace, claim)?.spec?.accessModes?.includes('ReadWriteOncePod') === true)
      if (!exclusive.some((claim) => cluster.usersOfClaim(pod.namespace, claim) > 0)) return undefined
      const refused = refusal(
        name,
        'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
        false,
      )
      return { kind: 'check', check: () => refused }
    },
  }
}
