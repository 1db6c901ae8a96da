import type { Cluster } from './cluster/cluster.ts'
import { type Plugins, prepareFilters, scoreNodes } from './framework/decide.ts'
import type { PodInfo } from './pod/pod-info.ts'

/** Every node's part in a decision: why it will not do, or what each preference gave it (0…100, before the weight). */
export interface NodeExplanation {
  readonly node: string
  readonly refusedBy?: string
  readonly reasons?: readonly string[]
  readonly total?: number
  readonly scores?: Readonly<Record<string, { readonly score: number; readonly weight: number }>>
}

/** The decision about one pod, spelled out. The pod itself must not be placed in the cluster. */
export function explain(cluster: Cluster, pod: PodInfo, plugins: Plugins): readonly NodeExplanation[] {
  const nodes = cluster.nodes()
  const prepared = prepareFilters(cluster, pod, plugins.filters)
  if (!('check' in prepared)) return nodes.map((node) => ({ node: node.name, refusedBy: prepared.plugin, reasons: [prepared.message] }))
  const refused = new Map(nodes.map((node) => [node.name, prepared.check(node)]))
  const feasible = nodes.filter((node) => refused.get(node.name) === undefined)
  const scores = feasible.map((): Record<string, { score: number; weight: number }> => ({}))
  const totals = scoreNodes(cluster, pod, feasible, plugins.scores, (plugin, given, weight) => {
    for (const [i, score] of given.entries()) Object.assign(scores[i] ?? {}, { [plugin]: { score, weight } })
  })
  return [
    ...feasible.map((node, i) => ({ node: node.name, total: totals[i] ?? 0, scores: scores[i] ?? {} })),
    ...nodes.flatMap((node) => {
      const why = refused.get(node.name)
      return why === undefined ? [] : [{ node: node.name, refusedBy: why.plugin, reasons: why.reasons }]
    }),
  ]
}
