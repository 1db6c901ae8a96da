import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { prepareFilters } from '../framework/decide.ts'
import type { FilterPlugin, Refusal, SumCheck } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** One node without some of its pods: whether another pod would fit there. */
export interface Trial {
  leave(pod: PodInfo): void
  come(pod: PodInfo): void
  refusal(): Refusal | undefined
  /** Everything is as it was. */
  end(): void
}

/** What is tried on every node that could do. */
export interface Trials {
  on(node: NodeState): Trial
  /** The plugin whose sums alone decide, when there is one: on nodes that it has refused the outcome depends on nothing but what they hold. */
  readonly sumsOf: string | undefined
}

/**
 * Where only sums of what pods ask for stand in the way, trials are sums on paper: a few microseconds a node. Otherwise pods are taken from
 * the cluster and put back, and all rules are asked again.
 */
export function trialsFor(cluster: Cluster, pod: PodInfo, filters: readonly FilterPlugin[]): Trials {
  return sumTrials(cluster, pod, filters) ?? clusterTrials(cluster, pod, filters)
}

function sumTrials(cluster: Cluster, pod: PodInfo, filters: readonly FilterPlugin[]): Trials | undefined {
  // In another order the sums may not be what is told.
  if (filters.some(({ place }) => place !== undefined)) return undefined
  let sums: SumCheck | undefined
  let sumsOf: string | undefined
  const others: ((node: NodeState) => Refusal | undefined)[] = []
  for (const plugin of filters) {
    const prepared = plugin.prepare(cluster, pod)
    if (prepared === undefined) continue
    if (prepared.kind === 'refused') return undefined
    if (prepared.sums !== undefined && sums === undefined) {
      sums = prepared.sums
      sumsOf = plugin.name
    } else if (plugin.ofNode === true) others.push(prepared.check)
    else return undefined
  }
  if (sums === undefined) return undefined
  const check = sums
  const on = (node: NodeState): Trial => {
    let fixed: Refusal | undefined
    for (const other of others) fixed ??= other(node)
    const held = check.nothing()
    return {
      leave: (other) => check.add(held, other, -1),
      come: (other) => check.add(held, other, 1),
      refusal: () => fixed ?? check.refusal(node, held),
      end: () => undefined,
    }
  }
  return { on, sumsOf }
}

function clusterTrials(cluster: Cluster, pod: PodInfo, filters: readonly FilterPlugin[]): Trials {
  const prepare = (group: readonly FilterPlugin[]): ((node: NodeState) => Refusal | undefined) => {
    const prepared = prepareFilters(cluster, pod, group)
    if ('check' in prepared) return prepared.check
    const refused = { plugin: prepared.plugin, reasons: [prepared.message], final: true }
    return () => refused
  }
  const steady = prepare(filters.filter(({ live }) => live === true))
  const others = filters.filter(({ live }) => live !== true)
  const on = (node: NodeState): Trial => {
    const gone = new Map<string, PodInfo>()
    const added = new Map<string, PodInfo>()
    return {
      leave: (other) => {
        cluster.take(other.uid)
        if (!added.delete(other.uid)) gone.set(other.uid, other)
      },
      come: (other) => {
        cluster.place(other, node.name)
        if (!gone.delete(other.uid)) added.set(other.uid, other)
      },
      // What is prepared for all trials is asked first; what is told is the first rule's, in their order.
      refusal: () => (steady(node) === undefined ? prepare(others)(node) : prepare(filters)(node)),
      end: () => {
        for (const uid of added.keys()) cluster.take(uid)
        for (const other of gone.values()) cluster.place(other, node.name)
      },
    }
  }
  return { on, sumsOf: undefined }
}
