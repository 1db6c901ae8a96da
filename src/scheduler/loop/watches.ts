import { type KubeObject, type ResourceRef, type apps, type core, deepEqual, type policy, refs, type storage } from '#api'
import type { Change, Informer, Informers } from '#reconcile'
import type { ClusterChange } from '../queue/queue.ts'
import type { StorageView } from '../volumes/storage.ts'

/** Whether the server has a resource: what it has not is taken for empty. */
export type IsServed = (ref: ResourceRef) => boolean

/** The views that the scheduler decides from. */
export interface Sources {
  readonly pods: Informer<core.Pod>
  readonly nodes: Informer<core.Node>
  readonly namespaces: Informer<core.Namespace>
  readonly services: Informer<core.Service>
  readonly replicasets: Informer<apps.ReplicaSet> | undefined
  readonly statefulsets: Informer<apps.StatefulSet> | undefined
  readonly replicationcontrollers: Informer<core.ReplicationController> | undefined
  readonly budgets: Informer<policy.PodDisruptionBudget> | undefined
  readonly view: StorageView
}

const BY_CLASS = 'storage-class'
const BY_NODE = 'node'

export function watchSources(informers: Informers, isServed: IsServed, onStorage: () => void): Sources {
  const optional = <T extends KubeObject>(ref: ResourceRef<T>): Informer<T> | undefined =>
    isServed(ref) ? informers.informer(ref) : undefined
  const claims = optional(refs.persistentvolumeclaims)
  const volumes = optional(refs.persistentvolumes)
  const classes = optional(refs.storageclasses)
  const drivers = optional(refs.csidrivers)
  const capacities = optional(refs.csistoragecapacities)
  volumes?.addIndex(BY_CLASS, (volume: core.PersistentVolume) => [volume.spec?.storageClassName ?? ''])
  capacities?.addIndex(BY_CLASS, (capacity: storage.CSIStorageCapacity) => [capacity.storageClassName])
  const csiNodes = optional(refs.csinodes)
  const attachments = optional(refs.volumeattachments)
  attachments?.addIndex(BY_NODE, ({ spec }) => [spec.nodeName])
  for (const informer of [claims, volumes, classes, drivers, capacities, csiNodes, attachments]) informer?.onChange(onStorage)
  return {
    pods: informers.informer(refs.pods),
    nodes: informers.informer(refs.nodes),
    namespaces: informers.informer(refs.namespaces),
    services: informers.informer(refs.services),
    replicasets: optional(refs.replicasets),
    statefulsets: optional(refs.statefulsets),
    replicationcontrollers: optional(refs.replicationcontrollers),
    budgets: optional(refs.poddisruptionbudgets),
    view: {
      claim: (namespace, name) => claims?.get(`${namespace}/${name}`),
      volume: (name) => volumes?.get(name),
      volumesOfClass: (name) => volumes?.byIndex(BY_CLASS, name) ?? [],
      storageClass: (name) => classes?.get(name),
      tracksCapacity: (driver) => drivers?.get(driver)?.spec?.storageCapacity === true,
      capacitiesOf: (name) => capacities?.byIndex(BY_CLASS, name) ?? [],
      driversOf: (node) => csiNodes?.get(node)?.spec.drivers ?? [],
      mustBeInstalled: (driver) => drivers?.get(driver)?.spec?.preventPodSchedulingIfMissing === true,
      attachmentsOn: (node) => attachments?.byIndex(BY_NODE, node) ?? [],
    },
  }
}

/** What about a node has changed that refusals can depend on; undefined for a heartbeat. */
export function nodeChange({ key, old, now }: Change<core.Node>): ClusterChange | undefined {
  if (now === undefined) return old === undefined ? undefined : { ...NOTHING, kind: 'node', name: key, removed: true }
  const added = old === undefined
  const labels = !deepEqual(old?.metadata?.labels, now.metadata?.labels)
  const taints = !deepEqual(old?.spec?.taints, now.spec?.taints) || old?.spec?.unschedulable !== now.spec?.unschedulable
  const resources = !deepEqual(old?.status?.allocatable, now.status?.allocatable)
  const features = !deepEqual(old?.status?.declaredFeatures, now.status?.declaredFeatures)
  if (!added && !labels && !taints && !resources && !features) return undefined
  return { kind: 'node', name: key, added, removed: false, labels, taints, resources, features }
}

const NOTHING = { added: false, labels: false, taints: false, resources: false, features: false }
