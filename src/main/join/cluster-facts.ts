import { UserError } from '#base'
import type { core } from '#api'
import { FAILOVERS, type Failover } from '../program/failover.ts'
import { NETWORK_MODES, type NetworkMode } from '../instance/instance.ts'

/** What all nodes of a cluster have to agree on, as an object that machines read when they join and when they start. */
export interface ClusterFacts {
  readonly networkMode: NetworkMode
  readonly clusterCidr: string
  readonly serviceCidr: string
  /** Of IPv6, where the cluster speaks it too. */
  readonly clusterCidr6?: string
  readonly serviceCidr6?: string
  /** Where pods ask for names. */
  readonly dnsService: string
  /** Where every node answers names, for itself. */
  readonly dnsAddress: string
  readonly balancerPool: string
  readonly failover: Failover
}

export const CLUSTER_FACTS = { namespace: 'kube-system', name: 'sampan-cluster' } as const
/** Of what is written here. A machine that knows another one does not guess. */
const FORM = '1'

export function factsObject(facts: ClusterFacts): core.ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: CLUSTER_FACTS, data: { form: FORM, ...facts } }
}

/** Throws `UserError`. */
export function factsOf({ data = {} }: core.ConfigMap): ClusterFacts {
  if (data['form'] !== FORM)
    throw new UserError(
      `the cluster describes itself in the form ${data['form'] ?? '(none)'}, and this Sampan knows ${FORM}`,
      'use the version of Sampan that the cluster was made with',
    )
  const text = (name: string, form: RegExp): string => {
    const value = data[name] ?? ''
    if (!form.test(value))
      throw new UserError(
        `the cluster says of its ${name}: ${JSON.stringify(value)}`,
        `mend ConfigMap ${CLUSTER_FACTS.namespace}/${CLUSTER_FACTS.name}: sampan token create writes it`,
      )
    return value
  }
  const oneOf = <T extends string>(name: string, values: readonly T[]): T => {
    const value = text(name, /./)
    return values.find((one) => one === value) ?? (text(name, new RegExp(`^(${values.join('|')})$`)) as T)
  }
  return {
    networkMode: oneOf('networkMode', NETWORK_MODES),
    clusterCidr: text('clusterCidr', CIDR),
    serviceCidr: text('serviceCidr', CIDR),
    ...(data['clusterCidr6'] === undefined ? {} : { clusterCidr6: text('clusterCidr6', CIDR6), serviceCidr6: text('serviceCidr6', CIDR6) }),
    dnsService: text('dnsService', ADDRESS),
    dnsAddress: text('dnsAddress', ADDRESS),
    balancerPool: text('balancerPool', CIDR),
    failover: oneOf('failover', FAILOVERS),
  }
}

const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/
const CIDR6 = /^[0-9a-f:]{2,39}\/\d{1,3}$/
const CIDR = /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/
