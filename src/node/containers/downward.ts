import { type core, quantityMilli, quantityValue } from '#api'
import { type AnyContainer, findContainer, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { NodeSettings } from '../settings.ts'
import { withPodLimits } from './resources.ts'

const go = (value: string): string => JSON.stringify(value)
const lines = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${go(value)}`)
    .join('\n')

/** A field of the pod as text; undefined for paths that the downward API does not have. */
export function podField(
  pod: core.Pod,
  path: string,
  node: { readonly nodeIps: readonly string[]; readonly podIps: readonly string[] },
): string | undefined {
  const entry = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (entry !== null) return pod.metadata?.[entry[1] === 'labels' ? 'labels' : 'annotations']?.[entry[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return nameOf(pod)
    case 'metadata.namespace':
      return namespaceOf(pod)
    case 'metadata.uid':
      return uidOf(pod)
    case 'metadata.labels':
      return lines(pod.metadata?.labels)
    case 'metadata.annotations':
      return lines(pod.metadata?.annotations)
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? ''
    case 'status.hostIP':
      return node.nodeIps[0] ?? ''
    case 'status.hostIPs':
      return node.nodeIps.join(',')
    case 'status.podIP':
      return node.podIps[0] ?? ''
    case 'status.podIPs':
      return node.podIps.join(',')
    default:
      return undefined
  }
}

/** A request or limit, divided and rounded up. A limit that is not set is all the node has. Undefined for resources that cannot be asked for. */
export function resourceField(
  pod: core.Pod,
  selector: core.ResourceFieldSelector,
  self: AnyContainer | undefined,
  settings: NodeSettings,
): string | undefined {
  const container =
    selector.containerName === undefined || selector.containerName === '' ? self : findContainer(pod, selector.containerName)
  const [kind, resource = ''] = [
    selector.resource.slice(0, selector.resource.indexOf('.')),
    selector.resource.slice(selector.resource.indexOf('.') + 1),
  ]
  if (container === undefined || (kind !== 'limits' && kind !== 'requests')) return undefined
  const divisor = selector.divisor === undefined || selector.divisor.startsWith('0') ? '1' : selector.divisor
  const value = withPodLimits(container.resources, pod.spec?.resources)[kind]?.[resource]
  if (resource === 'cpu') {
    const milli = value === undefined ? (kind === 'limits' ? settings.allocatable.cpuMilli : 0) : quantityMilli(value)
    return String(Math.ceil(milli / quantityMilli(divisor)))
  }
  const whole =
    resource === 'memory'
      ? settings.allocatable.memoryBytes
      : resource === 'ephemeral-storage'
        ? settings.allocatable.ephemeralStorageBytes
        : 0
  const amount = value === undefined ? (kind === 'limits' ? whole : 0) : quantityValue(value)
  return String(Math.ceil(amount / quantityValue(divisor)))
}
