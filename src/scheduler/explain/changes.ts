import type { core } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { tolerates } from '../pod/tolerations.ts'

/** One thing to do, after which a rule would no longer refuse a node. */
export interface Change {
  readonly what: string
  /** How much it asks for: 1, and for resources more the more is missing. */
  readonly cost: number
}

type Propose = (cluster: Cluster, pod: PodInfo, node: NodeState) => readonly Change[] | undefined

const simple = (what: string): Change => ({ what, cost: 1 })

const PROPOSALS: Readonly<Record<string, Propose>> = {
  NodeUnschedulable: (_, __, { name }) => [simple(`kubectl uncordon ${name}`)],
  TaintToleration: (_, pod, { hardTaints }) =>
    hardTaints.filter((taint) => !tolerates(pod.tolerations, taint)).map((taint) => simple(`tolerate the taint ${taintText(taint)}`)),
  NodeAffinity: (_, { pod }, node) => {
    const wanted = Object.entries(pod.spec?.nodeSelector ?? {}).filter(([key, value]) => node.labels[key] !== value)
    const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    // Affinity has alternatives and operators: which label to give is the reader's choice.
    if (required !== undefined || wanted.length === 0) return undefined
    return wanted.map(([key, value]) => simple(`kubectl label node ${node.name} ${key}=${value}`))
  },
  NodeResourcesFit: (cluster, pod, { slot }) => {
    const changes: Change[] = []
    if (cluster.podCount.get(slot) + 1 > cluster.allocatable('pods').get(slot)) changes.push(simple('remove a pod from the node'))
    for (const [resource, amount] of pod.requests) {
      const free = cluster.allocatable(resource).get(slot) - cluster.requested(resource).get(slot)
      if (amount === 0 || amount <= free) continue
      const missing = amount - Math.max(0, free)
      const text = (value: number): string => amountText(resource, value)
      const what =
        free > 0
          ? `ask for ${text(free)} ${resource} instead of ${text(amount)}, or free ${text(missing)}`
          : `free ${text(missing)} ${resource} on the node`
      changes.push({ what, cost: 1 + missing / amount })
    }
    return changes
  },
  NodePorts: (_, pod) => [simple(`use other host ports than ${[...new Set(pod.ports.map(({ port }) => port))].join(', ')}`)],
}

/** What would end the refusal of a node by this rule; undefined when there is no simple answer. */
export function changesFor(plugin: string, cluster: Cluster, pod: PodInfo, node: NodeState): readonly Change[] | undefined {
  return PROPOSALS[plugin]?.(cluster, pod, node)
}

const taintText = ({ key, value, effect }: core.Taint): string =>
  `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}`

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti'] as const

/** As it stands in a pod: thousandths of a CPU, bytes in the largest unit that is exact. */
function amountText(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`
  let [value, unit] = [amount, 0]
  while (value !== 0 && value % 1024 === 0 && unit < BINARY.length - 1) {
    value /= 1024
    unit++
  }
  return `${value}${BINARY[unit] ?? ''}`
}
