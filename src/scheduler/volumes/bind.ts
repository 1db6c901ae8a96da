import { type Scope, SampanError } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { bindsLate } from './filters.ts'
import { SELECTED_NODE, type StorageView, assignVolumes, fitsVolume, isBound, selectedNodeOf } from './storage.ts'
import type { StorageChanges } from './storage-changes.ts'

/** The volumes of a pod are not there, or not where it was to go: it is tried again. */
export class VolumesNotBound extends SampanError {
  readonly code = 'VOLUMES_NOT_BOUND'

  constructor(why: string) {
    super(`running PreBind plugin "VolumeBinding": binding volumes: ${why}`)
  }
}

/**
 * Says, for the claims that waited for this pod, which volume is theirs or on which node one has to be made. The pod is bound once whoever
 * binds and provisions volumes has done so (`whenBound`). Answers whether there was something to wait for. Idempotent.
 */
export async function claimVolumes(scope: Scope, client: Client, view: StorageView, pod: PodInfo, node: NodeState): Promise<boolean> {
  const open = pod.claims
    .flatMap((name) => view.claim(pod.namespace, name) ?? [])
    .filter((claim) => !isBound(claim) && bindsLate(view, claim))
  for (const { claim, volume } of assignVolumes(view, open, node)) {
    const name = claim.metadata?.name ?? ''
    if (volume === undefined) {
      if (selectedNodeOf(claim) === node.name) continue
      const body = { metadata: { annotations: { [SELECTED_NODE]: node.name } } }
      await client.resource(refs.persistentvolumeclaims).patch(scope, { namespace: pod.namespace, name }, { type: 'merge', body })
      continue
    }
    if (volume.spec?.claimRef?.uid !== undefined && volume.spec.claimRef.uid !== '') continue
    const { uid, resourceVersion } = claim.metadata ?? {}
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: pod.namespace, name, uid, resourceVersion }
    const body = {
      metadata: {
        resourceVersion: volume.metadata?.resourceVersion,
        // Who has reserved it by hand keeps it.
        ...(volume.spec?.claimRef === undefined ? { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } } : {}),
      },
      spec: { claimRef },
    }
    await client.resource(refs.persistentvolumes).patch(scope, { name: volume.metadata?.name ?? '' }, { type: 'merge', body })
  }
  return open.length > 0
}

/**
 * Resolves once every claim of the pod has a volume that the node can use, or, with false, when nobody is there any more who waits (`isWanted`). Throws
 * `VolumesNotBound`, at the latest after `timeoutMs`.
 */
export async function whenBound(
  scope: Scope,
  { view, changes, timeoutMs }: { readonly view: StorageView; readonly changes: StorageChanges; readonly timeoutMs: number },
  pod: PodInfo,
  node: NodeState,
  isWanted: () => boolean,
): Promise<boolean> {
  const endMs = scope.clock.monotonic() + timeoutMs
  while (isWanted()) {
    if (pod.claims.every((name) => hasVolume(view, pod.namespace, name, node))) return true
    const leftMs = endMs - scope.clock.monotonic()
    if (leftMs <= 0) throw new VolumesNotBound('context deadline exceeded')
    await changes.next(scope, leftMs)
  }
  return false
}

function hasVolume(view: StorageView, namespace: string, name: string, node: NodeState): boolean {
  const claim = view.claim(namespace, name)
  if (claim === undefined) throw new VolumesNotBound(`error getting PVC "${namespace}/${name}" from informer`)
  if (!isBound(claim)) return false
  const volume = view.volume(claim.spec?.volumeName ?? '')
  // The volume's own event may come after its claim's.
  if (volume === undefined) return false
  if (!fitsVolume(volume, node))
    throw new VolumesNotBound(
      `pv "${volume.metadata?.name ?? ''}" node affinity doesn't match node "${node.name}": no matching NodeSelectorTerms`,
    )
  return true
}
