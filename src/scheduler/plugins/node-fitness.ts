import { type core, featuresToRun } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeMemo } from '../cluster/node-memo.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { type FilterPlugin, type Refusal, type ScorePlugin, normaliseToHighest, refusal, refusedEverywhere } from '../framework/plugin.ts'
import { type NodeMatcher, preferredNodes, requiredNodes } from '../pod/node-match.ts'
import { portsClash } from '../pod/pod-info.ts'
import { tolerates } from '../pod/tolerations.ts'

const UNSCHEDULABLE: core.Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  live: true,
  ofNode: true,
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
  live: true,
  ofNode: true,
  prepare: (cluster, pod) => {
    if (cluster.restrictions.hardTaints === 0) return undefined
    const refused = refusal('TaintToleration', 'node(s) had untolerated taint(s)', true)
    const isKeptAway = ({ hardTaints }: NodeState): number => (hardTaints.every((taint) => tolerates(pod.tolerations, taint)) ? 0 : 1)
    const memo = cluster.memo(`taints ${JSON.stringify(pod.tolerations)}`, isKeptAway)
    return { kind: 'check', column: memo.column(cluster.slots), check: (node) => (memo.of(node) === 0 ? undefined : refused) }
  },
}

/** Fewer untolerated PreferNoSchedule taints are better. */
export const taintPreference = (weight: number): ScorePlugin => ({
  name: 'TaintToleration',
  weight,
  prepare: (cluster, pod, candidates) => {
    if (cluster.restrictions.softTaints === 0 || candidates.nodes.every((node) => node.softTaints.length === 0)) return undefined
    const tolerations = pod.tolerations.filter(({ effect }) => effect === undefined || effect === '' || effect === 'PreferNoSchedule')
    return {
      score: (node) => node.softTaints.filter((taint) => !tolerates(tolerations, taint)).length,
      normalise: (scores) => normaliseToHighest(scores, true),
    }
  },
})

/** `added`: what the scheduler's configuration demands of every pod's node. */
export function nodeAffinity(added: core.NodeAffinity | undefined): FilterPlugin {
  const name = 'NodeAffinity'
  const enforced = added === undefined ? undefined : requiredNodes({ containers: [], affinity: { nodeAffinity: added } })
  return {
    name,
    live: true,
    ofNode: true,
    prepare: (cluster, { nodes: wanted }) => {
      if (wanted === undefined && enforced === undefined) return undefined
      const names = wanted?.names
      if (names?.size === 0) return refusedEverywhere('pod affinity terms conflict')
      const refused = refusal(name, "node(s) didn't match Pod's node affinity/selector", true)
      const notNamed = refusal(name, "node(s) didn't satisfy plugin(s) [NodeAffinity]", true)
      const notEnforced = refusal(name, "node(s) didn't match scheduler-enforced node affinity", true)
      const matching = wanted === undefined ? undefined : matchingNodes(cluster, wanted)
      const demanded = enforced === undefined ? undefined : matchingNodes(cluster, enforced)
      const early = names === undefined ? undefined : (node: NodeState) => (names.has(node.name) ? undefined : notNamed)
      const check = (node: NodeState): Refusal | undefined => {
        const elsewhere = early?.(node)
        if (elsewhere !== undefined) return elsewhere
        if (demanded?.of(node) === 0) return notEnforced
        return matching?.of(node) === 0 ? refused : undefined
      }
      const kept = cluster.memo(`affinity ${wanted?.key ?? ''} ${enforced?.key ?? ''}`, (node) => (check(node) === undefined ? 0 : 1))
      return { kind: 'check', check, column: kept.column(cluster.slots), ...(early === undefined ? {} : { early }) }
    },
  }
}

/** 1 for nodes that match. */
export const matchingNodes = (cluster: Cluster, wanted: NodeMatcher): NodeMemo =>
  cluster.memo(wanted.key, (node) => (wanted.matches(node.name, node.labels) ? 1 : 0))

export function nodePreference(added: core.NodeAffinity | undefined, weight: number): ScorePlugin {
  const general = added === undefined ? undefined : preferredNodes({ containers: [], affinity: { nodeAffinity: added } })
  return {
    name: 'NodeAffinity',
    weight,
    prepare: (cluster, { preferredNodes: own }) => {
      const memos = [own, general].flatMap((one) =>
        one === undefined ? [] : [cluster.memo(one.key, (node) => one.weigh(node.name, node.labels))],
      )
      if (memos.length === 0) return undefined
      return {
        score: (node) => memos.reduce((sum, memo) => sum + memo.of(node), 0),
        normalise: (scores) => normaliseToHighest(scores, false),
      }
    },
  }
}

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  live: true,
  prepare: (_, { ports }) => {
    if (ports.length === 0) return undefined
    const refused = refusal('NodePorts', "node(s) didn't have free ports for the requested pod ports", false)
    return {
      kind: 'check',
      check: (node) => (node.ports.some((used) => ports.some((port) => portsClash(port, used))) ? refused : undefined),
    }
  },
}

export const nodeDeclaredFeatures: FilterPlugin = {
  name: 'NodeDeclaredFeatures',
  live: true,
  ofNode: true,
  prepare: (_, { pod }) => {
    const needed = featuresToRun(pod.spec)
    if (needed.length === 0) return undefined
    const refused = refusal('NodeDeclaredFeatures', "node(s) didn't match Pod's required features", true)
    return {
      kind: 'check',
      check: ({ node }) => {
        const declared = node.status?.declaredFeatures ?? []
        return needed.every((feature) => declared.includes(feature)) ? undefined : refused
      },
    }
  },
}
