export { type BackOffLimits, WATCH_BACK_OFF, backOffMs } from './back-off.ts'
export {
  type Change,
  type ControllerContext,
  type ControllerDefinition,
  type EventRecorder,
  type Informer,
  type Informers,
  type Reconcile,
  type Result,
  type Selection,
  after,
  done,
} from './contract.ts'
export { type ControllerRuntime, type ControllerStats, type RunningController, runControllers } from './controller.ts'

export { type EventsOptions, createEvents } from './events/recorder.ts'

export { type InformersOptions, createInformers } from './informers.ts'
export { type LeaseOptions, runWithLease } from './lease.ts'
export { OwnWrites, untilSettled } from './own-writes.ts'
export {
  CONTROLLER_UID_INDEX,
  type Claim,
  adoptPatch,
  claim,
  controllerOf,
  controllerReference,
  indexOwners,
  isControlledBy,
  releasePatch,
} from './owners.ts'
export { podTemplateHash } from './pod-hash/pod-template-hash.ts'
export { type ReflectorSink, reflect } from './reflector.ts'
export { WorkQueue } from './queue.ts'
export { QueueMetrics } from './queue-metrics.ts'
export { inParallel, slowStart } from './slow-start.ts'
export { Unhurried } from './unhurried.ts'
export { compareVersions } from './versions.ts'
export { resolveIntOrPercent } from './workloads/int-or-percent.ts'
export { evictPod } from './workloads/evict-pod.ts'
export { selectsNode } from './workloads/node-affinity.ts'
export { type PodControl, podFromTemplate, isNamespaceEnding, podControl } from './workloads/pod-control.ts'
export {
  disrupted,
  podCondition,
  isReady,
  isFinished,
  isTerminating,
  isActive,
  isAvailable,
  nextAvailableInMs,
  unlessZero,
} from './workloads/pods.ts'
export {
  type RevisionPlan,
  type RevisionOwner,
  REVISION_HASH,
  hashOfRevision,
  planRevision,
  planHistory,
  RevisionCollision,
  writeRevision,
  deleteRevision,
} from './workloads/revisions.ts'
export { type Labels, matcherOf } from './workloads/selector.ts'
export { PODS_BY_CLAIM, PODS_BY_NODE, claimsOfPod, indexByClaim, indexByNode } from './workloads/pod-indexes.ts'
export { canonicalJson, sameOnWire, hashOf } from './workloads/template-hash.ts'
export { tolerates } from './workloads/tolerations.ts'
export { clusterAddresses } from './services/cluster-addresses.ts'
export {
  HEADLESS_LABEL,
  TRIGGER_TIME,
  hasEndpoints,
  isHeadless,
  addressesOf,
  hostnameIn,
  targetPortOf,
} from './services/pod-endpoints.ts'
export { repackSubsets } from './services/repack-subsets.ts'
export { servicesOfPod, podsOfService } from './services/services-of-pod.ts'
export { TriggerTimes } from './services/trigger-times.ts'
