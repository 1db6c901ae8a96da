import type { Cluster } from '../cluster/cluster.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Hint } from '../queue/queue.ts'

/**
 * Which changes can end which plugin's refusal. A filter is asked again only when something it looks at has changed; scheduling again for
 * nothing costs a decision, missing a change would leave a pod waiting for five minutes. Whoever looks at new nodes looks again when taints
 * change, as in Kubernetes: a pod then says what is in its way now.
 */
export function hintsOf(cluster: Cluster): Hint {
  return (plugin, change) => {
    const isNewNode = change.kind === 'node' && (change.added || change.taints)
    const isNewPlace = change.kind === 'node' && (isNewNode || change.labels)
    switch (plugin) {
      case 'NodeUnschedulable':
      case 'TaintToleration':
        return isNewNode
      case 'NodeAffinity':
        return isNewPlace
      case 'NodeDeclaredFeatures':
        return change.kind === 'node' && (change.added || change.features)
      case 'NodeResourcesFit':
        if (change.kind === 'pod-left') return (pod) => hasRoom(cluster, pod, change.node)
        if (change.kind !== 'node' || change.taints) return isNewNode
        return (change.added || change.resources) && ((pod) => hasRoom(cluster, pod, change.name))
      case 'NodePorts':
        return isNewNode || (change.kind === 'pod-left' && change.pod.ports.length > 0)
      case 'PodTopologySpread':
        if (change.kind === 'node') return isNewPlace || change.removed
        return (change.kind === 'pod-came' || change.kind === 'pod-left') && ((pod) => isSpreadOver(cluster, pod, change.pod))
      case 'InterPodAffinity':
        if (change.kind === 'node') return isNewPlace
        if (change.kind === 'pod-came') return (pod) => pod.affinity.some(({ pods }) => pods.matches(change.pod, cluster.namespaceLabels))
        return change.kind === 'pod-left' && ((pod) => repels(cluster, pod, change.pod) || repels(cluster, change.pod, pod))
      case 'VolumeBinding':
      case 'VolumeZone':
        return isNewPlace || change.kind === 'storage'
      case 'NodeVolumeLimits':
        return isNewNode || change.kind === 'storage' || (change.kind === 'pod-left' && change.pod.claims.length > 0)
      case 'VolumeRestrictions':
        return isNewNode || change.kind === 'storage' || (change.kind === 'pod-left' && (change.pod.pod.spec?.volumes ?? []).length > 0)
      case 'DynamicResources':
        return isNewPlace || change.kind === 'devices' || (change.kind === 'node' && change.resources)
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
