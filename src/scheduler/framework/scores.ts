import type { Cluster } from '../cluster/cluster.ts'
import type { NodeColumn } from '../cluster/node-column.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Candidates } from './candidates.ts'
import type { PreparedScore, ScorePlugin } from './plugin.ts'

/** The weighted sum of all preferences, in the order of the candidates; `each` is told every plugin's part. */
export function scoreNodes(
  cluster: Cluster,
  pod: PodInfo,
  candidates: Candidates,
  plugins: readonly ScorePlugin[],
  each?: (plugin: string, scores: Float64Array, weight: number) => void,
): Float64Array {
  const { length } = candidates.slots
  const totals = new Float64Array(length)
  for (const { name, weight, prepare } of plugins) {
    const prepared = prepare(cluster, pod, candidates)
    if (prepared === undefined) continue
    if (prepared.column !== undefined && prepared.normalise === undefined && each === undefined) {
      addColumn(totals, cluster, candidates.slots, prepared.column, weight)
      continue
    }
    const scores = new Float64Array(length)
    fill(scores, candidates, prepared)
    prepared.normalise?.(scores)
    for (let i = 0; i < length; i++) totals[i] = (totals[i] ?? 0) + (scores[i] ?? 0) * weight
    each?.(name, scores, weight)
  }
  return totals
}

function fill(scores: Float64Array, candidates: Candidates, { score, ofSlot }: PreparedScore): void {
  const { slots } = candidates
  if (ofSlot !== undefined) for (let i = 0; i < slots.length; i++) scores[i] = ofSlot(slots[i] ?? 0)
  else for (const [i, node] of candidates.nodes.entries()) scores[i] = score(node)
}

function addColumn(totals: Float64Array, cluster: Cluster, slots: Int32Array, column: NodeColumn, weight: number): void {
  const { values } = column
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] ?? 0
    const known = values[slot] ?? NaN
    totals[i] = (totals[i] ?? 0) + (known === known ? known : valueAt(cluster, column, slot)) * weight
  }
}

/** Works it out, for one that is not known. */
export function valueAt(cluster: Cluster, { values, compute }: NodeColumn, slot: number): number {
  const node = cluster.at(slot)
  const value = node === undefined ? 0 : compute(node)
  values[slot] = value
  return value
}
