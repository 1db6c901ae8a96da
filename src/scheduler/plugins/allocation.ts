import type { Cluster } from '../cluster/cluster.ts'
import type { ScoringStrategy, WeightedResource } from '../config/profile.ts'
import { HIGHEST_SCORE, type ScorePlugin } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'

interface Row {
  readonly weight: number
  readonly offered: Float64Array
  readonly used: Float64Array
  readonly asked: number
}

const ownResources: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])
/** Resources with a name of their own count only for pods that ask for them. */
const counts = (name: string, asked: number): boolean => asked > 0 || ownResources.has(name)

/** `weighed`: containers that state nothing count with a little CPU and memory. */
function rowsOf(cluster: Cluster, pod: PodInfo, resources: readonly WeightedResource[], weighed: boolean): readonly Row[] {
  return resources.flatMap(({ name, weight }) => {
    const isWeighed = weighed && (name === 'cpu' || name === 'memory')
    const asked = (weighed ? pod.asking : pod.requests).get(name) ?? 0
    if (!counts(name, asked)) return []
    const used = !isWeighed ? cluster.requested(name) : name === 'cpu' ? cluster.weighedCpu : cluster.weighedMemory
    return [{ weight, offered: cluster.allocatable(name).values, used: used.values, asked }]
  })
}

/** Prefers emptier, fuller or nodes of a certain fullness, by what is asked for of the resources. */
export function allocationPreference(strategy: ScoringStrategy, weight: number): ScorePlugin {
  const scoreOf = strategy.type === 'LeastAllocated' ? meanFree : meanShare(SHARES[strategy.type](strategy), strategy.type)
  const id = JSON.stringify(['allocation', strategy])
  return {
    name: 'NodeResourcesFit',
    weight,
    prepare: (cluster, pod) => {
      const rows = rowsOf(cluster, pod, strategy.resources, true)
      const memo = cluster.loadMemo(id + pod.requestKey)
      const compute = (slot: number): number => scoreOf(rows, slot)
      return { score: ({ slot }) => memo.of(slot, compute), column: memo.column(compute) }
    },
  }
}

/** A ratio leaves out resources that score nothing, and rounds to the nearest. */
function meanShare(shareOf: Share, type: ScoringStrategy['type']): (rows: readonly Row[], slot: number) => number {
  const isRatio = type === 'RequestedToCapacityRatio'
  return (rows, slot) => {
    let sum = 0
    let weights = 0
    for (const row of rows) {
      const offered = row.offered[slot] ?? 0
      if (offered === 0) continue
      const share = shareOf((row.used[slot] ?? 0) + row.asked, offered)
      if (isRatio && share <= 0) continue
      sum += share * row.weight
      weights += row.weight
    }
    if (weights === 0) return 0
    return isRatio ? Math.round(sum / weights) : Math.floor(sum / weights)
  }
}

/** LeastAllocated, the usual strategy, without a call for each resource. */
function meanFree(rows: readonly Row[], slot: number): number {
  let sum = 0
  let weights = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    const offered = row?.offered[slot] ?? 0
    if (row === undefined || offered === 0) continue
    const free = offered - (row.used[slot] ?? 0) - row.asked
    if (free > 0) sum += Math.floor((free * HIGHEST_SCORE) / offered) * row.weight
    weights += row.weight
  }
  return weights === 0 ? 0 : Math.floor(sum / weights)
}

type Share = (requested: number, offered: number) => number

const SHARES: Readonly<Record<Exclude<ScoringStrategy['type'], 'LeastAllocated'>, (strategy: ScoringStrategy) => Share>> = {
  MostAllocated: () => (requested, offered) => Math.floor((Math.min(requested, offered) * HIGHEST_SCORE) / offered),
  RequestedToCapacityRatio:
    ({ shape }) =>
    (requested, offered) =>
      scoreAt(shape, requested > offered ? 100 : Math.floor((requested * 100) / offered)),
}

/** Straight lines between the points; scores of 0 to 10 become 0 to 100. */
function scoreAt(shape: ScoringStrategy['shape'], utilization: number): number {
  let before = shape[0]
  for (const point of shape) {
    const score = point.score * 10
    if (utilization <= point.utilization) {
      if (before === undefined || before === point) return score
      const from = before.score * 10
      return from + Math.trunc(((score - from) * (utilization - before.utilization)) / (point.utilization - before.utilization))
    }
    before = point
  }
  return (before?.score ?? 0) * 10
}

/** Prefers nodes whose resources the pod brings closer to being used alike. */
export function balancedAllocation(resources: readonly WeightedResource[], weight: number): ScorePlugin {
  const id = JSON.stringify(['balance', resources])
  return {
    name: 'NodeResourcesBalancedAllocation',
    weight,
    prepare: (cluster, pod) => {
      const rows = rowsOf(cluster, pod, resources, false)
      if (rows.every(({ asked }) => asked === 0)) return undefined
      const [first, second] = rows
      const memo = cluster.loadMemo(id + pod.requestKey)
      // Nearly always there are two: without a loop this is several times faster.
      const compute =
        rows.length === 2 && first !== undefined && second !== undefined
          ? (slot: number): number => balanceOfTwo(first, second, slot)
          : (slot: number): number => gain(spreadOf(rows, slot, true), spreadOf(rows, slot, false))
      return { score: ({ slot }) => memo.of(slot, compute), column: memo.column(compute) }
    },
  }
}

/** From 50, when the pod drives the used shares apart as far as can be, over 75 to 100. */
function gain(spreadWith: number, spreadWithout: number): number {
  const [after, before] = [Math.trunc((1 - spreadWith) * HIGHEST_SCORE), Math.trunc((1 - spreadWithout) * HIGHEST_SCORE)]
  return HIGHEST_SCORE / 2 + Math.trunc((HIGHEST_SCORE / 2 + after - before) / 2)
}

function balanceOfTwo(first: Row, second: Row, slot: number): number {
  const offered = first.offered[slot] ?? 0
  const otherOffered = second.offered[slot] ?? 0
  if (offered === 0 || otherOffered === 0) return gain(0, 0)
  const there = first.used[slot] ?? 0
  const otherThere = second.used[slot] ?? 0
  const after = Math.min(1, (there + first.asked) / offered) - Math.min(1, (otherThere + second.asked) / otherOffered)
  const before = Math.min(1, there / offered) - Math.min(1, otherThere / otherOffered)
  return gain(Math.abs(after) / 2, Math.abs(before) / 2)
}

function used({ offered, used: amounts, asked }: Row, slot: number, joined: boolean): number {
  return Math.min(1, ((amounts[slot] ?? 0) + (joined ? asked : 0)) / (offered[slot] ?? 0))
}

/** The standard deviation of the used shares of what the node offers. */
function spreadOf(rows: readonly Row[], slot: number, joined: boolean): number {
  const shares = rows.filter(({ offered }) => (offered[slot] ?? 0) > 0).map((row) => used(row, slot, joined))
  if (shares.length < 2) return 0
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  if (shares.length === 2) return Math.abs((shares[0] ?? 0) - (shares[1] ?? 0)) / 2
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length)
}
