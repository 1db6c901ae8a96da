import { type ObjectMeta, type apps, type core, refs } from '#api'
import { controllerReference, podFromTemplate, REVISION_HASH } from '#reconcile'
import { claimName, claimTemplates } from './claims.ts'
import { ordinalOf, podName } from './ordinals.ts'

const POD_NAME = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX = 'apps.kubernetes.io/pod-index'

export interface PodRevision {
  /** The name of the ControllerRevision. */
  readonly name: string
  readonly template: core.PodTemplateSpec
}

export const revisionOf = (pod: core.Pod): string => pod.metadata?.labels?.[REVISION_HASH] ?? ''

/** The pod of one ordinal as it is to be created. */
export function podOfOrdinal(set: apps.StatefulSet, revision: PodRevision, ordinal: number): core.Pod {
  const pod = podFromTemplate(set, controllerReference(set, refs.statefulsets), revision.template)
  const name = podName(set, ordinal)
  const subdomain = set.spec?.serviceName
  return {
    metadata: {
      ...pod.metadata,
      name,
      labels: { ...pod.metadata?.labels, ...identityLabels(name, ordinal), [REVISION_HASH]: revision.name },
    },
    spec: {
      containers: [],
      ...pod.spec,
      volumes: volumesFor(set, ordinal, pod.spec?.volumes ?? []),
      hostname: name,
      ...(subdomain === undefined || subdomain === '' ? {} : { subdomain }),
    },
  }
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [POD_NAME]: name, [POD_INDEX]: String(ordinal) }
}

/** Volumes of the claims first; they take the place of the template's volumes of the same names. */
function volumesFor(set: apps.StatefulSet, ordinal: number, volumes: readonly core.Volume[]): core.Volume[] {
  const claimed = claimTemplates(set).map((template) => ({
    name: template.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }))
  return [...claimed, ...volumes.filter(({ name }) => !claimed.some((claim) => claim.name === name))]
}

export interface IdentityFlaws {
  readonly identity: boolean
  readonly storage: boolean
}

/** What is wrong with a pod that the set manages: it was adopted, or somebody has changed it. */
export function flawsOf(set: apps.StatefulSet, pod: core.Pod): IdentityFlaws {
  const ordinal = ordinalOf(pod)
  const claims = new Map((pod.spec?.volumes ?? []).map(({ name, persistentVolumeClaim }) => [name, persistentVolumeClaim?.claimName]))
  return {
    identity: pod.metadata?.name !== podName(set, ordinal) || pod.metadata.labels?.[POD_NAME] !== pod.metadata.name,
    storage: claimTemplates(set).some((template) => claims.get(template.metadata?.name ?? '') !== claimName(set, template, ordinal)),
  }
}

export function repaired(set: apps.StatefulSet, pod: core.Pod, flaws: IdentityFlaws): core.Pod {
  const ordinal = ordinalOf(pod)
  const metadata: ObjectMeta = {
    ...pod.metadata,
    labels: { ...pod.metadata?.labels, ...identityLabels(pod.metadata?.name ?? '', ordinal) },
  }
  const spec: core.PodSpec = { containers: [], ...pod.spec, volumes: volumesFor(set, ordinal, pod.spec?.volumes ?? []) }
  return { ...pod, ...(flaws.identity ? { metadata } : {}), ...(flaws.storage ? { spec } : {}) }
}
