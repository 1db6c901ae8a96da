import { type LabelSelector, type core, labelSelectorOf } from '#api'

type Labels = Readonly<Record<string, string>>

/** Which pods a term of pod affinity or a spread constraint speaks of. Two with the same `key` speak of the same pods. */
export interface PodMatcher {
  readonly key: string
  /** Labels that each pod which matches has, if any are certain. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** The only namespace that such a pod can be in; undefined when there may be others. */
  readonly namespace: string | undefined
  matches(pod: { readonly namespace: string; readonly labels: Labels }, namespaces: NamespaceLabels): boolean
}

/** Labels of a namespace, for namespace selectors; undefined when it is not known. */
export type NamespaceLabels = (namespace: string) => Labels | undefined

export interface AffinityTerm {
  readonly topologyKey: string
  readonly pods: PodMatcher
}
export interface WeightedTerm extends AffinityTerm {
  readonly weight: number
}

export interface SpreadConstraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly pods: PodMatcher
  /** Whether the pod itself is one of those that its domain would have more of. */
  readonly countsItself: boolean
  readonly minDomains: number
  readonly honorAffinity: boolean
  readonly honorTaints: boolean
}

export function compileTerm(term: core.PodAffinityTerm, ownNamespace: string): AffinityTerm {
  const selector = term.labelSelector === undefined ? undefined : labelSelectorOf(term.labelSelector)
  const byLabels = term.namespaceSelector === undefined ? undefined : labelSelectorOf(term.namespaceSelector)
  const listed = term.namespaces ?? []
  const names = new Set(listed.length === 0 && term.namespaceSelector === undefined ? [ownNamespace] : listed)
  return {
    topologyKey: term.topologyKey,
    pods: {
      key: JSON.stringify([[...names].sort(), term.namespaceSelector, term.labelSelector]),
      labels: certainLabels(selector),
      namespace: byLabels === undefined && names.size === 1 ? [...names][0] : undefined,
      matches: (pod, namespaces) => {
        if (selector === undefined || !selector.matches(pod.labels)) return false
        return names.has(pod.namespace) || (byLabels?.matches(namespaces(pod.namespace) ?? {}) ?? false)
      },
    },
  }
}

function certainLabels(selector: LabelSelector | undefined): PodMatcher['labels'] {
  const certain: [string, string][] = []
  for (const { key, operator, values } of selector?.requirements ?? []) {
    const [only] = values
    if (only !== undefined && values.length === 1 && (operator === '=' || operator === '==' || operator === 'in')) certain.push([key, only])
  }
  return certain
}

/** Pods that all of the terms speak of, as a pod counts for required affinity only then. */
export function allOf(matchers: readonly PodMatcher[]): PodMatcher {
  const [only] = matchers
  if (only !== undefined && matchers.length === 1) return only
  return {
    key: JSON.stringify(matchers.map((matcher) => matcher.key)),
    labels: matchers.flatMap(({ labels }) => labels),
    namespace: matchers.find(({ namespace }) => namespace !== undefined)?.namespace,
    matches: (pod, namespaces) => matchers.every((matcher) => matcher.matches(pod, namespaces)),
  }
}

/** Running pods of one namespace: those that are ending do not count for spreading. As in Kubernetes, none do where a selector asks for nothing. */
export function spreadMatcher(namespace: string, selector: core.PodAffinityTerm['labelSelector']): PodMatcher {
  const compiled = selector === undefined || asksForNothing(selector) ? undefined : labelSelectorOf(selector)
  return {
    key: JSON.stringify(['spread', namespace, selector]),
    labels: certainLabels(compiled),
    namespace,
    matches: (pod) =>
      pod.namespace === namespace && !('terminating' in pod && pod.terminating === true) && (compiled?.matches(pod.labels) ?? false),
  }
}

const asksForNothing = ({ matchLabels, matchExpressions }: NonNullable<core.PodAffinityTerm['labelSelector']>): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0

export function compileSpread(constraint: core.TopologySpreadConstraint, pod: core.Pod): SpreadConstraint {
  const labels = pod.metadata?.labels ?? {}
  const own = (constraint.matchLabelKeys ?? []).filter((key) => Object.hasOwn(labels, key))
  const selector = constraint.labelSelector
  const merged =
    own.length === 0 || selector === undefined
      ? selector
      : {
          ...selector,
          matchExpressions: [
            ...(selector.matchExpressions ?? []),
            ...own.map((key) => ({ key, operator: 'In', values: [labels[key] ?? ''] })),
          ],
        }
  return {
    maxSkew: constraint.maxSkew,
    topologyKey: constraint.topologyKey,
    pods: spreadMatcher(pod.metadata?.namespace ?? '', merged),
    countsItself: merged !== undefined && labelSelectorOf(merged).matches(labels),
    minDomains: constraint.minDomains ?? 1,
    honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
    honorTaints: constraint.nodeTaintsPolicy === 'Honor',
  }
}
