import type { OwnerReference, apps, core } from '#api'
import { podFromTemplate, REVISION_HASH } from '#reconcile'

const TEMPLATE_GENERATION = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'

const ADDED_TOLERATIONS: readonly core.Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const HOST_NETWORK_TOLERATION: core.Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }

/** The template's tolerations and those of all daemons; the same key and effect is not added twice. */
export function daemonTolerations(spec: core.PodSpec): core.Toleration[] {
  const tolerations = [...(spec.tolerations ?? [])]
  for (const added of spec.hostNetwork ? [...ADDED_TOLERATIONS, HOST_NETWORK_TOLERATION] : ADDED_TOLERATIONS) {
    const same = tolerations.findIndex(
      (one) => one.key === added.key && one.effect === added.effect && one.operator === added.operator && (one.value ?? '') === '',
    )
    if (same === -1) tolerations.push(added)
    else tolerations[same] = added
  }
  return tolerations
}

/** A pod for one node: the scheduler binds it, and may choose no other. */
export function daemonPod(
  set: apps.DaemonSet,
  template: core.PodTemplateSpec,
  reference: OwnerReference,
  hash: string,
  nodeName: string,
): core.Pod {
  const pod = podFromTemplate(set, reference, template)
  const generation = set.metadata?.annotations?.[GENERATION_ANNOTATION]
  const spec: core.PodSpec = template.spec ?? { containers: [] }
  const affinity: core.Affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }],
      },
    },
  }
  return {
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata?.labels,
        [REVISION_HASH]: hash,
        ...(generation === undefined ? {} : { [TEMPLATE_GENERATION]: generation }),
      },
    },
    spec: { ...spec, affinity, tolerations: daemonTolerations(spec) },
  }
}

/** The node that a daemon pod is for, bound or not. */
export function targetNode(pod: core.Pod): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName
  for (const term of pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []) {
    for (const field of term.matchFields ?? [])
      if (field.key === 'metadata.name' && field.operator === 'In' && field.values?.length === 1) return field.values[0] ?? ''
  }
  return ''
}
