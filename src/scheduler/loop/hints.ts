import type { Hint } from '../queue/queue.ts'

/**
 * Which changes can end which plugin's refusal. A filter is asked again only when something it looks at has changed; scheduling again for
 * nothing costs a decision, missing a change would leave a pod waiting for five minutes.
 */
export const defaultHint: Hint = (plugin, pod, change) => {
  switch (plugin) {
    case 'NodeUnschedulable':
    case 'TaintToleration':
      return change.kind === 'node' && (change.added || change.taints)
    case 'NodeAffinity':
      return change.kind === 'node' && (change.added || change.labels)
    case 'NodeResourcesFit':
      return change.kind === 'pod-left' || (change.kind === 'node' && (change.added || change.resources))
    case 'NodePorts':
      return (change.kind === 'pod-left' && change.pod.ports.length > 0) || (change.kind === 'node' && change.added)
    case 'PodTopologySpread':
      return change.kind === 'node'
        ? change.added || change.labels || change.taints
        : change.kind !== 'storage' && change.pod.namespace === pod.namespace
    case 'InterPodAffinity':
      return change.kind === 'node' ? change.added || change.labels : change.kind !== 'storage'
    case 'VolumeBinding':
    case 'VolumeZone':
      return change.kind === 'storage' || (change.kind === 'node' && (change.added || change.labels))
    case 'NodeVolumeLimits':
      return change.kind === 'storage' || (change.kind === 'pod-left' && change.pod.claims.length > 0)
    case 'VolumeRestrictions':
      return change.kind === 'storage' || (change.kind === 'pod-left' && (change.pod.pod.spec?.volumes ?? []).length > 0)
    default:
      return true
  }
}
