import { UserError, messageOf, readYamlDocuments } from '#base'
import type { RequestInfo, UserInfo } from '../contract.ts'

export const AUDIT_LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type AuditLevel = (typeof AUDIT_LEVELS)[number]
export const AUDIT_STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type AuditStage = (typeof AUDIT_STAGES)[number]

/** What of a request is written down. */
export interface AuditDecision {
  readonly level: AuditLevel
  readonly omitStages: ReadonlySet<AuditStage>
  readonly omitManagedFields: boolean
}

interface AuditRule extends AuditDecision {
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly {
    readonly group?: string
    readonly resources?: readonly string[]
    readonly resourceNames?: readonly string[]
  }[]
  readonly namespaces: readonly string[]
  readonly nonResourceURLs: readonly string[]
}

/** An audit policy (`audit.k8s.io/v1`): the first rule that fits a request decides; no rule, no record. */
export class AuditPolicy {
  readonly #rules: readonly AuditRule[]
  constructor(rules: readonly AuditRule[]) {
    this.#rules = rules
  }

  /** Undefined when nothing of the request is to be written down. */
  decide(info: RequestInfo, user: UserInfo): AuditDecision | undefined {
    const rule = this.#rules.find((one) => fits(one, info, user))
    return rule === undefined || rule.level === 'None' ? undefined : rule
  }
}

function fits(rule: AuditRule, info: RequestInfo, user: UserInfo): boolean {
  if (rule.users.length > 0 && !rule.users.includes(user.name)) return false
  if (rule.userGroups.length > 0 && !rule.userGroups.some((group) => user.groups.includes(group))) return false
  if (rule.verbs.length > 0 && !rule.verbs.includes(info.verb)) return false
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return info.isResource && fitsResource(rule, info)
  if (rule.nonResourceURLs.length > 0) return !info.isResource && rule.nonResourceURLs.some((url) => fitsPath(url, info.path))
  return true
}

function fitsResource({ namespaces, resources }: AuditRule, info: RequestInfo): boolean {
  if (namespaces.length > 0 && !namespaces.includes(info.namespace)) return false
  if (resources.length === 0) return true
  return resources.some(({ group = '', resources: names = [], resourceNames = [] }) => {
    if (group !== info.group) return false
    if (names.length === 0) return true
    if (resourceNames.length > 0 && !resourceNames.includes(info.name)) return false
    return names.some((name) => fitsName(name, info))
  })
}

function fitsName(name: string, { resource, subresource }: RequestInfo): boolean {
  const combined = subresource === '' ? resource : `${resource}/${subresource}`
  if (name === '*' || name === combined) return true
  if (name.startsWith('*/') && subresource !== '') return name.slice(2) === subresource
  return name.endsWith('/*') && name.slice(0, -2) === resource
}

function fitsPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))
}

/** Reads a policy file. Throws `UserError` that names what is wrong and where. */
export function parseAuditPolicy(text: string, file: string): AuditPolicy {
  const refuse = (what: string): never => {
    throw new UserError(`${file}: ${what}`, 'see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/')
  }
  const [document] = documentsOf(text, refuse)
  const policy = objectOf(document) ?? refuse('it is not an audit policy')
  if (policy['apiVersion'] !== 'audit.k8s.io/v1' || policy['kind'] !== 'Policy')
    refuse('apiVersion must be audit.k8s.io/v1 and kind Policy')
  const globalStages = stagesOf(policy['omitStages'], 'omitStages', refuse)
  const rules = Array.isArray(policy['rules']) ? (policy['rules'] as readonly unknown[]) : []
  if (rules.length === 0) refuse('rules: at least one is needed')
  return new AuditPolicy(
    rules.map((item, at) => {
      const path = `rules[${at}]`
      const rule = objectOf(item) ?? refuse(`${path} is not a rule`)
      const level = AUDIT_LEVELS.find((one) => one === rule['level']) ?? refuse(`${path}.level: use one of ${AUDIT_LEVELS.join(', ')}`)
      const texts = (name: string): readonly string[] => textsOf(rule[name], `${path}.${name}`, refuse)
      const nonResourceURLs = texts('nonResourceURLs')
      const resources = Array.isArray(rule['resources']) ? (rule['resources'] as AuditRule['resources']) : []
      const namespaces = texts('namespaces')
      if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0))
        refuse(`${path}: rules are for resources or for nonResourceURLs, not for both`)
      for (const url of nonResourceURLs)
        if (url !== '*' && (!url.startsWith('/') || url.slice(0, -1).includes('*')))
          refuse(`${path}.nonResourceURLs: ${JSON.stringify(url)} must begin with "/" and may only end with "*"`)
      return {
        level,
        users: texts('users'),
        userGroups: texts('userGroups'),
        verbs: texts('verbs'),
        namespaces,
        nonResourceURLs,
        resources,
        omitStages: new Set([...globalStages, ...stagesOf(rule['omitStages'], `${path}.omitStages`, refuse)]),
        omitManagedFields: (rule['omitManagedFields'] ?? policy['omitManagedFields'] ?? false) === true,
      }
    }),
  )
}

function documentsOf(text: string, refuse: (what: string) => never): readonly unknown[] {
  try {
    return readYamlDocuments(text)
  } catch (error) {
    return refuse(messageOf(error))
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

function textsOf(value: unknown, path: string, refuse: (what: string) => never): readonly string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  return refuse(`${path} must be a list of texts`)
}

function stagesOf(value: unknown, path: string, refuse: (what: string) => never): readonly AuditStage[] {
  return textsOf(value, path, refuse).map(
    (text) => AUDIT_STAGES.find((stage) => stage === text) ?? refuse(`${path}: use some of ${AUDIT_STAGES.join(', ')}`),
  )
}
