import type { Cluster } from '../cluster/cluster.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Hint } from '../queue/queue.ts'

/**
 * Which changes can end which plugin's refusal. A filter is asked again only when something it looks at has changed; scheduling again for
 * nothing costs a decision, missing a change would leave a pod waiting for five minutes.
 */
export function hintsOf(cluster: Cluster): Hint {
  return (plugin, pod, change) => {
    switch (plugin) {
      case 'NodeUnschedulable':
      case 'TaintToleration':
        return change.kind === 'node' && (change.added || change.taints)
      case 'NodeAffinity':
        return change.kind === 'node' && (change.added || change.labels)
      case 'NodeResourcesFit':
        if (change.kind === 'pod-left') return hasRoom(cluster, pod, change.node)
        return change.kind === 'node' && (change.added || change.resources) && hasRoom(cluster, pod, change.name)
      case 'NodePorts':
        return (change.kind === 'pod-left' && change.pod.ports.length > 0) || (change.kind === 'node' && change.added)
      case 'PodTopologySpread':
        if (change.kind === 'node') return change.added || change.labels || change.taints
        return change.kind !== 'storage' && change.kind !== 'devices' && isSpreadOver(cluster, pod, change.pod)
      case 'InterPodAffinity':
        if (change.kind === 'node') return change.added || change.labels
        if (change.kind === 'pod-came') return pod.affinity.some(({ pods }) => pods.matches(change.pod, cluster.namespaceLabels))
        return change.kind === 'pod-left' && (repels(cluster, pod, change.pod) || repels(cluster, change.pod, pod))
      case 'VolumeBinding':
      case 'VolumeZone':
        return change.kind === 'storage' || (change.kind === 'node' && (change.added || change.labels))
      case 'NodeVolumeLimits':
        return change.kind === 'storage' || (change.kind === 'pod-left' && change.pod.claims.length > 0)
      case 'VolumeRestrictions':
        return change.kind === 'storage' || (change.kind === 'pod-left' && (change.pod.pod.spec?.volumes ?? []).length > 0)
      case 'DynamicResources':
        return change.kind === 'devices' || (change.kind === 'node' && (change.added || change.labels || change.resources))
      default:
        return true
    }
  }
}

/** What the pod asks for is free on the node. A node that is not known may have it; of devices and the like the configuration may ask nothing. */
function hasRoom(cluster: Cluster, pod: PodInfo, nodeName: string): boolean {
  const node = cluster.node(nodeName)
  if (node === undefined) return true
  for (const [resource, amount] of pod.requests)
    if (!resource.includes('/') && amount > cluster.allocatable(resource).get(node.slot) - cluster.requested(resource).get(node.slot))
      return false
  return true
}

/** A pod without constraints of its own is spread as the configuration has it: over whom is not known here. */
function isSpreadOver(cluster: Cluster, pod: PodInfo, other: PodInfo): boolean {
  if (pod.namespace !== other.namespace) return false
  return pod.spread.length === 0 || pod.spread.some(({ pods }) => pods.matches(other, cluster.namespaceLabels))
}

const repels = (cluster: Cluster, { antiAffinity }: PodInfo, other: PodInfo): boolean =>
  antiAffinity.some(({ pods }) => pods.matches(other, cluster.namespaceLabels))
