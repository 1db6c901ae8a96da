import { type rbac, refs } from '#api'
import { canonicalJson, type ControllerDefinition, done, type Informer, matcherOf, sameOnWire } from '#reconcile'

/** The rules of the roles that an aggregated role selects: in the order of the selectors, by name within one; equal rules come once. */
export function aggregateRules(role: rbac.ClusterRole, all: readonly rbac.ClusterRole[]): rbac.PolicyRule[] {
  const rules = new Map<string, rbac.PolicyRule>()
  const byName = [...all].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selects = matcherOf(selector)
    for (const other of byName) {
      if (other.metadata?.name === role.metadata?.name || !selects(other.metadata?.labels ?? {})) continue
      for (const rule of other.rules ?? []) {
        const id = canonicalJson(rule)
        if (!rules.has(id)) rules.set(id, rule)
      }
    }
  }
  return [...rules.values()]
}

export const clusterRoleAggregationController: ControllerDefinition = {
  name: 'clusterrole-aggregation-controller',
  workers: 1,
  setup(context) {
    // Any role may be selected by an aggregated one, so a change of one concerns all of those.
    const roles: Informer<rbac.ClusterRole> = context.watch(refs.clusterroles, () =>
      context.informers
        .informer(refs.clusterroles)
        .list()
        .filter((role) => role.aggregationRule !== undefined)
        .map((role) => role.metadata?.name ?? ''),
    )
    const client = context.client.resource(refs.clusterroles)
    return async (scope, name) => {
      const role = roles.get(name)
      if (role?.aggregationRule === undefined) return done
      const rules = aggregateRules(role, roles.list())
      if (!sameOnWire(rules, role.rules ?? [])) await client.update(scope, { ...role, rules })
      return done
    }
  },
}
