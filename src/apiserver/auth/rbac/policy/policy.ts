import type { rbac } from '#api'
import { BINDINGS, type BindingData } from './bindings.ts'
import { COMPONENT_ROLES, type RoleData } from './component-roles.ts'
import { CONTROLLER_ROLES } from './controller-roles.ts'
import { NAMESPACED_ROLES } from './namespaced-roles.ts'

export interface BootstrapPolicy {
  readonly clusterRoles: readonly rbac.ClusterRole[]
  readonly clusterRoleBindings: readonly rbac.ClusterRoleBinding[]
  readonly roles: readonly rbac.Role[]
  readonly roleBindings: readonly rbac.RoleBinding[]
}

const GROUP = 'rbac.authorization.k8s.io'
const VERSION = `${GROUP}/v1`
/** Set to `false` on one of these objects, it is left alone from then on. */
export const AUTOUPDATE_ANNOTATION = 'rbac.authorization.kubernetes.io/autoupdate'

/** The policy as objects, made anew at each call: the caller owns them. */
export function bootstrapPolicy(): BootstrapPolicy {
  const controllers: readonly BindingData[] = CONTROLLER_ROLES.map(({ name }) => ({
    name,
    role: `ClusterRole ${name}`,
    subjects: [`ServiceAccount kube-system/${name.replace('system:controller:', '')}`],
  }))
  return {
    clusterRoles: [...COMPONENT_ROLES, ...CONTROLLER_ROLES].map((data) => ({ ...roleOf(data, 'ClusterRole'), ...aggregationOf(data) })),
    clusterRoleBindings: [...BINDINGS.filter(({ namespace }) => namespace === undefined), ...controllers].map((data) =>
      bindingOf(data, 'ClusterRoleBinding'),
    ),
    roles: NAMESPACED_ROLES.map((data) => roleOf(data, 'Role')),
    roleBindings: BINDINGS.filter(({ namespace }) => namespace !== undefined).map((data) => bindingOf(data, 'RoleBinding')),
  }
}

/** The rules of the role `system:node`, by which the node authorizer decides what it does not decide by object. */
export function nodeRules(): readonly rbac.PolicyRule[] {
  return (COMPONENT_ROLES.find(({ name }) => name === 'system:node')?.rules ?? []).map(parseRule)
}

function metadataOf({
  name,
  namespace,
  aggregateTo,
}: {
  name: string
  namespace?: string
  aggregateTo?: string
}): NonNullable<rbac.Role['metadata']> {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: {
      'kubernetes.io/bootstrapping': 'rbac-defaults',
      ...(aggregateTo === undefined ? {} : { [`${GROUP}/aggregate-to-${aggregateTo}`]: 'true' }),
    },
    annotations: { [AUTOUPDATE_ANNOTATION]: 'true' },
  }
}

function roleOf(data: RoleData, kind: string): rbac.Role {
  return { apiVersion: VERSION, kind, metadata: metadataOf(data), rules: data.rules === null ? null : data.rules.map(parseRule) }
}

function aggregationOf({ aggregates }: RoleData): { aggregationRule?: rbac.AggregationRule } {
  if (aggregates === undefined) return {}
  return { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${GROUP}/aggregate-to-${aggregates}`]: 'true' } }] } }
}

function bindingOf(data: BindingData, kind: string): rbac.RoleBinding {
  const [roleKind = '', roleName = ''] = data.role.split(' ')
  return {
    apiVersion: VERSION,
    kind,
    metadata: metadataOf(data),
    roleRef: { apiGroup: GROUP, kind: roleKind, name: roleName },
    ...(data.subjects === null ? {} : { subjects: data.subjects.map(parseSubject) }),
  }
}

export function parseRule(line: string): rbac.PolicyRule {
  const [verbs = [], second = [], resources, names] = line.split(' ').map((word) => word.split(','))
  if (resources === undefined) return { verbs, nonResourceURLs: second }
  const apiGroups = second.map((group) => (group === 'core' ? '' : group))
  return { verbs, apiGroups, resources, ...(names === undefined ? {} : { resourceNames: names }) }
}

function parseSubject(text: string): rbac.Subject {
  const [kind = '', name = ''] = text.split(' ')
  if (kind !== 'ServiceAccount') return { kind, apiGroup: GROUP, name }
  const [namespace = '', account = ''] = name.split('/')
  return { kind, name: account, namespace }
}
