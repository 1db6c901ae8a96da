import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type {
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  ServiceAccountSubject,
  Subject,
} from '../../types/flowcontrol-v1.gen.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']
const KINDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

export function validateRules(rules: readonly PolicyRulesWithSubjects[] | undefined, path: Path, errors: FieldErrors): void {
  rules?.forEach(({ subjects = [], resourceRules = [], nonResourceRules = [] }, at) => {
    const one = path.index(at)
    if (subjects.length === 0) errors.push(fieldError.required(one.child('subjects'), 'subjects must contain at least one value'))
    subjects.forEach((subject, i) => validateSubject(subject, one.child('subjects').index(i), errors))
    if (resourceRules.length === 0 && nonResourceRules.length === 0)
      errors.push(fieldError.required(one, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
    resourceRules.forEach((rule, i) => validateResourceRule(rule, one.child('resourceRules').index(i), errors))
    nonResourceRules.forEach((rule, i) => validatePathRule(rule, one.child('nonResourceRules').index(i), errors))
  })
}

function validateSubject(subject: Subject, path: Path, errors: FieldErrors): void {
  const { kind = '' } = subject
  if (!(kind === 'ServiceAccount' || kind === 'User' || kind === 'Group')) {
    errors.push(fieldError.notSupported(path.child('kind'), kind, ['Group', 'ServiceAccount', 'User']))
    return
  }
  const field = KINDS[kind]
  const given = subject[field]
  if (given === undefined) errors.push(fieldError.required(path.child(field), `${field} is required when subject kind is '${kind}'`))
  else if (kind === 'ServiceAccount') validateAccount(given as ServiceAccountSubject, path.child(field), errors)
  else if ((given.name ?? '') === '') errors.push(fieldError.required(path.child(field).child('name')))
  for (const other of ['ServiceAccount', 'User', 'Group'] as const) {
    if (other === kind || subject[KINDS[other]] === undefined) continue
    errors.push(fieldError.forbidden(path.child(KINDS[other]), `${KINDS[other]} is forbidden when subject kind is not '${other}'`))
  }
}

function validateAccount({ name = '', namespace = '' }: ServiceAccountSubject, path: Path, errors: FieldErrors): void {
  if (name === '') errors.push(fieldError.required(path.child('name')))
  else if (name !== '*') invalidText(name, dnsSubdomainErrors(name), path.child('name'), errors)
  if (namespace === '') errors.push(fieldError.required(path.child('namespace'), 'must specify namespace for service account'))
  else invalidText(namespace, dnsLabelErrors(namespace), path.child('namespace'), errors)
}

function validateVerbs(verbs: readonly string[], path: Path, errors: FieldErrors): void {
  if (verbs.length === 0) errors.push(fieldError.required(path, 'verbs must contain at least one value'))
  else if (verbs.includes('*')) validateAlone(verbs, 'verbs', path, errors)
  else if (!verbs.every((verb) => VERBS.includes(verb))) errors.push(fieldError.notSupported(path, verbs, VERBS))
}

/** `*` stands for everything, so nothing stands beside it. */
function validateAlone(values: readonly string[], what: string, path: Path, errors: FieldErrors): void {
  if (values.includes('*') && values.length > 1)
    errors.push(fieldError.invalid(path, values, `if '*' is present, must not specify other ${what}`))
}

function validateResourceRule(rule: ResourcePolicyRule, path: Path, errors: FieldErrors): void {
  const { verbs = [], apiGroups = [], resources = [], clusterScope = false } = rule
  const namespaces = rule.namespaces ?? []
  validateVerbs(verbs, path.child('verbs'), errors)
  if (apiGroups.length === 0) errors.push(fieldError.required(path.child('apiGroups'), 'resource rules must supply at least one api group'))
  else validateAlone(apiGroups, 'api groups', path.child('apiGroups'), errors)
  if (resources.length === 0) errors.push(fieldError.required(path.child('resources'), 'resource rules must supply at least one resource'))
  else validateAlone(resources, 'resources', path.child('resources'), errors)
  const at = path.child('namespaces')
  if (namespaces.length === 0 && !clusterScope)
    errors.push(fieldError.required(at, 'resource rules that are not cluster scoped must supply at least one namespace'))
  else if (namespaces.includes('*')) validateAlone(namespaces, 'namespaces', at, errors)
  else
    namespaces.forEach((namespace, i) => {
      const messages = dnsLabelErrors(namespace).map((message) => `each member of this list must be '*' or a DNS-1123 label; ${message}`)
      invalidText(namespace, messages, at.index(i), errors)
    })
}

function validatePathRule({ verbs = [], nonResourceURLs = [] }: NonResourcePolicyRule, path: Path, errors: FieldErrors): void {
  validateVerbs(verbs, path.child('verbs'), errors)
  const at = path.child('nonResourceURLs')
  if (nonResourceURLs.length === 0) errors.push(fieldError.required(at, 'nonResourceURLs must contain at least one value'))
  else if (nonResourceURLs.includes('*')) validateAlone(nonResourceURLs, 'non-resource URLs', at, errors)
  else
    nonResourceURLs.forEach((url, i) => {
      const message = urlPathError(url)
      if (message !== undefined) errors.push(fieldError.invalid(at.index(i), url, message))
    })
}

function urlPathError(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path === '/') return undefined
  if (!path.startsWith('/')) return 'must start with slash'
  if (path.includes(' ')) return 'must not contain white-space'
  if (path.includes('//')) return 'must not contain double slash'
  const wildcards = path.split('*').length - 1
  return wildcards > 1 || (wildcards === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}
