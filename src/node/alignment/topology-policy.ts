import { UserError } from '#base'
import { parseOptions, truth } from './policy-options.ts'

export const TOPOLOGY_POLICIES = ['none', 'best-effort', 'restricted', 'single-numa-node'] as const
export const TOPOLOGY_SCOPES = ['container', 'pod'] as const

/** How far what a container gets (processors, memory, devices) has to be near each other. */
export interface TopologyPolicy {
  readonly name: (typeof TOPOLOGY_POLICIES)[number]
  /** What is to be near each other: the resources of each container, or those of the whole pod. */
  readonly scope: (typeof TOPOLOGY_SCOPES)[number]
  /** Of as many nodes, those with the shortest ways. */
  readonly preferClosest: boolean
  /** On a machine with more memory nodes the choices would be too many. */
  readonly mostNodes: number
}

const USUAL_MOST_NODES = 8

export const NO_ALIGNMENT: TopologyPolicy = { name: 'none', scope: 'container', preferClosest: false, mostNodes: USUAL_MOST_NODES }

/** Options as the kubelet has them: `prefer-closest-numa-nodes=true,max-allowable-numa-nodes=9`. Throws `UserError`. */
export function topologyPolicy(name: TopologyPolicy['name'], scope: TopologyPolicy['scope'], options: string): TopologyPolicy {
  const given = parseOptions('topology manager', options, ['prefer-closest-numa-nodes', 'max-allowable-numa-nodes'])
  const mostNodes = Number(given.get('max-allowable-numa-nodes') ?? USUAL_MOST_NODES)
  if (!Number.isInteger(mostNodes) || mostNodes < USUAL_MOST_NODES)
    throw new UserError(
      `max-allowable-numa-nodes is ${given.get('max-allowable-numa-nodes')}`,
      `give a whole number from ${USUAL_MOST_NODES}`,
    )
  return { name, scope, preferClosest: truth(given, 'prefer-closest-numa-nodes'), mostNodes }
}
