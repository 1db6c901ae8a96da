import type { Random } from '#base'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { NodeColumn } from '../cluster/node-column.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type Candidates, CandidateSlots, candidatesOf } from './candidates.ts'
import { FilterFailed, type FilterPlugin, type Refusal, type ScorePlugin, refusal } from './plugin.ts'
import { scoreNodes, valueAt } from './scores.ts'

export interface Plugins {
  readonly filters: readonly FilterPlugin[]
  readonly scores: readonly ScorePlugin[]
}

/** The nodes that all rules allow, as far as they were looked for; or why there are none. */
export type Found =
  | { readonly kind: 'feasible'; readonly nodes: readonly NodeState[]; readonly diagnosis: Diagnosis }
  | { readonly kind: 'refused'; readonly diagnosis: Diagnosis }

export type Decision = { readonly kind: 'placed'; readonly node: NodeState } | { readonly kind: 'refused'; readonly diagnosis: Diagnosis }

/** Why no node will do. */
export interface Diagnosis {
  readonly nodes: number
  /** In the order of the cluster's nodes; many share one object. */
  readonly refusals: readonly (Refusal | undefined)[]
  /** When one rule refused all nodes at once. */
  readonly general?: { readonly plugin: string; readonly message: string; readonly tail?: string }
}

const FEWEST_FEASIBLE = 100
const FEWEST_PERCENT = 5

/** With many nodes only some are compared: as many percent as told, else half of them, less the more there are, at least 5 %; and 100 in any case. */
export function nodesToFind(nodes: number, told = 0): number {
  if (nodes < FEWEST_FEASIBLE || told >= 100) return nodes
  const percent = told > 0 ? told : Math.max(FEWEST_PERCENT, 50 - Math.floor(nodes / 125))
  return Math.max(FEWEST_FEASIBLE, Math.floor((nodes * percent) / 100))
}

interface SlotTest {
  readonly column: NodeColumn | undefined
  readonly fits: ((slot: number) => boolean) | undefined
}

/** Why no node would do for a pod: the same for all that are tested by the same columns, until something changes. */
interface KnownRefusal {
  readonly cluster: Cluster
  readonly changes: number
  readonly columns: readonly Float64Array[]
  readonly refused: { readonly kind: 'refused'; readonly diagnosis: Diagnosis }
}

export interface NodeCheck {
  readonly check: (node: NodeState) => Refusal | undefined
  /** The same by slots, when all rules allow it. */
  readonly tests: readonly SlotTest[] | undefined
}

/** The rules that have something to say of this pod, as one check; or that no node will do. */
export function prepareFilters(
  cluster: Cluster,
  pod: PodInfo,
  filters: readonly FilterPlugin[],
): NodeCheck | NonNullable<Diagnosis['general']> {
  const checks: ((node: NodeState) => Refusal | undefined)[] = []
  const placed: { readonly place: number; readonly check: (typeof checks)[number] }[] = []
  const early: ((node: NodeState) => Refusal | undefined)[] = []
  const tests: SlotTest[] = []
  for (const plugin of filters) {
    const prepared = plugin.prepare(cluster, pod)
    if (prepared?.kind === 'refused')
      return { plugin: plugin.name, message: prepared.message, ...(prepared.tail === undefined ? {} : { tail: prepared.tail }) }
    if (prepared === undefined) continue
    checks.push(prepared.check)
    if (plugin.place !== undefined) placed.push({ place: plugin.place, check: prepared.check })
    if (prepared.early !== undefined) early.push(prepared.early)
    if (prepared.column !== undefined || prepared.fits !== undefined) tests.push({ column: prepared.column, fits: prepared.fits })
  }
  const known = tests.length === checks.length ? tests : undefined
  const [only] = checks
  if (only !== undefined && checks.length === 1) return { check: only, tests: known }
  const sorted = placed.length === 0 ? checks : placed.sort((a, b) => a.place - b.place).map(({ check }) => check)
  const all = early.length === 0 ? sorted : [...early, ...sorted]
  return {
    tests: known,
    check: (node) => {
      for (const check of all) {
        const refused = check(node)
        if (refused !== undefined) return refused
      }
      return undefined
    },
  }
}

/**
 * Chooses a node: nodes that all rules allow, from `start` on in a circle until enough are found, then the one with the highest score;
 * `random` decides among equals. Pure: the cluster is not changed.
 */
export class Decider {
  readonly #plugins: Plugins
  readonly #random: Random
  readonly #percentage: number
  /** Of the decision that is being made; kept between them, as they are large. */
  readonly #refusals: (Refusal | undefined)[] = []
  #found = new Int32Array(FEWEST_FEASIBLE)
  /** The last pod found no node: the next one may not either, and then it is asked why at once. */
  #hasRefused = false
  #lastRefusal: KnownRefusal | undefined
  #start = 0

  /** `percentage`: of the nodes to compare; 0 leaves it to their number. */
  constructor(plugins: Plugins, random: Random, percentage = 0) {
    this.#plugins = plugins
    this.#random = random
    this.#percentage = percentage
  }

  /** `allows` is asked last, for what else a node has to meet (pods that were promised the place). */
  decide(cluster: Cluster, pod: PodInfo, allows?: (node: NodeState) => Refusal | undefined): Decision {
    const prepared = prepareFilters(cluster, pod, this.#plugins.filters)
    const columns = this.#hasRefused && allows === undefined && 'check' in prepared ? columnsOf(prepared.tests) : undefined
    const known = columns === undefined ? undefined : this.#knownRefusal(cluster, columns)
    if (known !== undefined) return known
    if ('check' in prepared && prepared.tests !== undefined && !this.#hasRefused) {
      const slots = this.#findSlots(cluster, prepared.tests, allows)
      const best = this.#bestOf(cluster, pod, new CandidateSlots(cluster, slots))
      if (best !== undefined) return { kind: 'placed', node: best }
      // None will do: now it matters why.
    }
    const found = this.#findAmong(cluster, prepared, allows)
    this.#hasRefused = found.kind === 'refused'
    if (found.kind === 'refused') {
      this.#lastRefusal = columns === undefined ? undefined : { cluster, changes: cluster.loadChanges, columns, refused: found }
      return found
    }
    const best = this.best(cluster, pod, found.nodes)
    return best === undefined ? { kind: 'refused', diagnosis: found.diagnosis } : { kind: 'placed', node: best }
  }

  #knownRefusal(cluster: Cluster, columns: readonly Float64Array[]): KnownRefusal['refused'] | undefined {
    const last = this.#lastRefusal
    if (last === undefined || last.cluster !== cluster || last.changes !== cluster.loadChanges) return undefined
    return last.columns.length === columns.length && last.columns.every((one, at) => one === columns[at]) ? last.refused : undefined
  }

  /** The first half of a decision. The diagnosis of feasible nodes is of those that were refused on the way; it is good until the next call. */
  find(cluster: Cluster, pod: PodInfo, allows?: (node: NodeState) => Refusal | undefined): Found {
    return this.#findAmong(cluster, prepareFilters(cluster, pod, this.#plugins.filters), allows)
  }

  #findAmong(
    cluster: Cluster,
    prepared: ReturnType<typeof prepareFilters>,
    allows: ((node: NodeState) => Refusal | undefined) | undefined,
  ): Found {
    const nodes = cluster.nodes()
    if (!('check' in prepared))
      return {
        kind: 'refused',
        diagnosis: {
          nodes: nodes.length,
          refusals: nodes.map(() => refusal(prepared.plugin, prepared.message, true)),
          general: prepared,
        },
      }
    const feasible: NodeState[] = []
    const wanted = nodesToFind(nodes.length, this.#percentage)
    const { check } = prepared
    const start = this.#start < nodes.length ? this.#start : 0
    const refusals = this.#refusals
    refusals.length = nodes.length
    refusals.fill(undefined)
    let seen = 0
    for (let at = start; seen < nodes.length && feasible.length < wanted; seen++, at++) {
      if (at === nodes.length) at = 0
      const node = nodes[at]
      if (node === undefined) continue
      const refused = check(node) ?? allows?.(node)
      if (refused?.isFailure === true)
        throw new FilterFailed(`running ${JSON.stringify(refused.plugin)} filter plugin: ${refused.reasons.join(', ')}`)
      refusals[at] = refused
      if (refused === undefined) feasible.push(node)
    }
    if (nodes.length > 0) this.#start = (start + seen) % nodes.length
    return feasible.length === 0
      ? { kind: 'refused', diagnosis: { nodes: nodes.length, refusals: refusals.slice() } }
      : { kind: 'feasible', nodes: feasible, diagnosis: { nodes: nodes.length, refusals } }
  }

  /** The same nodes as `find` gives, by numbers alone. Good until the next call. */
  #findSlots(cluster: Cluster, tests: readonly SlotTest[], allows: ((node: NodeState) => Refusal | undefined) | undefined): Int32Array {
    const slots = cluster.slotsInOrder()
    const { length } = slots
    const wanted = nodesToFind(length, this.#percentage)
    if (this.#found.length < wanted) this.#found = new Int32Array(wanted)
    const found = this.#found
    const start = this.#start < length ? this.#start : 0
    let [count, seen] = [0, 0]
    for (let at = start; seen < length && count < wanted; seen++, at++) {
      if (at === length) at = 0
      const slot = slots[at] ?? 0
      if (!fits(cluster, tests, slot)) continue
      const node = allows === undefined ? undefined : cluster.at(slot)
      if (node !== undefined && allows?.(node) !== undefined) continue
      found[count++] = slot
    }
    if (length > 0) this.#start = (start + seen) % length
    return found.subarray(0, count)
  }

  /** The other half. `further` is added to the plugins' sums, by node name. */
  best(cluster: Cluster, pod: PodInfo, feasible: readonly NodeState[], further?: ReadonlyMap<string, number>): NodeState | undefined {
    return this.#bestOf(cluster, pod, candidatesOf(feasible), further)
  }

  #bestOf(cluster: Cluster, pod: PodInfo, candidates: Candidates, further?: ReadonlyMap<string, number>): NodeState | undefined {
    const { slots } = candidates
    if (slots.length <= 1) return cluster.at(slots[0] ?? -1)
    const totals = scoreNodes(cluster, pod, candidates, this.#plugins.scores)
    if (further !== undefined)
      for (const [i, { name }] of candidates.nodes.entries()) totals[i] = (totals[i] ?? 0) + (further.get(name) ?? 0)
    let highest = -Infinity
    let equals = 0
    for (let i = 0; i < totals.length; i++) {
      const score = totals[i] ?? 0
      if (score > highest) {
        highest = score
        equals = 1
      } else if (score === highest) equals++
    }
    let skipped = equals === 1 ? 0 : Math.floor(this.#random.float() * equals)
    for (let i = 0; i < totals.length; i++) if (totals[i] === highest && skipped-- === 0) return cluster.at(slots[i] ?? -1)
    return cluster.at(slots[0] ?? -1)
  }
}

/** Undefined: not all that is tested is a number of the node's that is remembered. */
function columnsOf(tests: readonly SlotTest[] | undefined): readonly Float64Array[] | undefined {
  const columns = (tests ?? []).flatMap(({ column }) => (column === undefined ? [] : [column.values]))
  return columns.length === tests?.length ? columns : undefined
}

/** Whether no rule finds anything. */
function fits(cluster: Cluster, tests: readonly SlotTest[], slot: number): boolean {
  for (let i = 0; i < tests.length; i++) {
    const column = tests[i]?.column
    if (column === undefined) {
      if (tests[i]?.fits?.(slot) === false) return false
      continue
    }
    const known = column.values[slot] ?? NaN
    if (known !== 0 && (known === known || valueAt(cluster, column, slot) !== 0)) return false
  }
  return true
}
