import type { CertificatePlan, PlannedLeaf, Subject } from '#base'
import { GROUPS, nodeUserName } from '../users.ts'

/** File names below the folder of the cluster's keys. */
export const FILES = {
  authority: 'ca',
  server: 'apiserver',
  admin: 'admin',
  toNodes: 'apiserver-kubelet-client',
  tokenKey: 'service-accounts',
} as const

const DAY_MS = 86_400_000
const AUTHORITY_LIFE_MS = 3650 * DAY_MS
const LEAF_LIFE_MS = 365 * DAY_MS
const AUTHORITY_NAME = 'sampan-ca'
const ALL_ADDRESSES: readonly string[] = ['0.0.0.0', '::', '']

export interface ClusterNames {
  /** The address that the API server listens on. */
  readonly bindAddress: string
  /** The first address of each service range: where pods find the API. */
  readonly serviceAddresses: readonly string[]
  /** `cluster.local`. */
  readonly domain: string
  /** Further names and addresses by which the API server is reached. */
  readonly names: readonly string[]
  /** Nodes whose agents start beside this server. */
  readonly nodes: readonly string[]
}

/** Who the parts of a cluster are, by their client certificates. */
export const componentSubject = {
  /** Everything, whatever the rules say: the group that RBAC cannot take rights from. */
  admin: (): Subject => ({ commonName: 'kubernetes-admin', organizations: [GROUPS.masters] }),
  controllers: (): Subject => ({ commonName: 'system:kube-controller-manager' }),
  scheduler: (): Subject => ({ commonName: 'system:kube-scheduler' }),
  proxy: (): Subject => ({ commonName: 'system:kube-proxy' }),
  /** It has no rights but those that a binding gives it. */
  gateway: (): Subject => ({ commonName: 'sampan:gateway' }),
  /** As the gateway. */
  delivery: (): Subject => ({ commonName: 'sampan:delivery' }),
  /** The API server towards the nodes' own API. */
  toNodes: (): Subject => ({ commonName: 'kube-apiserver-kubelet-client', organizations: [GROUPS.masters] }),
  node: (name: string): Subject => ({ commonName: nodeUserName(name), organizations: [GROUPS.nodes] }),
} as const

/** A client certificate for a part that reaches the API over the network. */
export const clientLeaf = (file: string, subject: Subject): PlannedLeaf => ({
  file,
  subject,
  usages: ['clientAuth'],
  lifetimeMs: LEAF_LIFE_MS,
})

/** All certificates and keys that a cluster has from the start: for `ensureCertificates`. */
export function clusterCertificates(names: ClusterNames): CertificatePlan {
  return {
    authority: { file: FILES.authority, commonName: AUTHORITY_NAME, lifetimeMs: AUTHORITY_LIFE_MS },
    leaves: [
      {
        file: FILES.server,
        subject: { commonName: 'kube-apiserver' },
        usages: ['serverAuth'],
        names: serverNames(names),
        lifetimeMs: LEAF_LIFE_MS,
      },
      clientLeaf(FILES.admin, componentSubject.admin()),
      clientLeaf(FILES.toNodes, componentSubject.toNodes()),
      clientLeaf('controllers', componentSubject.controllers()),
      clientLeaf('scheduler', componentSubject.scheduler()),
      clientLeaf('proxy', componentSubject.proxy()),
      clientLeaf('gateway', componentSubject.gateway()),
      clientLeaf('delivery', componentSubject.delivery()),
      ...names.nodes.map((node) => clientLeaf(`node-${node}`, componentSubject.node(node))),
    ],
    signingKeys: [FILES.tokenKey],
  }
}

function serverNames({ bindAddress, serviceAddresses, domain, names }: ClusterNames): readonly string[] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${domain}`]
  const bound = ALL_ADDRESSES.includes(bindAddress) ? [] : [bindAddress]
  return [...new Set(['localhost', '127.0.0.1', '::1', ...service, ...serviceAddresses, ...bound, ...names])]
}
