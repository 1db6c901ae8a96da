import type { KubeObject } from '../meta/object.ts'
import { effectiveSpec } from '../pods/effective-spec.ts'
import { qosClass } from '../pods/qos.ts'
import { type Amounts, podAmounts } from '../pods/resources.ts'
import type * as core from '../types/core-v1.gen.ts'
import { isHugePageResource, isNativeResource } from '../validation/resources.ts'
import type { QuotaEvaluator } from './evaluator.ts'
import { holdsFor } from './scopes.ts'

const COUNT = 'count/pods'
const REQUESTS = 'requests.'
const COMPUTE: readonly string[] = ['cpu', 'memory', 'ephemeral-storage']
const NAMES: ReadonlySet<string> = new Set([
  COUNT,
  'pods',
  ...COMPUTE,
  ...COMPUTE.map((name) => `${REQUESTS}${name}`),
  ...COMPUTE.map((name) => `limits.${name}`),
])
/** A quota of these makes every container state them. */
const STATED: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])
const DEVICE_CLASS = 'deviceclass.resource.kubernetes.io/'

/** Extended resources can only be limited as requests: they are never given away twice. */
export const isExtendedQuota = (name: string): boolean =>
  name.startsWith(REQUESTS) && (!isNativeResource(name) || name.startsWith(`${REQUESTS}${DEVICE_CLASS}`))
const isExtended = (name: string): boolean => name.startsWith(DEVICE_CLASS) || (!isNativeResource(name) && !name.startsWith(REQUESTS))

export const podEvaluator: QuotaEvaluator = {
  matching: (names) =>
    names.filter(
      (name) => NAMES.has(name) || isHugePageResource(name) || name.startsWith(`${REQUESTS}hugepages-`) || isExtendedQuota(name),
    ),
  matchesScope: (scope, pod) => matchesScope(scope, pod as core.Pod),
  problem: (names, pod) => problem(names, pod as core.Pod),
  usage: (pod, nowMs) => podUsage(pod as core.Pod, nowMs),
  charges: ({ operation, subresource, object, old }) => {
    if (subresource === 'resize') return operation === 'UPDATE'
    if (subresource !== '') return false
    return operation === 'CREATE' || (operation === 'UPDATE' && isTerminating(object) !== isTerminating(old))
  },
  frees: (old, now, nowMs) =>
    (isCounted(old as core.Pod, nowMs) && !isCounted(now as core.Pod, nowMs)) ||
    isTerminating(old) !== isTerminating(now) ||
    JSON.stringify(podUsage(old as core.Pod, nowMs)) !== JSON.stringify(podUsage(now as core.Pod, nowMs)),
}

/** When a pod that is being deleted stops to count: it should have ended by then. Undefined: it counts until it is gone. */
export function quotaReleaseMs({ metadata }: KubeObject): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {}
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return undefined
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

/** Finished pods, and those that hang in their end, use nothing but their place in the store. */
function isCounted(pod: core.Pod, nowMs: number): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return false
  const releaseMs = quotaReleaseMs(pod)
  return releaseMs === undefined || nowMs <= releaseMs
}

function podUsage(pod: core.Pod, nowMs: number): Amounts {
  if (!isCounted(pod, nowMs)) return { [COUNT]: '1' }
  const spec = effectiveSpec(pod)
  return { [COUNT]: '1', ...computeUsage(podAmounts(spec, 'requests'), podAmounts(spec, 'limits')) }
}

/** Amounts under all the names that a quota may give them. */
function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Record<string, string> = { pods: '1' }
  for (const [name, amount] of Object.entries(requests)) {
    const isPlain = COMPUTE.includes(name) || isHugePageResource(name)
    if (isPlain) usage[name] = amount
    if (isPlain || isExtended(name)) usage[REQUESTS + name] = amount
  }
  for (const name of COMPUTE) {
    const amount = limits[name]
    if (amount !== undefined) usage[`limits.${name}`] = amount
  }
  return usage
}

function problem(names: readonly string[], { spec }: core.Pod): string | undefined {
  if (statesForWholePod(spec?.resources)) return undefined
  const required = names.filter((name) => STATED.has(name))
  const missing = new Map<string, Set<string>>()
  for (const { name, resources } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const stated = computeUsage(resources?.requests ?? {}, resources?.limits ?? {})
    for (const wanted of required)
      if (stated[wanted] === undefined) missing.set(wanted, (missing.get(wanted) ?? new Set<string>()).add(name))
  }
  if (missing.size === 0) return undefined
  const parts = [...missing.keys()].sort().map((name) => `${name} for: ${[...(missing.get(name) ?? [])].sort().join(',')}`)
  return `must specify ${parts.join('; ')}`
}

function statesForWholePod(resources: core.ResourceRequirements | undefined): boolean {
  return [resources?.requests, resources?.limits].some((amounts) =>
    Object.keys(amounts ?? {}).some((name) => name === 'cpu' || name === 'memory' || isHugePageResource(name)),
  )
}

function matchesScope(scope: core.ScopedResourceSelectorRequirement, pod: core.Pod): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName ?? ''
      return holdsFor(scope, name === '' ? [] : [name])
    }
    case 'CrossNamespacePodAffinity':
      return looksElsewhere(pod.spec?.affinity)
    default:
      return false
  }
}

/** Its end is planned from the start. */
function isTerminating(pod: core.Pod | undefined): boolean {
  const seconds = pod?.spec?.activeDeadlineSeconds
  return seconds !== undefined && seconds >= 0
}

const isBestEffort = ({ spec, status }: core.Pod): boolean =>
  (status?.qosClass ?? (spec === undefined ? undefined : qosClass(spec))) === 'BestEffort'

function looksElsewhere(affinity: core.Affinity | undefined): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((one) =>
    [
      ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined),
  )
}
