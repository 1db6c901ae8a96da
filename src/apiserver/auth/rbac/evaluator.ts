import { type rbac, refs } from '#api'
import type { AccessQuestion, Authorizer, Decision, ObjectReader, UserInfo } from '../../contract.ts'
import { noOpinion } from '../authorize/authorize.ts'
import { type BindingIndex, type Grant, grantsFor, indexBindings } from './bindings.ts'
import { type CompiledRule, rulesOf } from './rules.ts'

/** What a user may do in one place (the cluster, or a namespace), by the bindings there. */
export interface UserRules {
  readonly grants: readonly ResolvedGrant[]
  /** Bindings to roles that do not exist. */
  readonly errors: readonly string[]
}
interface ResolvedGrant {
  readonly rules: readonly CompiledRule[]
  readonly source: readonly rbac.PolicyRule[]
  readonly allowed: Decision
}

export interface RbacEvaluator extends Authorizer {
  authorize(scope: unknown, question: AccessQuestion): Decision
  /** All rules that hold for a user in a namespace (empty: at the cluster scope), and what could not be resolved. */
  rulesFor(user: UserInfo, namespace: string): { readonly rules: readonly rbac.PolicyRule[]; readonly errors: readonly string[] }
}

/**
 * Answers by the stored roles and bindings. What a user may do is compiled when it is first asked for and kept until a role or
 * a binding changes, so that a question costs a walk over the user's own few rules.
 */
export function rbacEvaluator(reader: ObjectReader): RbacEvaluator {
  const kinds = [refs.clusterroles, refs.roles, refs.clusterrolebindings, refs.rolebindings] as const
  const versions: number[] = kinds.map(() => Number.NaN)
  let bindings: BindingIndex | undefined
  let places = new WeakMap<UserInfo, Map<string, UserRules>>()

  const refresh = (): BindingIndex => {
    let bindingsChanged = bindings === undefined
    let changed = false
    kinds.forEach((kind, at) => {
      const version = reader.version(kind)
      if (version === versions[at]) return
      versions[at] = version
      changed = true
      if (at >= 2) bindingsChanged = true
    })
    if (changed) places = new WeakMap()
    if (bindingsChanged || bindings === undefined) bindings = indexBindings(reader)
    return bindings
  }

  const rulesIn = (index: BindingIndex, user: UserInfo, namespace: string): UserRules => {
    let ofUser = places.get(user)
    if (ofUser === undefined) places.set(user, (ofUser = new Map()))
    let rules = ofUser.get(namespace)
    if (rules === undefined) {
      const subjects = namespace === '' ? index.cluster : index.namespaces.get(namespace)
      ofUser.set(namespace, (rules = resolve(reader, grantsFor(subjects, user), namespace)))
    }
    return rules
  }

  return {
    name: 'rbac',
    authorize(_scope, question) {
      const index = refresh()
      const cluster = rulesIn(index, question.user, '')
      const allowed = firstThatAllows(cluster.grants, question)
      if (allowed !== undefined) return allowed
      if (question.namespace === '') return refuse(cluster.errors)
      const own = rulesIn(index, question.user, question.namespace)
      return firstThatAllows(own.grants, question) ?? refuse([...cluster.errors, ...own.errors])
    },
    rulesFor(user, namespace) {
      const index = refresh()
      const all = [rulesIn(index, user, ''), ...(namespace === '' ? [] : [rulesIn(index, user, namespace)])]
      return { rules: all.flatMap(({ grants }) => grants.flatMap(({ source }) => source)), errors: all.flatMap(({ errors }) => errors) }
    },
  }
}

function firstThatAllows(grants: readonly ResolvedGrant[], question: AccessQuestion): Decision | undefined {
  for (const grant of grants) {
    for (const rule of grant.rules) if (rule.allows(question)) return grant.allowed
  }
  return undefined
}

function refuse(errors: readonly string[]): Decision {
  return noOpinion(errors.length === 0 ? '' : `RBAC: ${aggregate(errors)}`)
}

/** Several messages as one, each once. */
export function aggregate(messages: readonly string[]): string {
  const [first = '', ...more] = new Set(messages)
  return more.length === 0 ? first : `[${[first, ...more].join(', ')}]`
}

function resolve(reader: ObjectReader, grants: readonly Grant[], namespace: string): UserRules {
  const resolved: ResolvedGrant[] = []
  const errors: string[] = []
  for (const { binding, subject } of grants) {
    const role = roleOf(reader, binding.roleRef, namespace)
    if (role === undefined) {
      errors.push(missingRole(binding.roleRef))
      continue
    }
    resolved.push({
      rules: rulesOf(role),
      source: role.rules ?? [],
      allowed: { kind: 'allow', reason: reasonOf(binding, subject, namespace) },
    })
  }
  return { grants: resolved, errors }
}

/** The role that a binding in this namespace (empty: a binding of the cluster) refers to. */
export function roleOf(reader: ObjectReader, roleRef: rbac.RoleRef, namespace: string): rbac.Role | rbac.ClusterRole | undefined {
  if (roleRef.kind === 'ClusterRole') return reader.get(refs.clusterroles, '', roleRef.name)
  return roleRef.kind === 'Role' ? reader.get(refs.roles, namespace, roleRef.name) : undefined
}

export const missingRole = (roleRef: rbac.RoleRef): string =>
  `${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(roleRef.name)} not found`

function reasonOf(binding: rbac.RoleBinding | rbac.ClusterRoleBinding, subject: rbac.Subject, namespace: string): string {
  const { roleRef, metadata } = binding
  const name = metadata?.name ?? ''
  const bindingName =
    namespace === '' ? `ClusterRoleBinding ${JSON.stringify(name)}` : `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`
  const who = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name
  return `RBAC: allowed by ${bindingName} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`
}
