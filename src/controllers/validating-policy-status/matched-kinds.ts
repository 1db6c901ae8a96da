import type { admissionregistration, GroupVersionKind } from '#api'
import type { DiscoveredResource } from '#client'

/** Expressions of one policy are looked at for no more kinds than these, in the order of its rule. */
const MOST_KINDS = 10

type Rule = admissionregistration.NamedRuleWithOperations

/** The kinds that a policy names: rules with an asterisk for group or version are about too many to look at. Sorted. */
export function matchedKinds(
  constraints: admissionregistration.MatchResources | undefined,
  served: readonly DiscoveredResource[],
): readonly GroupVersionKind[] {
  const kinds = new Map<string, GroupVersionKind>()
  for (const rule of constraints?.resourceRules ?? []) {
    let count = 0
    for (const kind of kindsOfRule(rule, served)) {
      kinds.set(`${kind.group}/${kind.version}/${kind.kind}`, kind)
      if (++count === MOST_KINDS) return sorted(kinds)
    }
  }
  return sorted(kinds)
}

function* kindsOfRule({ apiGroups = [], apiVersions = [], resources = [] }: Rule, served: readonly DiscoveredResource[]) {
  if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) return
  const names = resources.filter((name) => !name.includes('*') && !name.includes('/'))
  for (const group of [...apiGroups].sort()) {
    for (const version of [...apiVersions].sort()) {
      for (const name of [...names].sort()) yield* kindsOfName(group, version, name.toLowerCase(), served)
    }
  }
}

/** Without a group, resources of that name and version in every group are meant. */
function* kindsOfName(group: string, version: string, name: string, served: readonly DiscoveredResource[]): Generator<GroupVersionKind> {
  for (const { ref, singular, otherVersions } of served) {
    if (group !== '' && ref.group !== group) continue
    if (ref.plural !== name && singular !== name) continue
    if (ref.version === version || otherVersions.includes(version)) yield { group: ref.group, version, kind: ref.kind }
  }
}

function sorted(kinds: ReadonlyMap<string, GroupVersionKind>): readonly GroupVersionKind[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return [...kinds.values()].sort((a, b) => order(a.group, b.group) || order(a.version, b.version) || order(a.kind, b.kind))
}
