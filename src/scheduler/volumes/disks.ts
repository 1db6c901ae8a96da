import type { core } from '#api'
import { type FilterPlugin, refusal } from '../framework/plugin.ts'

/** A disk that only one pod of a node may write to cannot be named by two of them. */
export const diskConflicts: FilterPlugin = {
  name: 'VolumeRestrictions',
  live: true,
  prepare: (_, { pod }) => {
    const disks = (pod.spec?.volumes ?? []).filter(isDisk)
    if (disks.length === 0) return undefined
    const refused = refusal('VolumeRestrictions', 'node(s) had no available disk', false)
    return {
      kind: 'check',
      check: (node) => {
        for (const other of node.pods.values())
          for (const there of other.pod.spec?.volumes ?? []) if (disks.some((disk) => conflicts(disk, there))) return refused
        return undefined
      },
    }
  },
}

const isDisk = ({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: core.Volume): boolean =>
  gcePersistentDisk !== undefined || awsElasticBlockStore !== undefined || iscsi !== undefined || rbd !== undefined

function conflicts(one: core.Volume, other: core.Volume): boolean {
  const [gce, otherGce] = [one.gcePersistentDisk, other.gcePersistentDisk]
  if (gce !== undefined && gce.pdName === otherGce?.pdName && !(gce.readOnly && otherGce.readOnly)) return true
  const aws = one.awsElasticBlockStore
  if (aws !== undefined && aws.volumeID === other.awsElasticBlockStore?.volumeID) return true
  const [iscsi, otherIscsi] = [one.iscsi, other.iscsi]
  if (iscsi !== undefined && iscsi.iqn === otherIscsi?.iqn && !(iscsi.readOnly && otherIscsi.readOnly)) return true
  const [rbd, otherRbd] = [one.rbd, other.rbd]
  if (rbd === undefined || otherRbd === undefined || (rbd.readOnly && otherRbd.readOnly)) return false
  const sharesMonitor = rbd.monitors.some((monitor) => otherRbd.monitors.includes(monitor))
  return sharesMonitor && (rbd.pool ?? 'rbd') === (otherRbd.pool ?? 'rbd') && rbd.image === otherRbd.image
}
