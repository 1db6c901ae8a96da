import { type Scope, rfc3339 } from '#base'
import { type core, deepEqual, refs } from '#api'
import type { Client } from '#client'
import type { PodInfo } from '../pod/pod-info.ts'

export interface PodConditionWords {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** The condition as it is written: its time is that of its last change of status. */
export function dated(scope: Scope, { pod }: PodInfo, condition: PodConditionWords): Record<string, unknown> {
  const known = pod.status?.conditions?.find(({ type }) => type === condition.type)
  const since = known?.status === condition.status ? known.lastTransitionTime : rfc3339(scope.clock.now())
  return { ...condition, observedGeneration: pod.metadata?.generation, lastProbeTime: null, lastTransitionTime: since }
}

export async function patchStatus(
  scope: Scope,
  client: Client,
  { namespace, name, uid }: PodInfo,
  status: Readonly<Record<string, unknown>>,
): Promise<void> {
  await client
    .resource(refs.pods)
    .patch(scope, { namespace, name }, { type: 'strategic', body: { metadata: { uid }, status } }, { subresource: 'status' })
}

/** Whether two states of a placed pod take the same from its node and look the same to others. */
export function sameForScheduling(old: core.Pod, now: core.Pod): boolean {
  const [before, after] = [old.metadata, now.metadata]
  if (before?.generation === undefined || before.generation !== after?.generation || before.uid !== after.uid) return false
  if (before.deletionTimestamp !== after.deletionTimestamp || !deepEqual(before.labels, after.labels)) return false
  return deepEqual(heldResources(old), heldResources(now))
}

/** What a resize that is under way adds to the spec. */
const heldResources = ({ status }: core.Pod): unknown => [
  status?.resources,
  status?.allocatedResources,
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].map(({ name, resources, allocatedResources }) => ({
    name,
    resources,
    allocatedResources,
  })),
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason,
]
