import type { KubeObject, apps, batch, core } from '#api'
import type { PartState, PodCounts } from '../objects.ts'

/** How one part is, out of what the server says of it. */
export interface SeenPart {
  readonly state: PartState
  readonly message?: string
  readonly pods?: PodCounts
}

export function seenPart(live: KubeObject): SeenPart {
  switch (live.kind) {
    case 'Deployment':
      return deploymentState(live as apps.Deployment)
    case 'StatefulSet':
      return statefulSetState(live as apps.StatefulSet)
    case 'DaemonSet':
      return daemonSetState(live as apps.DaemonSet)
    case 'Job':
      return jobState(live as batch.Job)
    case 'PersistentVolumeClaim':
      return claimState(live as core.PersistentVolumeClaim)
    default:
      return { state: 'Ready' }
  }
}

interface Conditioned {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string | undefined }[] | undefined
}
const holding = (status: Conditioned | undefined, type: string, value: string): { readonly message: string } | undefined => {
  const found = status?.conditions?.find((condition) => condition.type === type && condition.status === value)
  return found && { message: found.message ?? type }
}

function settled(pods: PodCounts, isObserved: boolean, extra: number): SeenPart {
  const isDone = isObserved && pods.updated >= pods.wanted && pods.available >= pods.wanted && extra === 0
  return isDone ? { state: 'Ready', pods } : { state: 'Progressing', message: `${pods.ready} of ${pods.wanted} pods are ready`, pods }
}

const isObserved = ({ metadata }: KubeObject, observed: number | undefined): boolean => (observed ?? 0) >= (metadata?.generation ?? 1)

/** What Deployments and StatefulSets count alike. */
const countedBy = (wanted: number, status: apps.DeploymentStatus | apps.StatefulSetStatus | undefined): PodCounts => ({
  wanted,
  updated: status?.updatedReplicas ?? 0,
  ready: status?.readyReplicas ?? 0,
  available: status?.availableReplicas ?? 0,
})

function deploymentState(live: apps.Deployment): SeenPart {
  const { spec, status } = live
  const wanted = spec?.replicas ?? 1
  const pods = countedBy(wanted, status)
  const observed = isObserved(live, status?.observedGeneration)
  const failure = observed ? (holding(status, 'Progressing', 'False') ?? holding(status, 'ReplicaFailure', 'True')) : undefined
  const seen = settled(pods, observed, Math.max(0, (status?.replicas ?? 0) - wanted))
  return failure === undefined || seen.state === 'Ready' ? seen : { state: 'Failed', message: failure.message, pods }
}

function statefulSetState(live: apps.StatefulSet): SeenPart {
  const { spec, status } = live
  const wanted = spec?.replicas ?? 1
  const pods = countedBy(wanted, status)
  return settled(pods, isObserved(live, status?.observedGeneration), Math.max(0, (status?.replicas ?? 0) - wanted))
}

function daemonSetState(live: apps.DaemonSet): SeenPart {
  const { status } = live
  const wanted = status?.desiredNumberScheduled ?? 0
  const pods = {
    wanted,
    updated: status?.updatedNumberScheduled ?? 0,
    ready: status?.numberReady ?? 0,
    available: status?.numberAvailable ?? 0,
  }
  return settled(pods, isObserved(live, status?.observedGeneration), Math.max(0, (status?.currentNumberScheduled ?? 0) - wanted))
}

/** What a Job has to do is done once: its pods are none that an application has for good, and are not counted. */
function jobState({ spec, status }: batch.Job): SeenPart {
  const failed = holding(status, 'Failed', 'True')
  if (failed !== undefined) return { state: 'Failed', message: failed.message }
  if (holding(status, 'Complete', 'True') !== undefined) return { state: 'Ready' }
  if (spec?.suspend === true) return { state: 'Ready', message: 'suspended' }
  return { state: 'Progressing', message: `${status?.succeeded ?? 0} of ${spec?.completions ?? 1} are through` }
}

function claimState({ status }: core.PersistentVolumeClaim): SeenPart {
  if (status?.phase === 'Lost') return { state: 'Failed', message: 'its volume is lost' }
  return status?.phase === 'Bound' ? { state: 'Ready' } : { state: 'Ready', message: 'gets its volume with the first pod' }
}
