import { createHash } from 'node:crypto'
import { type QosClass, type core, qosClass } from '#api'

/** A container of any kind; ephemeral ones have the same fields. */
export type AnyContainer = core.Container

export const LABELS = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  container: 'io.kubernetes.container.name',
} as const
export const ANNOTATIONS = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  terminationMessageFile: 'sampan.dev/termination-message-file',
  podGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  preStop: 'io.kubernetes.container.preStopHandler',
} as const

export const uidOf = (pod: core.Pod): string => pod.metadata?.uid ?? ''
export const nameOf = (pod: core.Pod): string => pod.metadata?.name ?? ''
export const namespaceOf = (pod: core.Pod): string => pod.metadata?.namespace ?? ''
export const specOf = (pod: core.Pod): core.PodSpec => pod.spec ?? { containers: [] }
/** `name_namespace(uid)`, as kubelet writes a pod into messages. */
export const fullNameOf = (pod: core.Pod): string => `${nameOf(pod)}_${namespaceOf(pod)}(${uidOf(pod)})`

export const initContainersOf = (pod: core.Pod): readonly AnyContainer[] => pod.spec?.initContainers ?? []
export const mainContainersOf = (pod: core.Pod): readonly AnyContainer[] => pod.spec?.containers ?? []
export const ephemeralContainersOf = (pod: core.Pod): readonly core.EphemeralContainer[] => pod.spec?.ephemeralContainers ?? []
export const allContainersOf = (pod: core.Pod): readonly AnyContainer[] => [
  ...initContainersOf(pod),
  ...mainContainersOf(pod),
  ...(ephemeralContainersOf(pod) as readonly AnyContainer[]),
]
export const findContainer = (pod: core.Pod, name: string): AnyContainer | undefined =>
  allContainersOf(pod).find((container) => container.name === name)
/** What the API was told of a container. */
export function toldStatusOf(pod: core.Pod, name: string): core.ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {}
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find((status) => status.name === name)
}
/** An init container that goes on running beside the others. */
export const isSidecar = (pod: core.Pod, container: AnyContainer): boolean =>
  container.restartPolicy === 'Always' && initContainersOf(pod).includes(container)

/** Changes when the running container no longer is what the pod says: name and image are all that may change under it. */
export const containerHash = (container: AnyContainer): string =>
  createHash('sha256')
    .update(JSON.stringify([container.name, container.image]))
    .digest('hex')
    .slice(0, 8)

export const CONFIG_SOURCE = 'kubernetes.io/config.source'
export const CONFIG_HASH = 'kubernetes.io/config.hash'
export const CONFIG_SEEN = 'kubernetes.io/config.seen'
export const CONFIG_MIRROR = 'kubernetes.io/config.mirror'

const CRITICAL_PRIORITY = 2_000_000_000

/** Never evicted, and let in whatever the node runs short of. */
export const isCritical = (pod: core.Pod): boolean => isStatic(pod) || (pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY
/** It comes from a file of the node, not from the API. */
export const isStatic = (pod: core.Pod): boolean => (pod.metadata?.annotations?.[CONFIG_SOURCE] ?? 'api') !== 'api'

/** It stands in the API for a static pod, and is never run itself. */
export const isMirror = (pod: core.Pod | undefined): boolean => pod?.metadata?.annotations?.[CONFIG_MIRROR] !== undefined

export const graceOf = (pod: core.Pod): number => Math.max(pod.spec?.terminationGracePeriodSeconds ?? 30, 0)

export function qosClassOf(pod: core.Pod): QosClass {
  const known = pod.status?.qosClass
  return known === 'Guaranteed' || known === 'Burstable' || known === 'BestEffort' ? known : qosClass(specOf(pod))
}
