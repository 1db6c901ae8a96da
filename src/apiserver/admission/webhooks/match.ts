import { type KubeObject, type Resource, type admissionregistration, refs, statusError } from '#api'
import type { AdmissionRequest, ObjectReader } from '../../contract.ts'
import type { Hook } from './hooks.ts'

type Rule = admissionregistration.RuleWithOperations

const GROUP = 'admissionregistration.k8s.io'
const NAMESPACES = 'namespaces'

/** What decides over requests is not decided over by others: nobody could mend a webhook that refuses everything. */
export function isExempt({ resource }: AdmissionRequest): boolean {
  return resource.group === GROUP
}

/** The namespace that a request is about; of a namespace itself, its name. */
export function namespaceOf({ resource, namespace, name }: AdmissionRequest): string {
  return resource.group === '' && resource.plural === NAMESPACES ? name : namespace
}

/**
 * In which version the webhook is asked about the request: that of the request when a rule names it, otherwise another version of the
 * same kind that a rule names. Undefined when it is not asked. Throws `StatusError` 404 when its namespace is not there.
 */
export function matchedResource(
  hook: Hook,
  request: AdmissionRequest,
  reader: ObjectReader,
  equivalents: (resource: Resource) => readonly Resource[],
): Resource | undefined {
  const namespaceFits = fitsNamespace(hook, request, reader)
  if (namespaceFits === false || !fitsObject(hook, request)) return undefined
  const { rules = [], matchPolicy } = hook.webhook
  const found =
    rules.some((rule) => fitsRule(rule, request.resource, request)) || matchPolicy !== 'Equivalent'
      ? rules.some((rule) => fitsRule(rule, request.resource, request))
        ? request.resource
        : undefined
      : firstEquivalent(rules, request, equivalents(request.resource))
  if (found !== undefined && namespaceFits === 'missing') throw statusError.notFound(refs.namespaces, namespaceOf(request))
  return found
}

function firstEquivalent(rules: readonly Rule[], request: AdmissionRequest, others: readonly Resource[]): Resource | undefined {
  for (const rule of rules) {
    const found = others.find((other) => other !== request.resource && fitsRule(rule, other, request))
    if (found !== undefined) return found
  }
  return undefined
}

function fitsRule(rule: Rule, resource: Resource, request: AdmissionRequest): boolean {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  return (
    fitsScope(scope, request) &&
    names(operations, request.operation) &&
    names(apiGroups, resource.group) &&
    names(apiVersions, resource.version) &&
    resources.some((text) => fitsResource(text, resource.plural, request.subresource))
  )
}

const names = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted)

function fitsScope(scope: string | undefined, { resource, namespace }: AdmissionRequest): boolean {
  if (scope === undefined || scope === '*') return true
  const isNamespaced = namespace !== '' && !(resource.group === '' && resource.plural === NAMESPACES)
  return scope === 'Namespaced' ? isNamespaced : scope === 'Cluster' && !isNamespaced
}

function fitsResource(text: string, plural: string, subresource: string): boolean {
  const slash = text.indexOf('/')
  const [wanted, below] = slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)]
  return (wanted === '*' || wanted === plural) && (below === '*' || below === subresource)
}

function fitsNamespace({ namespaces }: Hook, request: AdmissionRequest, reader: ObjectReader): boolean | 'missing' {
  if (namespaces === undefined) return true
  const name = namespaceOf(request)
  const isNamespace = request.resource.plural === NAMESPACES && request.resource.group === ''
  if (name === '' && !isNamespace) return true
  // A namespace that is being written is judged by the labels that it will have.
  const isWritten = isNamespace && request.subresource === '' && (request.operation === 'CREATE' || request.operation === 'UPDATE')
  const object = isWritten ? request.object : reader.get(refs.namespaces, '', name)
  return object === undefined ? 'missing' : namespaces.matches(object.metadata?.labels)
}

function fitsObject({ objects }: Hook, { object, old }: AdmissionRequest): boolean {
  if (objects === undefined) return true
  const fits = (one: KubeObject | undefined): boolean => one !== undefined && objects.matches(one.metadata?.labels)
  return fits(object) || fits(old)
}
