import type { core } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeMemo } from '../cluster/node-memo.ts'
import { type FilterPlugin, type ScorePlugin, normaliseToHighest, refusal } from '../framework/plugin.ts'
import type { NodeMatcher } from '../pod/node-match.ts'
import { portsClash } from '../pod/pod-info.ts'
import { tolerates } from '../pod/tolerations.ts'

const UNSCHEDULABLE: core.Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepare: (cluster, pod) => {
    if (cluster.restrictions.unschedulable === 0) return undefined
    const refused = refusal('NodeUnschedulable', 'node(s) were unschedulable', true)
    return tolerates(pod.tolerations, UNSCHEDULABLE)
      ? undefined
      : { kind: 'check', check: (node) => (node.unschedulable ? refused : undefined) }
  },
}

export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  prepare: (cluster, pod) => {
    if (cluster.restrictions.hardTaints === 0) return undefined
    const refused = refusal('TaintToleration', 'node(s) had untolerated taint(s)', true)
    return { kind: 'check', check: (node) => (node.hardTaints.every((taint) => tolerates(pod.tolerations, taint)) ? undefined : refused) }
  },
}

/** Fewer untolerated PreferNoSchedule taints are better. */
export const taintPreference: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  prepare: (cluster, pod, nodes) => {
    if (cluster.restrictions.softTaints === 0 || nodes.every((node) => node.softTaints.length === 0)) return undefined
    const tolerations = pod.tolerations.filter(({ effect }) => effect === undefined || effect === '' || effect === 'PreferNoSchedule')
    return {
      score: (node) => node.softTaints.filter((taint) => !tolerates(tolerations, taint)).length,
      normalise: (scores) => normaliseToHighest(scores, true),
    }
  },
}

export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  prepare: (cluster, { nodes: wanted }) => {
    if (wanted === undefined) return undefined
    const refused = refusal('NodeAffinity', "node(s) didn't match Pod's node affinity/selector", true)
    const notNamed = refusal('NodeAffinity', "node(s) didn't satisfy plugin(s) [NodeAffinity]", true)
    const matching = matchingNodes(cluster, wanted)
    return {
      kind: 'check',
      check: (node) => {
        if (wanted.names !== undefined && !wanted.names.has(node.name)) return notNamed
        return matching.of(node) === 1 ? undefined : refused
      },
    }
  },
}

/** 1 for nodes that match. */
export const matchingNodes = (cluster: Cluster, wanted: NodeMatcher): NodeMemo =>
  cluster.memo(wanted.key, (node) => (wanted.matches(node.name, node.labels) ? 1 : 0))

export const nodePreference: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  prepare: (cluster, { preferredNodes }) => {
    if (preferredNodes === undefined) return undefined
    const weights = cluster.memo(preferredNodes.key, (node) => preferredNodes.weigh(node.name, node.labels))
    return { score: (node) => weights.of(node), normalise: (scores) => normaliseToHighest(scores, false) }
  },
}

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepare: (_, { ports }) => {
    if (ports.length === 0) return undefined
    const refused = refusal('NodePorts', "node(s) didn't have free ports for the requested pod ports", false)
    return {
      kind: 'check',
      check: (node) => (node.ports.some((used) => ports.some((port) => portsClash(port, used))) ? refused : undefined),
    }
  },
}
