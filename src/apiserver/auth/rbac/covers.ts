import type { rbac } from '#api'

/** The smallest grants that a rule consists of: one verb on one resource (of one name) or on one path. */
type Grain =
  | { readonly verb: string; readonly group: string; readonly resource: string; readonly name: string | undefined }
  | { readonly verb: string; readonly url: string }

/** What `wanted` grants beyond `held`, as small rules; empty when everything is covered. A grain must be covered by a single rule. */
export function missingRules(held: readonly rbac.PolicyRule[], wanted: readonly rbac.PolicyRule[]): readonly rbac.PolicyRule[] {
  const missing = wanted.flatMap(grainsOf).filter((grain) => !held.some((rule) => covers(rule, grain)))
  return compact(missing)
}

function grainsOf(rule: rbac.PolicyRule): readonly Grain[] {
  const grains: Grain[] = []
  const names = rule.resourceNames?.length ? rule.resourceNames : [undefined]
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) for (const name of names) grains.push({ verb, group, resource, name })
    }
  }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) grains.push({ verb, url })
  return grains
}

const has = (list: readonly string[] | undefined, word: string): boolean =>
  list !== undefined && (list.includes('*') || list.includes(word))

function covers(rule: rbac.PolicyRule, grain: Grain): boolean {
  if (!has(rule.verbs, grain.verb)) return false
  if ('url' in grain)
    return (rule.nonResourceURLs ?? []).some(
      (url) => url === '*' || url === grain.url || (url.endsWith('*') && grain.url.startsWith(url.replace(/\*+$/, ''))),
    )
  if (!has(rule.apiGroups, grain.group) || !coversResource(rule.resources, grain.resource)) return false
  return !rule.resourceNames?.length || (grain.name !== undefined && rule.resourceNames.includes(grain.name))
}

function coversResource(resources: readonly string[] | undefined, resource: string): boolean {
  if (has(resources, resource)) return true
  const slash = resource.indexOf('/')
  return slash !== -1 && resources !== undefined && resources.includes(`*${resource.slice(slash)}`)
}

/** Verbs on the same thing become one rule. */
function compact(grains: readonly Grain[]): readonly rbac.PolicyRule[] {
  const rules = new Map<string, rbac.PolicyRule>()
  for (const grain of grains) {
    const key = 'url' in grain ? `url ${grain.verb} ${grain.url}` : JSON.stringify([grain.group, grain.resource, grain.name])
    const rule = rules.get(key)
    if (rule !== undefined) {
      if (!rule.verbs.includes(grain.verb)) rule.verbs.push(grain.verb)
    } else if ('url' in grain) {
      rules.set(key, { verbs: [grain.verb], nonResourceURLs: [grain.url] })
    } else {
      const names = grain.name === undefined ? {} : { resourceNames: [grain.name] }
      rules.set(key, { verbs: [grain.verb], apiGroups: [grain.group], resources: [grain.resource], ...names })
    }
  }
  return [...rules.values()]
}

const list = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(' ')}]`

/** A rule in one line, for refusals. */
export function ruleText(rule: rbac.PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ]
  return `{${parts.flatMap(([name, words]) => (words?.length ? [`${name}:${list(words)}`] : [])).join(', ')}}`
}
