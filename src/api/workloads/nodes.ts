import type { Node } from '../types/core-v1.gen.ts'

/** Somebody has seen that the machine is off: what runs there may be taken for gone. */
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
const ZONE = 'topology.kubernetes.io/zone'

export function isNodeReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
}

export function isOutOfService({ spec }: Node): boolean {
  return spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true
}

export const zoneOf = (node: Node | undefined): string | undefined => node?.metadata?.labels?.[ZONE]
