import { createHash } from 'node:crypto'
import type { core } from '#api'
import { uidOf } from '../../pods/pod-facts.ts'
import type { AccessMode, DriverFeatures } from './node-driver.ts'

interface SecretName {
  readonly namespace: string
  readonly name: string
}

/** A pod's use of a volume that a driver sees to. */
export interface VolumeUse {
  readonly pod: core.Pod
  /** In the pod. */
  readonly volume: string
  /** By which it is known on the node: of the PersistentVolume, or of the pod's volume. */
  readonly name: string
  readonly driver: string
  readonly handle: string
  /** It lives as long as the pod. */
  readonly ephemeral: boolean
  readonly block: boolean
  readonly readOnly: boolean
  readonly fsType: string
  readonly attributes: Readonly<Record<string, string>>
  readonly mountFlags: readonly string[]
  readonly accessModes: readonly string[]
  readonly claim?: string
  readonly stageSecret?: SecretName
  readonly publishSecret?: SecretName
  readonly expandSecret?: SecretName
}

const secretName = (ref: core.SecretReference | undefined): SecretName | undefined =>
  ref?.name === undefined ? undefined : { namespace: ref.namespace ?? '', name: ref.name }

/** Undefined: the volume is of no driver. */
export function useOfClaim(pod: core.Pod, volume: core.Volume, bound: core.PersistentVolume): VolumeUse | undefined {
  const csi = bound.spec?.csi
  if (csi === undefined) return undefined
  const [stageSecret, publishSecret, expandSecret] = [csi.nodeStageSecretRef, csi.nodePublishSecretRef, csi.nodeExpandSecretRef].map(
    secretName,
  )
  return {
    pod,
    volume: volume.name,
    name: bound.metadata?.name ?? '',
    driver: csi.driver,
    handle: csi.volumeHandle,
    ephemeral: false,
    block: bound.spec?.volumeMode === 'Block',
    readOnly: csi.readOnly === true || volume.persistentVolumeClaim?.readOnly === true,
    fsType: csi.fsType ?? '',
    attributes: csi.volumeAttributes ?? {},
    mountFlags: bound.spec?.mountOptions ?? [],
    accessModes: bound.spec?.accessModes ?? [],
    claim: bound.spec?.claimRef?.name ?? '',
    ...(stageSecret && { stageSecret }),
    ...(publishSecret && { publishSecret }),
    ...(expandSecret && { expandSecret }),
  }
}

export function useOfInline(pod: core.Pod, { name, csi }: core.Volume): VolumeUse | undefined {
  if (csi === undefined) return undefined
  const secret = csi.nodePublishSecretRef?.name
  return {
    pod,
    volume: name,
    name,
    driver: csi.driver,
    handle: `csi-${createHash('sha256')
      .update(`${uidOf(pod)}${name}`)
      .digest('hex')}`,
    ephemeral: true,
    block: false,
    readOnly: csi.readOnly === true,
    fsType: csi.fsType ?? '',
    attributes: csi.volumeAttributes ?? {},
    mountFlags: [],
    accessModes: ['ReadWriteOnce'],
    ...(secret === undefined || secret === '' ? {} : { publishSecret: { namespace: pod.metadata?.namespace ?? '', name: secret } }),
  }
}

/** As the attach-detach controller names it, and nodes report it in use. */
export const uniqueName = ({ driver, handle }: Pick<VolumeUse, 'driver' | 'handle'>): string => `kubernetes.io/csi/${driver}^${handle}`

export const attachmentName = ({ driver, handle }: Pick<VolumeUse, 'driver' | 'handle'>, node: string): string =>
  `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`

/** The first mode of the volume, in the words that the driver knows. */
export function accessModeOf({ accessModes }: VolumeUse, { knowsSingleWriters }: DriverFeatures): AccessMode {
  switch (accessModes[0]) {
    case 'ReadOnlyMany':
      return 'multi-node-reader-only'
    case 'ReadWriteMany':
      return 'multi-node-multi-writer'
    case 'ReadWriteOncePod':
      return knowsSingleWriters ? 'single-node-single-writer' : 'single-node-writer'
    default:
      return knowsSingleWriters ? 'single-node-multi-writer' : 'single-node-writer'
  }
}

/** Whether the node gives the volume's files to the pod's group, as the driver's object wants it. */
export function isGivenToGroup(use: VolumeUse, policy: string): boolean {
  if (use.readOnly || use.block || policy === 'None') return false
  if (policy === 'File') return true
  return use.fsType !== '' && (use.ephemeral || use.accessModes.includes('ReadWriteOnce') || use.accessModes.includes('ReadWriteOncePod'))
}
