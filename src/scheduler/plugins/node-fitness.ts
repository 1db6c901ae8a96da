import type { core } from '#api'
import { type FilterPlugin, type ScorePlugin, normaliseToHighest, refusal } from '../framework/plugin.ts'
import { portsClash } from '../pod/pod-info.ts'
import { tolerates } from '../pod/tolerations.ts'

const UNSCHEDULABLE: core.Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  prepare: (_, pod) => {
    const refused = refusal('NodeUnschedulable', 'node(s) were unschedulable', true)
    return tolerates(pod.tolerations, UNSCHEDULABLE)
      ? undefined
      : { kind: 'check', check: (node) => (node.unschedulable ? refused : undefined) }
  },
}

export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  prepare: (_, pod) => {
    const refused = refusal('TaintToleration', 'node(s) had untolerated taint(s)', true)
    return { kind: 'check', check: (node) => (node.hardTaints.every((taint) => tolerates(pod.tolerations, taint)) ? undefined : refused) }
  },
}

/** Fewer untolerated PreferNoSchedule taints are better. */
export const taintPreference: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  prepare: (_, pod, nodes) => {
    if (nodes.every((node) => node.softTaints.length === 0)) return undefined
    const tolerations = pod.tolerations.filter(({ effect }) => effect === undefined || effect === '' || effect === 'PreferNoSchedule')
    return {
      score: (node) => node.softTaints.filter((taint) => !tolerates(tolerations, taint)).length,
      normalise: (scores) => normaliseToHighest(scores, true),
    }
  },
}

export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  prepare: (_, { nodes: wanted }) => {
    if (wanted === undefined) return undefined
    const refused = refusal('NodeAffinity', "node(s) didn't match Pod's node affinity/selector", true)
    const notNamed = refusal('NodeAffinity', "node(s) didn't satisfy plugin(s) [NodeAffinity]", true)
    return {
      kind: 'check',
      check: (node) => {
        if (wanted.names !== undefined && !wanted.names.has(node.name)) return notNamed
        return wanted.matches(node.name, node.labels) ? undefined : refused
      },
    }
  },
}

export const nodePreference: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  prepare: (_, { preferredNodes }) =>
    preferredNodes.length === 0
      ? undefined
      : {
          score: (node) => preferredNodes.reduce((sum, { weight, test }) => (test(node.labels, node.name) ? sum + weight : sum), 0),
          normalise: (scores) => normaliseToHighest(scores, false),
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
