import { type core, formatQuantity, quantityValue, type storage } from '#api'
import { LOCAL_DRIVER, type NodeVolume, type VolumeWish } from './node-storage.ts'

export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
export const PROVISIONER = 'volume.kubernetes.io/storage-provisioner'
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
/** Holds a volume until what it names on its node is gone: the name that provisioners of CSI drivers use. */
export const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer'
/** In the volume's attributes: where it lies. */
export const NODE_ATTRIBUTE = 'node'
const HOSTNAME = 'kubernetes.io/hostname'
const FILESYSTEM = 'csi.storage.k8s.io/fstype'
const KNOWN_PARAMETERS: readonly string[] = ['type', FILESYSTEM]
const MODES: readonly string[] = ['ReadWriteOnce', 'ReadWriteOncePod']

/** By which the volume is known everywhere: on the node too. */
export const volumeNameOf = ({ metadata }: core.PersistentVolumeClaim): string => `pvc-${metadata?.uid ?? ''}`

export const isOurs = ({ spec, metadata }: core.PersistentVolume): boolean =>
  spec?.csi?.driver === LOCAL_DRIVER && metadata?.annotations?.[PROVISIONED_BY] === LOCAL_DRIVER
export const nodeOfVolume = ({ spec }: core.PersistentVolume): string => spec?.csi?.volumeAttributes?.[NODE_ATTRIBUTE] ?? ''
export const handleOf = ({ spec }: core.PersistentVolume): string => spec?.csi?.volumeHandle ?? ''

/** Whether the claim waits for a volume of the nodes' own. */
export function isWanted(claim: core.PersistentVolumeClaim): boolean {
  const { metadata, spec } = claim
  if (metadata?.deletionTimestamp !== undefined || (spec?.volumeName ?? '') !== '') return false
  return metadata?.annotations?.[PROVISIONER] === LOCAL_DRIVER
}

/** What the node is asked for, or why the claim can have no volume of this class. `source`: what it is to be a copy of, where it is to be one. */
export function wishOf(
  claim: core.PersistentVolumeClaim,
  { parameters = {} }: storage.StorageClass,
  source: VolumeWish['source'],
): VolumeWish | { readonly problem: string } {
  const unknown = Object.keys(parameters).filter((name) => !KNOWN_PARAMETERS.includes(name))
  if (unknown.length > 0) return { problem: `the class has parameters that are not known: ${unknown.join(', ')}` }
  const kind = parameters['type'] ?? 'image'
  if (kind !== 'image' && kind !== 'directory') return { problem: `the class's parameter type is ${kind}: it can be image or directory` }
  const mode = (claim.spec?.accessModes ?? []).find((one) => !MODES.includes(one))
  if (mode !== undefined) return { problem: `a volume on one node's disk cannot be ${mode}` }
  const block = claim.spec?.volumeMode === 'Block'
  if (block && kind === 'directory') return { problem: 'a directory cannot be a block device' }
  const fsType = parameters[FILESYSTEM]
  const { namespace = '', name = '', uid = '' } = claim.metadata ?? {}
  return {
    sizeBytes: quantityValue(claim.spec?.resources?.requests?.['storage'] ?? '0'),
    kind,
    block,
    ...(fsType === undefined || kind === 'directory' || block ? {} : { fsType }),
    ...(source === undefined ? {} : { source }),
    owner: { namespace, name, uid },
  }
}

export const quantityOf = (bytes: number): string => formatQuantity({ mantissa: BigInt(bytes), scale: 0, format: 'BinarySI' })

/** The PersistentVolume for what the node has made. */
export function volumeFor(
  claim: core.PersistentVolumeClaim,
  storageClass: storage.StorageClass,
  node: core.Node,
  made: NodeVolume,
): core.PersistentVolume {
  const { namespace, name, uid, resourceVersion } = claim.metadata ?? {}
  const nodeName = node.metadata?.name ?? ''
  const hostname = node.metadata?.labels?.[HOSTNAME] ?? nodeName
  return {
    metadata: { name: made.id, annotations: { [PROVISIONED_BY]: LOCAL_DRIVER }, finalizers: [FINALIZER] },
    spec: {
      capacity: { storage: made.kind === 'directory' ? (claim.spec?.resources?.requests?.['storage'] ?? '0') : quantityOf(made.sizeBytes) },
      accessModes: [...(claim.spec?.accessModes ?? [])],
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata?.name ?? '',
      volumeMode: claim.spec?.volumeMode ?? 'Filesystem',
      ...(storageClass.mountOptions === undefined ? {} : { mountOptions: [...storageClass.mountOptions] }),
      csi: {
        driver: LOCAL_DRIVER,
        volumeHandle: made.id,
        ...(made.fsType === undefined ? {} : { fsType: made.fsType }),
        volumeAttributes: { [NODE_ATTRIBUTE]: nodeName, type: made.kind },
      },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator: 'In', values: [hostname] }] }] },
      },
    },
  }
}

export type DeletionPlan = 'nothing' | 'delete-data' | 'let-go'

/** What becomes of the data of a volume. `let-go`: the volume is being deleted, and its data stays or is gone with its node. */
export function planDeletion(volume: core.PersistentVolume, node: core.Node | undefined): DeletionPlan {
  const { metadata, spec, status } = volume
  const isLeaving = metadata?.deletionTimestamp !== undefined
  if (status?.phase === 'Bound') return 'nothing'
  if (spec?.persistentVolumeReclaimPolicy !== 'Delete') return isLeaving ? 'let-go' : 'nothing'
  if (!isLeaving && status?.phase !== 'Released' && status?.phase !== 'Failed') return 'nothing'
  return node === undefined && isLeaving ? 'let-go' : 'delete-data'
}
