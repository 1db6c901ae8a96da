import type { OwnerReference, batch, core } from '#api'
import { podFromTemplate } from '#reconcile'

export const TRACKING = 'batch.kubernetes.io/job-tracking'
export const INDEX = 'batch.kubernetes.io/job-completion-index'
export const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count'
export const INDEX_IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count'

export function isIndexed(job: batch.Job): boolean {
  return job.spec?.completionMode === 'Indexed'
}

/** The index that a pod stands for; undefined when it has none. */
export function indexOf(pod: core.Pod): number | undefined {
  const text = pod.metadata?.annotations?.[INDEX]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

export function isTracked(pod: core.Pod): boolean {
  return pod.metadata?.finalizers?.includes(TRACKING) === true
}

/** A pod of a Job: tracked, so that its end is counted exactly once even when someone deletes it. */
export function jobPod(job: batch.Job, reference: OwnerReference, template: core.PodTemplateSpec): core.Pod {
  const pod = podFromTemplate(job, reference, template)
  const finalizers = [...(pod.metadata?.finalizers ?? []).filter((name) => name !== TRACKING), TRACKING]
  return { ...pod, metadata: { ...pod.metadata, finalizers } }
}

export interface IndexFailures {
  readonly counted: number
  readonly ignored: number
}

/** The pod for one index. `failures` where the Job counts them for each index. */
export function indexedPod(pod: core.Pod, jobName: string, index: number, failures: IndexFailures | undefined): core.Pod {
  const annotations: Record<string, string> = { ...pod.metadata?.annotations, [INDEX]: String(index) }
  if (failures !== undefined) {
    annotations[INDEX_FAILURES] = String(failures.counted)
    if (failures.ignored > 0) annotations[INDEX_IGNORED_FAILURES] = String(failures.ignored)
  }
  const env: core.EnvVar = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } } }
  const withIndex = (container: core.Container): core.Container =>
    container.env?.some(({ name }) => name === env.name) ? container : { ...container, env: [...(container.env ?? []), env] }
  const spec = pod.spec ?? { containers: [] }
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${jobName}-${index}-`,
      labels: { ...pod.metadata?.labels, [INDEX]: String(index) },
      annotations,
    },
    spec: {
      ...spec,
      hostname: `${jobName}-${index}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndex) }),
    },
  }
}
