import { join } from 'node:path'
import type { Scope } from '#base'
import type { core } from '#api'
import type { ObjectSource } from '../objects.ts'
import { nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'

export type VolumeKind = 'empty-dir' | 'hostPath' | 'claim' | 'configmap' | 'secret' | 'downward-api' | 'projected' | 'image' | 'driver'

/** What a volume is; throws for kinds that this node does not mount, naming them. A volume without a source is an empty directory. */
export function kindOf(volume: core.Volume): VolumeKind {
  const source = Object.keys(volume).find((key) => key !== 'name' && volume[key as keyof core.Volume] !== undefined)
  switch (source) {
    case undefined:
    case 'emptyDir':
      return 'empty-dir'
    case 'hostPath':
      return 'hostPath'
    case 'persistentVolumeClaim':
    case 'ephemeral':
      return 'claim'
    case 'configMap':
      return 'configmap'
    case 'secret':
      return 'secret'
    case 'downwardAPI':
      return 'downward-api'
    case 'projected':
      return 'projected'
    case 'image':
      return 'image'
    case 'csi':
      return 'driver'
    default:
      throw new Error(`volume type ${source} is not supported by this node`)
  }
}

/** Where the node keeps what it makes itself for a volume. `root` is the pod's folder. */
export const volumeDir = (root: string, kind: VolumeKind, name: string): string => join(root, 'volumes', `kubernetes.io~${kind}`, name)

export interface ClaimedPath {
  readonly path: string
  readonly type: string
  readonly isBlock: boolean
  /** Whether fsGroup applies to it. */
  readonly groupOwned: boolean
}

/** The volume that a claim of the pod's is bound to. Throws while it is not bound. */
export async function claimedVolume(
  scope: Scope,
  objects: ObjectSource,
  pod: core.Pod,
  volume: core.Volume,
): Promise<core.PersistentVolume> {
  const name = volume.persistentVolumeClaim?.claimName ?? `${nameOf(pod)}-${volume.name}`
  const claim = await objects.claim(scope, pod, name)
  if (claim === undefined) throw new Error(`persistentvolumeclaim "${name}" not found`)
  if (claim.metadata?.deletionTimestamp !== undefined)
    throw new Error(`can't start pod because PVC ${namespaceOf(pod)}/${name} is being deleted`)
  if (
    volume.ephemeral !== undefined &&
    !(claim.metadata?.ownerReferences ?? []).some((owner) => owner.uid === uidOf(pod) && owner.controller === true)
  ) {
    throw new Error(`PVC ${namespaceOf(pod)}/${name} was not created for pod ${namespaceOf(pod)}/${nameOf(pod)} (pod is not owner)`)
  }
  const bound = claim.spec?.volumeName ?? ''
  if (bound === '' || claim.status?.phase !== 'Bound') throw new Error(`PVC ${namespaceOf(pod)}/${name} is not bound`)
  const found = await objects.volume(scope, bound)
  if (found === undefined) throw new Error(`failed to fetch PV ${bound} from API server: persistentvolumes "${bound}" not found`)
  if (found.spec?.claimRef?.uid !== claim.metadata?.uid) throw new Error(`PV ${bound} is bound to another claim`)
  return found
}

/** Where a volume without a driver is on this node. Throws for kinds of volumes that the node does not mount. */
export function pathOfVolume(found: core.PersistentVolume): ClaimedPath {
  const { hostPath, local } = found.spec ?? {}
  const isBlock = found.spec?.volumeMode === 'Block'
  if (hostPath !== undefined) return { path: hostPath.path, type: hostPath.type ?? '', isBlock, groupOwned: false }
  if (local !== undefined) return { path: local.path, type: isBlock ? 'BlockDevice' : 'Directory', isBlock, groupOwned: !isBlock }
  const kind = Object.keys(found.spec ?? {}).find(
    (key) =>
      ![
        'capacity',
        'accessModes',
        'claimRef',
        'persistentVolumeReclaimPolicy',
        'storageClassName',
        'mountOptions',
        'volumeMode',
        'nodeAffinity',
        'volumeAttributesClassName',
      ].includes(key),
  )
  throw new Error(
    `PV ${found.metadata?.name ?? ''} is of type ${kind ?? 'unknown'}, which this node does not mount (hostPath, local and csi are supported)`,
  )
}
