import { createHash } from 'node:crypto'
import { type core, isNodeReady, isOutOfService, type storage } from '#api'

/** A volume of a CSI driver that pods of a node use, or that is attached to it. */
export interface Attachable {
  readonly volume: string
  readonly driver: string
  /** Of the VolumeAttachment: the same for everybody who makes one for this volume and node. */
  readonly attachment: string
  /** As the node reports it in use, and is told that it is attached. */
  readonly uniqueName: string
}

/** Undefined for volumes that are not attached: no CSI, or a driver that needs none. */
export function attachableOf(volume: core.PersistentVolume, driver: storage.CSIDriver | undefined, node: string): Attachable | undefined {
  const csi = volume.spec?.csi
  if (csi === undefined || driver?.spec?.attachRequired === false) return undefined
  const { driver: name, volumeHandle } = csi
  return {
    volume: volume.metadata?.name ?? '',
    driver: name,
    attachment: `csi-${createHash('sha256').update(`${volumeHandle}${name}${node}`).digest('hex')}`,
    uniqueName: `kubernetes.io/csi/${name}^${volumeHandle}`,
  }
}

/** Whether two nodes may have it at once. */
export function isShareable({ spec }: core.PersistentVolume): boolean {
  const modes = spec?.accessModes ?? []
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

export interface NodeView {
  readonly node: core.Node | undefined
  /** What its pods use. */
  readonly wanted: readonly Attachable[]
  /** What is attached to it, or is being attached. */
  readonly present: readonly { readonly attachable: Attachable; readonly attachment: storage.VolumeAttachment }[]
  /** How long the volume has not been wanted, by attachment. */
  readonly unwantedMs: ReadonlyMap<string, number>
}

export interface AttachmentPlan {
  readonly attach: readonly Attachable[]
  /** To be taken from the node's list before, so that it mounts them no more. */
  readonly detach: readonly Attachable[]
  /** What the node is to be told that it has; undefined when it knows. */
  readonly attached: readonly core.AttachedVolume[] | undefined
  /** When a node that does not answer loses what it still uses. */
  readonly againMs: number | undefined
}

const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach'
/** How long a volume is left to a silent node that says it uses it. */
export const UNMOUNT_WITHIN_MS = 6 * 60_000

export function planAttachments({ node, wanted, present, unwantedMs }: NodeView): AttachmentPlan {
  const isManaged = node?.metadata?.annotations?.[MANAGED] === 'true'
  const isWanted = new Set(wanted.map(({ attachment }) => attachment))
  const isPresent = new Set(present.map(({ attachable }) => attachable.attachment))
  const inUse = new Set(node?.status?.volumesInUse ?? [])
  const isOut = node !== undefined && isOutOfService(node)
  const isReady = node !== undefined && isNodeReady(node)
  const detach: Attachable[] = []
  let againMs: number | undefined
  for (const { attachable, attachment } of present) {
    if (isWanted.has(attachable.attachment) || attachment.metadata?.deletionTimestamp !== undefined) continue
    const leftMs = UNMOUNT_WITHIN_MS - (unwantedMs.get(attachable.attachment) ?? 0)
    const isUsed = node === undefined || inUse.has(attachable.uniqueName)
    if (!isUsed || isOut || (!isReady && leftMs <= 0)) detach.push(attachable)
    else if (!isReady) againMs = Math.min(againMs ?? leftMs, leftMs)
  }
  const leaving = new Set(detach.map(({ attachment }) => attachment))
  const has = present.filter(
    ({ attachable, attachment }) =>
      attachment.status?.attached === true && attachment.metadata?.deletionTimestamp === undefined && !leaving.has(attachable.attachment),
  )
  const attached = has.map(({ attachable }) => ({ name: attachable.uniqueName, devicePath: '' })).sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    attach: isManaged ? wanted.filter(({ attachment }) => !isPresent.has(attachment)) : [],
    detach,
    attached: node === undefined || !isManaged || sameNames(node.status?.volumesAttached ?? [], attached) ? undefined : attached,
    againMs,
  }
}

function sameNames(one: readonly core.AttachedVolume[], other: readonly core.AttachedVolume[]): boolean {
  const names = new Set(one.map(({ name }) => name))
  return names.size === other.length && other.every(({ name }) => names.has(name))
}
