import type { core } from '#api'

/** Somebody has seen that the machine is off: what runs there may be taken for gone. */
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

export function isNodeReady(node: core.Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

export function isOutOfService(node: core.Node): boolean {
  return node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true
}
