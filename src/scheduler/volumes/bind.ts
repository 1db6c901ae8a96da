import type { Scope } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { bindsLate } from './filters.ts'
import { SELECTED_NODE, type StorageView, isBound, matchingVolume } from './storage.ts'

/**
 * Says, for the claims that waited for this pod, which volume is theirs or on which node one has to be made. The pod is bound once whoever
 * binds and provisions volumes has done so. Answers whether there was something to wait for. Idempotent.
 */
export async function claimVolumes(scope: Scope, client: Client, view: StorageView, pod: PodInfo, node: NodeState): Promise<boolean> {
  const taken = new Set<string>()
  let waiting = false
  for (const name of pod.claims) {
    const claim = view.claim(pod.namespace, name)
    if (claim === undefined || isBound(claim) || !bindsLate(view, claim)) continue
    waiting = true
    const volume = matchingVolume(view, claim, node, taken)
    if (volume === undefined) {
      if (claim.metadata?.annotations?.[SELECTED_NODE] === node.name) continue
      const body = { metadata: { annotations: { [SELECTED_NODE]: node.name } } }
      await client.resource(refs.persistentvolumeclaims).patch(scope, { namespace: pod.namespace, name }, { type: 'merge', body })
      continue
    }
    taken.add(volume.metadata?.name ?? '')
    if (volume.spec?.claimRef !== undefined) continue
    const { uid, resourceVersion } = claim.metadata ?? {}
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: pod.namespace, name, uid, resourceVersion }
    const body = {
      metadata: { resourceVersion: volume.metadata?.resourceVersion, annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: { claimRef },
    }
    await client.resource(refs.persistentvolumes).patch(scope, { name: volume.metadata?.name ?? '' }, { type: 'merge', body })
  }
  return waiting
}
