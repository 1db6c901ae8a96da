import type * as core from '../types/core-v1.gen.ts'
import { deepClone, deepEqual } from '../meta/deep.ts'
import { OncePerPart, isShared } from '../meta/shared-parts.ts'
import { setAppArmorProfiles } from './app-armor.ts'
import { dropDisabledPodFields } from './disabled-fields.ts'
import { qosClass } from './qos.ts'
import { APPARMOR_CONTAINER } from './validate/annotations.ts'

/** Brings a new pod to its first state. Its time of creation is set already. */
export function prepareNewPod(pod: core.Pod): void {
  pod.status = { phase: 'Pending' }
  if (pod.spec === undefined) return
  const spec = isShared(pod.spec) ? (pod.spec = ownOf(pod.spec, pod.metadata?.annotations)) : pod.spec
  if (!isShared(spec)) {
    dropDisabledPodFields(spec)
    resolveLabelKeys(spec, pod.metadata?.labels ?? {})
    setAppArmorProfiles(pod)
  }
  pod.status.qosClass = quality.of(spec)
  if ((spec.schedulingGates ?? []).length > 0) pod.status.conditions = [gatedSince(pod.metadata?.creationTimestamp)]
}

const quality = new OncePerPart<core.PodSpec, string>(qosClass)

/** Whether a spec stays as it is in every pod without profiles in its annotations. */
const isSettled = new OncePerPart<core.PodSpec, boolean>((spec) => {
  // Their values are those of the pod.
  if (/"(mis)?matchLabelKeys":/.test(JSON.stringify([spec.affinity, spec.topologySpreadConstraints]))) return false
  const settled = deepClone(spec)
  dropDisabledPodFields(settled)
  return deepEqual(settled, spec)
})

/** A shared spec, or a copy that can be changed where it has to be. */
function ownOf(spec: core.PodSpec, annotations: Labels | undefined): core.PodSpec {
  for (const name in annotations) if (name.startsWith(APPARMOR_CONTAINER)) return deepClone(spec)
  return isSettled.of(spec) ? spec : deepClone(spec)
}

const gatedSince = (time: string | undefined): core.PodCondition => ({
  type: 'PodScheduled',
  status: 'False',
  lastProbeTime: null,
  lastTransitionTime: time ?? null,
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
})

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'
type Labels = Readonly<Record<string, string>>

/** Label keys of selectors stand for the pod's own values, which are known from now on. */
function resolveLabelKeys({ affinity, topologySpreadConstraints }: core.PodSpec, labels: Labels): void {
  for (const terms of [affinity?.podAffinity, affinity?.podAntiAffinity]) {
    for (const term of terms?.[REQUIRED] ?? []) resolveTerm(term, labels)
    for (const { podAffinityTerm } of terms?.[PREFERRED] ?? []) if (podAffinityTerm !== undefined) resolveTerm(podAffinityTerm, labels)
  }
  for (const { labelSelector, matchLabelKeys } of topologySpreadConstraints ?? [])
    addRequirements(labelSelector, matchLabelKeys, 'In', labels)
}

function resolveTerm({ labelSelector, matchLabelKeys, mismatchLabelKeys }: core.PodAffinityTerm, labels: Labels): void {
  addRequirements(labelSelector, matchLabelKeys, 'In', labels)
  addRequirements(labelSelector, mismatchLabelKeys, 'NotIn', labels)
}

function addRequirements(
  selector: core.PodAffinityTerm['labelSelector'],
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Labels,
): void {
  if (selector === undefined) return
  for (const key of keys ?? []) {
    const value = labels[key]
    if (value !== undefined) selector.matchExpressions = [...(selector.matchExpressions ?? []), { key, operator, values: [value] }]
  }
}
