import type { UserInfo } from '../contract.ts'

export const GROUPS = {
  authenticated: 'system:authenticated',
  unauthenticated: 'system:unauthenticated',
  /** Its members may do everything; nothing can take that away. */
  masters: 'system:masters',
  nodes: 'system:nodes',
  serviceAccounts: 'system:serviceaccounts',
} as const
export const ANONYMOUS_NAME = 'system:anonymous'

const NODE_PREFIX = 'system:node:'
const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:'
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

export const isDnsSubdomain = (name: string): boolean => name.length <= 253 && DNS_SUBDOMAIN.test(name)

export const anonymous: UserInfo = { name: ANONYMOUS_NAME, groups: [GROUPS.unauthenticated], extra: {} }

/** The user with `system:authenticated` among its groups, last where it is added. */
export function authenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(GROUPS.authenticated) || user.groups.includes(GROUPS.unauthenticated)) return user
  return { ...user, groups: [...user.groups, GROUPS.authenticated] }
}

export const serviceAccountUserName = (namespace: string, name: string): string => `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`
export const serviceAccountGroups = (namespace: string): readonly string[] => [
  GROUPS.serviceAccounts,
  `${GROUPS.serviceAccounts}:${namespace}`,
]

/** The parts of `system:serviceaccount:NAMESPACE:NAME`; undefined when the name is not of this form or a part is not a valid name. */
export function parseServiceAccountUser(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!userName.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined
  const [namespace = '', name = '', ...more] = userName.slice(SERVICE_ACCOUNT_PREFIX.length).split(':')
  return more.length === 0 && DNS_LABEL.test(namespace) && isDnsSubdomain(name) ? { namespace, name } : undefined
}

export const nodeUserName = (node: string): string => `${NODE_PREFIX}${node}`

/** The node of `system:node:NAME` as a valid node name; undefined for other users. */
export function parseNodeUser(userName: string): string | undefined {
  if (!userName.startsWith(NODE_PREFIX)) return undefined
  const name = userName.slice(NODE_PREFIX.length)
  return isDnsSubdomain(name) ? name : undefined
}

/** Whether the user acts as a node, and as which: empty when the user is in the nodes' group under a name without a node. */
export function nodeIdentity(user: UserInfo): string | undefined {
  if (!user.name.startsWith(NODE_PREFIX) || !user.groups.includes(GROUPS.nodes)) return undefined
  return user.name.slice(NODE_PREFIX.length)
}

/** Keys of `UserInfo.extra` that the server itself sets. */
export const EXTRA = {
  credentialId: 'authentication.kubernetes.io/credential-id',
  podName: 'authentication.kubernetes.io/pod-name',
  podUid: 'authentication.kubernetes.io/pod-uid',
  nodeName: 'authentication.kubernetes.io/node-name',
  nodeUid: 'authentication.kubernetes.io/node-uid',
} as const
