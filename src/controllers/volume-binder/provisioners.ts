import type { core, storage } from '#api'
import { MIGRATED_TO, PROVISIONED_BY, hasAnnotation } from './annotations.ts'

/** In-tree names whose volumes are the business of a CSI driver today. */
const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
}
const HOST_PATH = 'kubernetes.io/host-path'
const IN_TREE = 'kubernetes.io/'
/** In-tree names of kinds of volumes that somebody has to make. */
const NOT_MADE: ReadonlySet<string> = new Set(['kubernetes.io/csi', 'kubernetes.io/fc', 'kubernetes.io/iscsi', 'kubernetes.io/nfs'])
const NOT_DELETED = 'no deletable volume plugin matched'

export const migratedDriver = (name: string): string | undefined => MIGRATED[name]

/** Who makes volumes of a class: a name outside, or why nobody does. */
export function provisionerOf({ provisioner }: storage.StorageClass): { readonly external: string } | { readonly problem: string } {
  const migrated = migratedDriver(provisioner)
  if (migrated !== undefined) return { external: migrated }
  if (provisioner === HOST_PATH)
    return { problem: `Failed to create provisioner: provisioning in volume plugin ${JSON.stringify(HOST_PATH)} is disabled` }
  if (NOT_MADE.has(provisioner)) return { problem: 'no provisionable volume plugin matched' }
  return provisioner.startsWith(IN_TREE) ? { problem: `no volume plugin matched name: ${provisioner}` } : { external: provisioner }
}

/** Why a released volume that is to be deleted cannot be; undefined when somebody outside sees to it. */
export function deletionProblem(volume: core.PersistentVolume): string | undefined {
  const { metadata, spec } = volume
  const by = metadata?.annotations?.[PROVISIONED_BY] ?? ''
  if (by !== '' && by !== HOST_PATH)
    return NOT_MADE.has(by)
      ? NOT_DELETED
      : by.startsWith(IN_TREE) && migratedDriver(by) === undefined
        ? `no volume plugin matched name: ${by}`
        : undefined
  if (by === '' && (hasAnnotation(volume, MIGRATED_TO) || spec?.csi !== undefined)) return undefined
  if (by === HOST_PATH || spec?.hostPath !== undefined)
    return `host_path deleter only supports /tmp/.+ but received provided ${spec?.hostPath?.path ?? ''}`
  const isKnown = spec?.nfs !== undefined || spec?.fc !== undefined || spec?.iscsi !== undefined
  const why = isKnown ? NOT_DELETED : 'no volume plugin matched'
  return `error getting deleter volume plugin for volume ${JSON.stringify(metadata?.name ?? '')}: ${why}`
}
