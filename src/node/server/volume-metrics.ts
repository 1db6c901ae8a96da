import type { MetricFamily } from '#base'
import type { VolumeStats } from './stats.ts'

/** What of a volume's state is a metric, with the kubelet's words; what a driver does not tell is left out. */
const FAMILIES: readonly { readonly name: string; readonly help: string; readonly of: (stats: VolumeStats) => number | undefined }[] = [
  { name: 'kubelet_volume_stats_capacity_bytes', help: 'Capacity in bytes of the volume', of: (stats) => stats.capacityBytes },
  { name: 'kubelet_volume_stats_available_bytes', help: 'Number of available bytes in the volume', of: (stats) => stats.availableBytes },
  { name: 'kubelet_volume_stats_used_bytes', help: 'Number of used bytes in the volume', of: (stats) => stats.usedBytes },
  { name: 'kubelet_volume_stats_inodes', help: 'Maximum number of inodes in the volume', of: (stats) => stats.inodes },
  { name: 'kubelet_volume_stats_inodes_free', help: 'Number of free inodes in the volume', of: (stats) => stats.inodesFree },
  { name: 'kubelet_volume_stats_inodes_used', help: 'Number of used inodes in the volume', of: (stats) => stats.inodesUsed },
  {
    name: 'kubelet_volume_stats_health_status_abnormal',
    help: 'Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy',
    of: ({ volumeHealthStats }) => Number(volumeHealthStats.abnormal),
  },
]

/** Of claims alone; one that several pods use is told of once. */
export function volumeMetrics(volumes: readonly VolumeStats[]): readonly MetricFamily[] {
  const byClaim = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly stats: VolumeStats }>()
  for (const stats of volumes) {
    if (stats.pvcRef === undefined) continue
    const { namespace, name } = stats.pvcRef
    const key = `${namespace}/${name}`
    if (!byClaim.has(key)) byClaim.set(key, { labels: { namespace, persistentvolumeclaim: name }, stats })
  }
  const claims = [...byClaim.values()]
  return FAMILIES.map(({ name, help, of }) => ({
    name,
    help,
    type: 'gauge' as const,
    samples: claims.flatMap(({ labels, stats }) => {
      const value = of(stats)
      return value === undefined ? [] : [{ labels, value }]
    }),
  })).filter(({ samples }) => samples.length > 0)
}
