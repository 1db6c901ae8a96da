import type { core } from '#api'
import { type FilterPlugin, type PreparedFilter, refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type StorageView, canProvision, classOf, fitsVolume, isBound, matchingVolume } from './storage.ts'

/** The real scheduler's words after a refusal that concerns no node in particular. */
const TAIL = 'not found'

const refusedFor = (message: string): PreparedFilter => ({ kind: 'refused', message, tail: TAIL })

/** Claims must exist; bound ones say where the pod can go, others must find or get a volume there. */
export function volumeBinding(view: StorageView): FilterPlugin {
  const name = 'VolumeBinding'
  return {
    name,
    prepare: (_, pod) => {
      if (pod.claims.length === 0) return undefined
      const claims = claimsOf(view, pod)
      if ('message' in claims) return refusedFor(claims.message)
      const bound = claims.filter(isBound)
      const open = claims.filter((claim) => !isBound(claim))
      if (open.some((claim) => !bindsLate(view, claim))) return refusedFor('pod has unbound immediate PersistentVolumeClaims')
      const gone = bound.find((claim) => view.volume(claim.spec?.volumeName ?? '') === undefined)
      if (gone !== undefined) return refusedFor(`persistentvolume "${gone.spec?.volumeName ?? ''}" not found`)
      const elsewhere = refusal(name, "node(s) didn't match PersistentVolume's node affinity", true)
      const nothingFree = refusal(name, "node(s) didn't find available persistent volumes to bind", true)
      const noSpace = refusal(name, 'node(s) did not have enough free storage', true)
      return {
        kind: 'check',
        check: (node) => {
          for (const claim of bound) {
            const volume = view.volume(claim.spec?.volumeName ?? '')
            if (volume !== undefined && !fitsVolume(volume, node)) return elsewhere
          }
          const taken = new Set<string>()
          for (const claim of open) {
            const volume = matchingVolume(view, claim, node, taken)
            if (volume !== undefined) {
              taken.add(volume.metadata?.name ?? '')
              continue
            }
            const provisioning = canProvision(view, claim, node)
            if (provisioning !== 'possible') return provisioning === 'no-space' ? noSpace : nothingFree
          }
          return undefined
        },
      }
    },
  }
}

function claimsOf(view: StorageView, pod: PodInfo): readonly core.PersistentVolumeClaim[] | { readonly message: string } {
  const claims: core.PersistentVolumeClaim[] = []
  for (const name of pod.claims) {
    const claim = view.claim(pod.namespace, name)
    if (claim === undefined) return { message: `persistentvolumeclaim "${name}" not found` }
    if (claim.metadata?.deletionTimestamp !== undefined) return { message: `persistentvolumeclaim "${name}" is being deleted` }
    if (claim.status?.phase === 'Lost')
      return { message: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"` }
    claims.push(claim)
  }
  return claims
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
      const exclusive = pod.claims.filter(
        (claim) => view.claim(pod.namespace, claim)?.spec?.accessModes?.includes('ReadWriteOncePod') === true,
      )
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
