import type { core, resource } from '#api'
import { nodeSelectorMatches } from '../../pod/node-match.ts'
import type { DeviceView } from './device-view.ts'

/** The newest devices of one pool of a driver, as far as a node can use them. */
export interface Pool {
  readonly driver: string
  readonly name: string
  /** In order; the first that fits is taken. */
  readonly slices: readonly resource.ResourceSlice[]
  /** All of the pool's devices, those of other nodes included: they use the same counters. */
  readonly all: readonly resource.ResourceSlice[]
  readonly counters: ReadonlyMap<string, resource.CounterSet>
  /** Being changed by its driver: not all slices are there. */
  readonly isIncomplete: boolean
  /** Its driver contradicts itself: nothing of it can be given away. */
  readonly problem: string | undefined
}

export interface NodeLike {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

type Placement = Pick<resource.Device, 'nodeName' | 'allNodes' | 'nodeSelector'>

export function isOnNode({ nodeName, allNodes, nodeSelector }: Placement, node: NodeLike): boolean {
  if (nodeName !== undefined && nodeName !== '') return nodeName === node.name
  if (allNodes === true) return true
  return nodeSelector !== undefined && nodeSelectorMatches(nodeSelector as core.NodeSelector, node.name, node.labels)
}

const isRelevant = ({ spec }: resource.ResourceSlice, node: NodeLike): boolean =>
  spec.perDeviceNodeSelection === true ? (spec.devices ?? []).some((device) => isOnNode(device, node)) : isOnNode(spec, node)

const byName = (a: resource.ResourceSlice, b: resource.ResourceSlice): number =>
  (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1

/** Pools that have something for this node: those whose devices must be made ready before a pod can be bound come last. */
export function poolsFor(view: DeviceView, node: NodeLike): readonly Pool[] {
  const found = new Map<string, { readonly driver: string; readonly name: string; readonly slices: resource.ResourceSlice[] }>()
  for (const slice of view.slicesFor(node.name)) {
    const { driver, pool, sharedCounters = [] } = slice.spec
    if (sharedCounters.length > 0 || !isRelevant(slice, node)) continue
    const key = `${driver}/${pool.name}`
    const known = found.get(key)
    if (known === undefined) found.set(key, { driver, name: pool.name, slices: [slice] })
    else known.slices.push(slice)
  }
  const pools = [...found.values()].flatMap(({ driver, name, slices }) => {
    const all = view.slicesOfPool(driver, name)
    const newest = Math.max(...all.map(({ spec }) => spec.pool.generation))
    const current = slices.filter(({ spec }) => spec.pool.generation === newest).sort(byName)
    return current.length === 0
      ? []
      : [
          poolOf(
            driver,
            name,
            current,
            all.filter(({ spec }) => spec.pool.generation === newest),
          ),
        ]
  })
  const order = (pool: Pool): string => `${mustBeMadeReady(pool) ? 1 : 0} ${pool.driver}\0${pool.name}`
  return pools.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

const mustBeMadeReady = ({ slices }: Pool): boolean =>
  slices.some(({ spec }) => (spec.devices ?? []).some(({ bindingConditions }) => bindingConditions !== undefined))

function poolOf(driver: string, name: string, slices: readonly resource.ResourceSlice[], whole: readonly resource.ResourceSlice[]): Pool {
  const counters = new Map<string, resource.CounterSet>()
  let problem: string | undefined
  for (const set of whole.flatMap(({ spec }) => spec.sharedCounters ?? [])) {
    if (counters.has(set.name)) problem ??= `duplicate counter set name ${set.name}`
    counters.set(set.name, set)
  }
  const all = whole.filter(({ spec }) => (spec.sharedCounters ?? []).length === 0)
  const names = new Set<string>()
  for (const { name: device, consumesCounters = [] } of all.flatMap(({ spec }) => spec.devices ?? [])) {
    if (names.has(device)) problem ??= `duplicate device name ${device}`
    names.add(device)
    for (const { counterSet, counters: used } of consumesCounters) {
      const set = counters.get(counterSet)
      if (set === undefined) problem ??= `counter set ${counterSet} not found`
      else
        for (const counter of Object.keys(used))
          if (!Object.hasOwn(set.counters, counter)) problem ??= `counter ${counter} not found in counter set ${counterSet}`
    }
  }
  return { driver, name, slices, all, counters, isIncomplete: whole.length !== whole[0]?.spec.pool.resourceSliceCount, problem }
}
