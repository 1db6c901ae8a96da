import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { candidatesOf } from '../framework/candidates.ts'
import type { Plugins } from '../framework/decide.ts'
import { scoreNodes } from '../framework/scores.ts'
import type { PreparedFilter } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type Change, changesFor } from './changes.ts'

/** Why a pod is where it is, or nowhere: every node against every rule and preference, as the cluster is now. */
export interface Explanation {
  readonly pod: string
  readonly placedOn: string | undefined
  /** What no node can change. */
  readonly general: string | undefined
  readonly nodes: readonly ExplainedNode[]
  /** The least that would let the pod go somewhere; undefined when it can, or when nothing simple would do. */
  readonly change: { readonly node: string; readonly steps: readonly string[] } | undefined
}

export interface ExplainedNode {
  readonly name: string
  /** All rules that refuse it, with their reasons. */
  readonly refusals: readonly { readonly plugin: string; readonly reasons: readonly string[] }[]
  /** Of a node that fits: each preference's part, weighted. */
  readonly scores: Readonly<Record<string, number>>
  readonly total: number
}

/** A placed pod is judged as if it were not there yet. The cluster is the same afterwards. */
export function explainPod(cluster: Cluster, pod: PodInfo, plugins: Plugins): Explanation {
  const placedOn = cluster.placedOn(pod.uid)
  cluster.take(pod.uid)
  try {
    return { pod: pod.key, placedOn, ...judge(cluster, pod, plugins) }
  } finally {
    if (placedOn !== undefined) cluster.place(pod, placedOn)
  }
}

function judge(cluster: Cluster, pod: PodInfo, plugins: Plugins): Pick<Explanation, 'general' | 'nodes' | 'change'> {
  const prepared = plugins.filters.flatMap((plugin) => {
    const filter = plugin.prepare(cluster, pod)
    return filter === undefined ? [] : [{ plugin: plugin.name, filter }]
  })
  const general = prepared.find(({ filter }) => filter.kind === 'refused')?.filter
  const verdicts = cluster.nodes().map((node) => ({ node, refusals: refusalsOf(prepared, node) }))
  const fitting = general === undefined ? verdicts.filter(({ refusals }) => refusals.length === 0).map(({ node }) => node) : []
  const parts = new Map<string, Float64Array>()
  const totals = scoreNodes(cluster, pod, candidatesOf(fitting), plugins.scores, (plugin, scores, weight) =>
    parts.set(
      plugin,
      scores.map((score) => score * weight),
    ),
  )
  const nodes = verdicts.map(({ node, refusals }): ExplainedNode => {
    const at = fitting.indexOf(node)
    const scores = Object.fromEntries([...parts].map(([plugin, values]) => [plugin, values[at] ?? 0]))
    return { name: node.name, refusals, scores: at < 0 ? {} : scores, total: at < 0 ? 0 : (totals[at] ?? 0) }
  })
  return {
    general: general?.kind === 'refused' ? general.message : undefined,
    nodes,
    change: fitting.length > 0 || general !== undefined ? undefined : leastChange(cluster, pod, verdicts),
  }
}

type Verdict = { readonly node: NodeState; readonly refusals: ExplainedNode['refusals'] }

function refusalsOf(
  prepared: readonly { readonly plugin: string; readonly filter: PreparedFilter }[],
  node: NodeState,
): ExplainedNode['refusals'] {
  return prepared.flatMap(({ plugin, filter }) => {
    const refused = filter.kind === 'check' ? filter.check(node) : undefined
    return refused === undefined ? [] : [{ plugin, reasons: refused.reasons }]
  })
}

/** On the node where it costs least, among those on which every refusal has an answer. */
function leastChange(cluster: Cluster, pod: PodInfo, verdicts: readonly Verdict[]): Explanation['change'] {
  let best: { readonly node: string; readonly steps: readonly string[]; readonly cost: number } | undefined
  for (const { node, refusals } of verdicts) {
    const changes: Change[] = []
    const isAnswered = refusals.every(({ plugin }) => {
      const found = changesFor(plugin, cluster, pod, node)
      changes.push(...(found ?? []))
      return found !== undefined && found.length > 0
    })
    const cost = changes.reduce((sum, change) => sum + change.cost, 0)
    if (isAnswered && (best === undefined || cost < best.cost)) best = { node: node.name, steps: changes.map(({ what }) => what), cost }
  }
  return best === undefined ? undefined : { node: best.node, steps: best.steps }
}
