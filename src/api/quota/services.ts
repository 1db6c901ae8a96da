import type { KubeObject } from '../meta/object.ts'
import type { Amounts } from '../pods/resources.ts'
import type * as core from '../types/core-v1.gen.ts'
import type { QuotaEvaluator } from './evaluator.ts'

const NAMES = ['count/services', 'services', 'services.nodeports', 'services.loadbalancers']

export const serviceEvaluator: QuotaEvaluator = {
  matching: (names) => names.filter((name) => NAMES.includes(name)),
  matchesScope: () => false,
  problem: () => undefined,
  usage: serviceUsage,
  charges: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  frees: (old, now) => JSON.stringify(serviceUsage(old)) !== JSON.stringify(serviceUsage(now)),
}

/** Node ports are counted before they are given: each port of a type that gets them. */
function serviceUsage(service: KubeObject): Amounts {
  const { type, ports = [], allocateLoadBalancerNodePorts } = (service as core.Service).spec ?? {}
  const balances = type === 'LoadBalancer'
  const given = balances && allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort = 0 }) => nodePort !== 0) : ports
  return {
    'count/services': '1',
    services: '1',
    'services.nodeports': String(balances || type === 'NodePort' ? given.length : 0),
    'services.loadbalancers': balances ? '1' : '0',
  }
}
