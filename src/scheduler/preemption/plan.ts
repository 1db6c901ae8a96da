import type { Random } from '#base'
import type { policy } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { type Profile, defaultProfile } from '../config/profile.ts'
import type { Diagnosis } from '../framework/decide.ts'
import { countReasons } from '../framework/message.ts'
import type { FilterPlugin, Refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { splitByBudgets } from './budgets.ts'
import { type Candidate, bestCandidate, byImportance, inImportance } from './candidates.ts'
import { type Trials, trialsFor } from './trial.ts'
import type { VictimMemo } from './victim-memo.ts'

/** Which pods have to go so that another, of higher priority, can come; or why that would not help. */
export type PreemptionPlan = { readonly kind: 'preempt'; readonly node: NodeState; readonly victims: readonly PodInfo[] } | NoPreemption

interface NoPreemption {
  readonly kind: 'none'
  readonly message: string
  /** It was not tried, or others would not have it: a place that was promised before stays so. Else there is none to promise. */
  readonly isBarred: boolean
}

/** What counts besides the cluster and the rules. */
export interface PreemptionTerms {
  readonly budgets: readonly policy.PodDisruptionBudget[]
  /** Decides where the search begins. */
  readonly random: Random
  readonly limits?: Profile['preemption']
  /** Pods that a node has been promised to: those of the same or higher priority count as there. */
  readonly promised?: (node: NodeState) => readonly PodInfo[]
  /** What was found out for pods like this one. */
  readonly memo?: VictimMemo
}

/** A node that pods could make room on. */
interface Hopeful {
  readonly node: NodeState
  readonly refusedBy: string
}

const NOT_HELPFUL = { reasons: ['Preemption is not helpful for scheduling'] }
const NO_VICTIMS: Refusal = { plugin: 'DefaultPreemption', reasons: ['No preemption victims found for incoming pod'], final: true }

/**
 * Looks on nodes whose refusal could end when pods leave. On each: without all pods of lower priority, does it fit? Then as many as possible
 * are kept, those protected by a budget and those of higher priority first. May change the cluster while it tries, and puts everything back.
 */
export function planPreemption(
  cluster: Cluster,
  pod: PodInfo,
  diagnosis: Diagnosis,
  filters: readonly FilterPlugin[],
  terms: PreemptionTerms,
): PreemptionPlan {
  const found = preemptionCandidates(cluster, pod, diagnosis, filters, terms)
  return found.kind === 'none' ? found : choosePreemption(found.candidates)
}

export function choosePreemption(candidates: readonly Candidate[]): PreemptionPlan {
  const best = bestCandidate(candidates)
  return best === undefined
    ? { kind: 'none', message: 'no candidate node for preemption', isBarred: true }
    : { kind: 'preempt', node: best.node, victims: best.victims }
}

/** The first half of a plan: at least one candidate, or why there is none. */
export function preemptionCandidates(
  cluster: Cluster,
  pod: PodInfo,
  diagnosis: Diagnosis,
  filters: readonly FilterPlugin[],
  terms: PreemptionTerms,
): { readonly kind: 'found'; readonly candidates: readonly Candidate[] } | NoPreemption {
  const none = (why: string, isBarred = false): NoPreemption => ({ kind: 'none', message: why, isBarred })
  if (pod.pod.spec?.preemptionPolicy === 'Never') return none('not eligible due to preemptionPolicy=Never.', true)
  if (victimsAreLeaving(cluster, pod, diagnosis)) return none('not eligible due to a terminating pod on the nominated node.', true)
  const { minCandidatePercent, minCandidates } = terms.limits ?? defaultProfile().preemption
  const hopeful: Hopeful[] = []
  for (const [at, node] of cluster.nodes().entries()) {
    const refused = diagnosis.refusals[at]
    if (refused?.final === false) hopeful.push({ node, refusedBy: refused.plugin })
  }
  const trials = trialsFor(cluster, pod, filters)
  const memo = terms.budgets.length === 0 && trials.sumsOf !== undefined ? terms.memo?.of(pod) : undefined
  /** Known already, unless something else than what the node holds counts. */
  const look = ({ node, refusedBy }: Hopeful): Candidate | Refusal => {
    const promised = terms.promised?.(node).filter((other) => other.uid !== pod.uid && other.priority >= pod.priority) ?? []
    const isPlain = memo !== undefined && promised.length === 0 && refusedBy === trials.sumsOf
    const version = cluster.loadVersion(node.slot)
    const known = isPlain ? memo.get(node.slot, version) : undefined
    if (known !== undefined) return known
    const found = victimsOn(pod, node, promised, trials, terms.budgets)
    if (isPlain) memo.set(node.slot, version, found)
    return found
  }
  const outcomes = new Map<string, Refusal>()
  const wanted = Math.max(1, minCandidates, Math.floor((hopeful.length * minCandidatePercent) / 100))
  const candidates: Candidate[] = []
  const start = Math.floor(terms.random.float() * hopeful.length)
  for (let i = 0; i < hopeful.length && candidates.length < wanted; i++) {
    const at = hopeful[(start + i) % hopeful.length]
    if (at === undefined) continue
    const found = look(at)
    if ('plugin' in found) outcomes.set(at.node.name, found)
    else candidates.push(found)
  }
  if (candidates.length > 0) return { kind: 'found', candidates }
  const reasons = countReasons(cluster.nodes().map((node) => outcomes.get(node.name) ?? NOT_HELPFUL))
  return none(`0/${diagnosis.nodes} nodes are available: ${reasons}.`)
}

/** The place was promised and can still do, and pods that make room are on their way out. */
function victimsAreLeaving(cluster: Cluster, pod: PodInfo, { refusals }: Diagnosis): boolean {
  const nominated = pod.pod.status?.nominatedNodeName
  const node = nominated === undefined ? undefined : cluster.node(nominated)
  if (node !== undefined && refusals[cluster.nodes().indexOf(node)]?.final === true) return false
  return [...(node?.pods.values() ?? [])].some(
    (other) =>
      other.terminating &&
      other.priority < pod.priority &&
      (other.pod.status?.conditions ?? []).some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'PreemptionByScheduler'),
  )
}

function victimsOn(
  pod: PodInfo,
  node: NodeState,
  promised: readonly PodInfo[],
  trials: Trials,
  budgets: PreemptionTerms['budgets'],
): Candidate | Refusal {
  const lower: PodInfo[] = []
  for (const other of node.pods.values()) if (other.priority < pod.priority) lower.push(other)
  if (lower.length === 0) return NO_VICTIMS
  const eligible = inImportance(lower)
  const trial = trials.on(node)
  for (const other of eligible) trial.leave(other)
  for (const other of promised) trial.come(other)
  const victims: PodInfo[] = []
  let brokenBudgets = 0
  const refused = trial.refusal()
  if (refused === undefined) {
    const keep = (others: readonly PodInfo[], breaks: 0 | 1): void => {
      for (const other of others) {
        trial.come(other)
        if (trial.refusal() === undefined) continue
        trial.leave(other)
        victims.push(other)
        brokenBudgets += breaks
      }
    }
    const { breaking, harmless } = splitByBudgets(eligible, budgets)
    keep(breaking, 1)
    keep(harmless, 0)
  }
  trial.end()
  if (refused !== undefined) return refused
  // It fits with all of them there: the place is promised to others by the time that it is asked for again.
  return victims.length === 0 ? NO_VICTIMS : { node, victims: victims.sort(byImportance), brokenBudgets }
}
