import type { Random } from '#base'
import type { core, policy } from '#api'
import { labelSelectorOf } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { type Profile, defaultProfile } from '../config/profile.ts'
import { type Diagnosis, prepareFilters } from '../framework/decide.ts'
import { countReasons } from '../framework/message.ts'
import type { FilterPlugin, Refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** Which pods have to go so that another, of higher priority, can come; or why that would not help. */
export type PreemptionPlan =
  | { readonly kind: 'preempt'; readonly node: NodeState; readonly victims: readonly PodInfo[] }
  | { readonly kind: 'none'; readonly message: string }

interface Candidate {
  readonly node: NodeState
  /** Highest priority first. */
  readonly victims: readonly PodInfo[]
  readonly brokenBudgets: number
}

const NO_CLAIMS = 'no new claims to deallocate, preemption: '
const NOT_HELPFUL = { reasons: ['Preemption is not helpful for scheduling'] }
const NO_VICTIMS: Refusal = { plugin: 'DefaultPreemption', reasons: ['No preemption victims found for incoming pod'], final: true }

/**
 * Looks on nodes whose refusal could end when pods leave. On each: without all pods of lower priority, does it fit? Then as many as possible
 * are kept, those protected by a budget and those of higher priority first. Changes the cluster while it tries and puts everything back.
 */
export function planPreemption(
  cluster: Cluster,
  pod: PodInfo,
  diagnosis: Diagnosis,
  filters: readonly FilterPlugin[],
  budgets: readonly policy.PodDisruptionBudget[],
  random: Random,
  { minCandidatePercent, minCandidates }: Profile['preemption'] = defaultProfile().preemption,
): PreemptionPlan {
  const none = (why: string): PreemptionPlan => ({ kind: 'none', message: NO_CLAIMS + why })
  if (pod.pod.spec?.preemptionPolicy === 'Never') return none('not eligible due to preemptionPolicy=Never.')
  if (victimsAreLeaving(cluster, pod)) return none('not eligible due to a terminating pod on the nominated node.')
  const hopeful = cluster.nodes().filter((_, at) => diagnosis.refusals[at]?.final === false)
  const fits = whatIf(cluster, pod, filters)
  const outcomes = new Map<string, Refusal>()
  const wanted = Math.max(1, minCandidates, Math.floor((hopeful.length * minCandidatePercent) / 100))
  const candidates: Candidate[] = []
  const start = Math.floor(random.float() * hopeful.length)
  for (let i = 0; i < hopeful.length && candidates.length < wanted; i++) {
    const node = hopeful[(start + i) % hopeful.length]
    if (node === undefined) continue
    const found = victimsOn(cluster, pod, node, fits, budgets)
    if ('plugin' in found) outcomes.set(node.name, found)
    else candidates.push(found)
  }
  const best = bestCandidate(candidates)
  if (best !== undefined) return { kind: 'preempt', node: best.node, victims: best.victims }
  const reasons = countReasons(cluster.nodes().map((node) => outcomes.get(node.name) ?? NOT_HELPFUL))
  return none(`0/${diagnosis.nodes} nodes are available: ${reasons}.`)
}

/** The place was promised, and pods that make room are on their way out. */
function victimsAreLeaving(cluster: Cluster, pod: PodInfo): boolean {
  const nominated = pod.pod.status?.nominatedNodeName
  const node = nominated === undefined ? undefined : cluster.node(nominated)
  return [...(node?.pods.values() ?? [])].some(
    (other) =>
      other.terminating &&
      other.priority < pod.priority &&
      (other.pod.status?.conditions ?? []).some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'PreemptionByScheduler'),
  )
}

type Check = (node: NodeState) => Refusal | undefined

/** Whether the pod fits on a node as the cluster is at the moment of asking. Only rules that look at the cluster as a whole are prepared anew each time. */
function whatIf(cluster: Cluster, pod: PodInfo, filters: readonly FilterPlugin[]): Check {
  const check = (group: readonly FilterPlugin[]): Check => {
    const prepared = prepareFilters(cluster, pod, group)
    if ('check' in prepared) return prepared.check
    const refused = { plugin: prepared.plugin, reasons: [prepared.message], final: true }
    return () => refused
  }
  const steady = check(filters.filter(({ live }) => live === true))
  const others = filters.filter(({ live }) => live !== true)
  return (node) => steady(node) ?? check(others)(node)
}

function victimsOn(
  cluster: Cluster,
  pod: PodInfo,
  node: NodeState,
  check: Check,
  budgets: readonly policy.PodDisruptionBudget[],
): Candidate | Refusal {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority).sort(byImportance)
  if (lower.length === 0) return NO_VICTIMS
  const fits = (): Refusal | undefined => check(node)
  for (const other of lower) cluster.take(other.uid)
  const victims: PodInfo[] = []
  let brokenBudgets = 0
  const refused = fits()
  if (refused === undefined) {
    const { breaking, harmless } = splitByBudgets(lower, budgets)
    for (const [group, breaks] of [
      [breaking, 1],
      [harmless, 0],
    ] as const)
      for (const other of group) {
        cluster.place(other, node.name)
        if (fits() === undefined) continue
        cluster.take(other.uid)
        victims.push(other)
        brokenBudgets += breaks
      }
  }
  for (const other of lower) cluster.place(other, node.name)
  return refused ?? { node, victims: victims.sort(byImportance), brokenBudgets }
}

/** Higher priority first, then those that have run longer. */
function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  const [one, other] = [startOf(a), startOf(b)]
  return one < other ? -1 : one > other ? 1 : 0
}
const startOf = (pod: PodInfo): string => pod.pod.status?.startTime ?? '9999'

/** Whether removing the pods one after another, in this order, would go past what a budget still allows. */
function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: readonly policy.PodDisruptionBudget[],
): { readonly breaking: readonly PodInfo[]; readonly harmless: readonly PodInfo[] } {
  const states = budgets.map((budget) => ({
    namespace: budget.metadata?.namespace,
    selector: isEmptySelector(budget.spec?.selector) ? undefined : labelSelectorOf(budget.spec?.selector ?? {}),
    disrupted: budget.status?.disruptedPods ?? {},
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }))
  const breaking: PodInfo[] = []
  const harmless: PodInfo[] = []
  for (const pod of pods) {
    let broken = false
    for (const state of states) {
      if (state.namespace !== pod.namespace || state.selector?.matches(pod.labels) !== true || Object.hasOwn(state.disrupted, pod.name))
        continue
      state.allowed--
      if (state.allowed < 0) broken = true
    }
    ;(broken ? breaking : harmless).push(pod)
  }
  return { breaking, harmless }
}

const isEmptySelector = (selector: core.PodAffinityTerm['labelSelector']): boolean =>
  selector === undefined || ((selector.matchExpressions ?? []).length === 0 && Object.keys(selector.matchLabels ?? {}).length === 0)

const PRIORITY_OFFSET = 2 ** 31

/** Least harm: broken budgets, then the highest priority among the victims, then the sum of priorities, then how many, then who started last. */
function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  const harm = (candidate: Candidate): readonly number[] => [
    candidate.brokenBudgets,
    candidate.victims[0]?.priority ?? -Infinity,
    candidate.victims.reduce((sum, victim) => sum + victim.priority + PRIORITY_OFFSET, 0),
    candidate.victims.length,
    -earliestStartOfTop(candidate),
  ]
  let best: { readonly candidate: Candidate; readonly harm: readonly number[] } | undefined
  for (const candidate of candidates) {
    const done = harm(candidate)
    if (best === undefined || isLess(done, best.harm)) best = { candidate, harm: done }
  }
  return best?.candidate
}

function earliestStartOfTop({ victims }: Candidate): number {
  const top = victims[0]?.priority
  const starts = victims.filter(({ priority }) => priority === top).map((victim) => Date.parse(startOf(victim)))
  return Math.min(...starts.map((start) => (Number.isNaN(start) ? Infinity : start)))
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}
