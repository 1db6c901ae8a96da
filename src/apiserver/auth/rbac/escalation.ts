import { isDeepStrictEqual } from 'node:util'
import type { Scope } from '#base'
import { type rbac, statusError } from '#api'
import type { AccessQuestion, AdmissionRequest, AdmissionStep, Authorizer, ObjectReader, UserInfo } from '../../contract.ts'
import { GROUPS } from '../users.ts'
import { missingRules, ruleText } from './covers.ts'
import { type RbacEvaluator, roleOf } from './evaluator.ts'

const GROUP = 'rbac.authorization.k8s.io'
const ROLES: readonly string[] = ['roles', 'clusterroles']
const BINDINGS: readonly string[] = ['rolebindings', 'clusterrolebindings']
const EVERYTHING: readonly rbac.PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
]

/**
 * Nobody gives away rights that they do not hold: a role may only get rules that its writer has, unless the writer may `escalate`
 * it; a binding only to a role whose rules its writer has, unless the writer may `bind` it.
 */
export function escalationStep(reader: ObjectReader, evaluator: RbacEvaluator, authorizer: Authorizer): AdmissionStep {
  return {
    name: 'RbacEscalation',
    replaces: true,
    handles: ({ resource, operation, subresource }) =>
      resource.group === GROUP && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    // After all other changes to the object and before validation, where the storage of the roles would ask.
    mutate: (scope, request) => {
      if (request.user.groups.includes(GROUPS.masters)) return undefined
      if (ROLES.includes(request.resource.plural)) return checkRole(scope, evaluator, authorizer, request)
      return BINDINGS.includes(request.resource.plural) ? checkBinding(scope, reader, evaluator, authorizer, request) : undefined
    },
  }
}

async function checkRole(scope: Scope, evaluator: RbacEvaluator, authorizer: Authorizer, request: AdmissionRequest): Promise<void> {
  const role = request.object as rbac.ClusterRole
  const old = request.old as rbac.ClusterRole | undefined
  if (old !== undefined && sameRules(role, old)) return
  const onCreate = request.operation === 'CREATE'
  if (await allowed(scope, authorizer, request, 'escalate', request.resource.plural, onCreate ? '' : request.name)) return
  const { user, namespace, resource } = request
  const refuse = (why: string): Error => statusError.forbidden(resource, role.metadata?.name ?? '', why)
  const takesOver = role.aggregationRule !== undefined && !isDeepStrictEqual(role.aggregationRule, old?.aggregationRule)
  const held = evaluator.rulesFor(user, namespace)
  if (takesOver && missingRules(held.rules, EVERYTHING).length > 0)
    throw refuse('must have cluster-admin privileges to use the aggregationRule')
  const why = excess(user, held, role.rules ?? [])
  if (why !== undefined) throw refuse(why)
}

async function checkBinding(
  scope: Scope,
  reader: ObjectReader,
  evaluator: RbacEvaluator,
  authorizer: Authorizer,
  request: AdmissionRequest,
): Promise<void> {
  const binding = request.object as rbac.RoleBinding
  const old = request.old as rbac.RoleBinding | undefined
  if (old !== undefined && isDeepStrictEqual(binding.roleRef, old.roleRef) && isDeepStrictEqual(binding.subjects ?? [], old.subjects ?? []))
    return
  const { roleRef } = binding
  const plural = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
  if (await allowed(scope, authorizer, request, 'bind', plural, roleRef.name)) return
  const role = roleOf(reader, roleRef, request.namespace)
  if (role === undefined) throw statusError.notFound({ group: GROUP, plural }, roleRef.name)
  const why = excess(request.user, evaluator.rulesFor(request.user, request.namespace), role.rules ?? [])
  if (why !== undefined) throw statusError.forbidden(request.resource, binding.metadata?.name ?? '', why)
}

const sameRules = (one: rbac.ClusterRole, other: rbac.ClusterRole): boolean =>
  isDeepStrictEqual(one.rules ?? [], other.rules ?? []) && isDeepStrictEqual(one.aggregationRule, other.aggregationRule)

async function allowed(
  scope: Scope,
  authorizer: Authorizer,
  request: AdmissionRequest,
  verb: string,
  resource: string,
  name: string,
): Promise<boolean> {
  const { user, namespace } = request
  const question: AccessQuestion = {
    user,
    verb,
    isResource: true,
    group: GROUP,
    version: '*',
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
  }
  return (await authorizer.authorize(scope, question)).kind === 'allow'
}

/** Why these rules are more than the user holds. */
function excess(user: UserInfo, held: ReturnType<RbacEvaluator['rulesFor']>, wanted: readonly rbac.PolicyRule[]): string | undefined {
  const missing = [...new Set(missingRules(held.rules, wanted).map(ruleText))].sort()
  if (missing.length === 0) return undefined
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ')
  const trouble = held.errors.length === 0 ? '' : `; resolution errors: [${held.errors.join(' ')}]`
  return `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}${trouble}`
}
