import type { apps, core } from '#api'
import type { Informer } from '#reconcile'
import type { SiblingSelector } from '../plugins/spread-source.ts'

type Selector = NonNullable<core.PodAffinityTerm['labelSelector']>

/** A pod's siblings: pods that its Services select, and that its controller does. */
export function siblingSelector(sources: {
  readonly services: Informer<core.Service>
  readonly replicasets: Informer<apps.ReplicaSet> | undefined
  readonly statefulsets: Informer<apps.StatefulSet> | undefined
  readonly replicationcontrollers: Informer<core.ReplicationController> | undefined
}): SiblingSelector {
  return (pod) => {
    const labels: Record<string, string> = {}
    const expressions: NonNullable<Selector['matchExpressions']> = []
    for (const service of sources.services.list(pod.namespace)) {
      const selector = service.spec?.selector
      if (selector !== undefined && Object.keys(selector).length > 0 && covers(selector, pod.labels)) Object.assign(labels, selector)
    }
    const owner = pod.pod.metadata?.ownerReferences?.find((reference) => reference.controller === true)
    const key = `${pod.namespace}/${owner?.name ?? ''}`
    if (owner?.kind === 'ReplicationController') Object.assign(labels, sources.replicationcontrollers?.get(key)?.spec?.selector)
    const replicaSet = owner?.kind === 'ReplicaSet' ? sources.replicasets?.get(key) : undefined
    // Its watch may be behind that of the pods. Pods of one template have the same labels, so the first ones are spread all the same.
    if (owner?.kind === 'ReplicaSet' && sources.replicasets !== undefined && replicaSet === undefined) Object.assign(labels, pod.labels)
    const selector =
      owner?.kind === 'ReplicaSet'
        ? replicaSet?.spec?.selector
        : owner?.kind === 'StatefulSet'
          ? sources.statefulsets?.get(key)?.spec?.selector
          : undefined
    Object.assign(labels, selector?.matchLabels)
    expressions.push(...(selector?.matchExpressions ?? []))
    return Object.keys(labels).length === 0 && expressions.length === 0 ? undefined : { matchLabels: labels, matchExpressions: expressions }
  }
}

const covers = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)
