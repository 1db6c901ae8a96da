import type { rbac } from '#api'
import type { AccessQuestion } from '../../contract.ts'

/** A rule made ready for many questions. */
export interface CompiledRule {
  allows(question: AccessQuestion): boolean
}

/** Undefined stands for `*`. */
type Words = ReadonlySet<string> | undefined
const words = (list: readonly string[] | undefined): Words => (list?.includes('*') ? undefined : new Set(list ?? []))
const holds = (set: Words, word: string): boolean => set === undefined || set.has(word)

export function compileRule(rule: rbac.PolicyRule): CompiledRule {
  const verbs = words(rule.verbs)
  const groups = words(rule.apiGroups)
  const resources = words(rule.resources)
  const names = rule.resourceNames?.length ? new Set(rule.resourceNames) : undefined
  const urls = rule.nonResourceURLs ?? []
  return {
    allows(question) {
      if (!holds(verbs, question.verb)) return false
      if (!question.isResource) return urls.length > 0 && coversUrl(urls, question.path)
      if (!holds(groups, question.group)) return false
      if (!coversResource(resources, question.resource, question.subresource)) return false
      return names === undefined || names.has(question.name)
    },
  }
}

function coversResource(resources: Words, resource: string, subresource: string): boolean {
  if (resources === undefined) return true
  if (subresource === '') return resources.has(resource)
  return resources.has(`${resource}/${subresource}`) || resources.has(`*/${subresource}`)
}

function coversUrl(urls: readonly string[], path: string): boolean {
  return urls.some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))))
}

const compiled = new WeakMap<object, readonly CompiledRule[]>()

/** The rules of a stored role, compiled once for each version of the object. */
export function rulesOf(role: rbac.Role | rbac.ClusterRole): readonly CompiledRule[] {
  let rules = compiled.get(role)
  if (rules === undefined) {
    rules = (role.rules ?? []).map(compileRule)
    compiled.set(role, rules)
  }
  return rules
}
