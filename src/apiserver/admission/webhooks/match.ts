import { type KubeObject, type LabelSelector, type Resource, type admissionregistration, refs, statusError } from '#api'
import type { AdmissionRequest, ObjectReader } from '../../contract.ts'
import type { Hook } from './hooks.ts'

type Rule = admissionregistration.NamedRuleWithOperations

/** What decides whether a webhook or a policy is asked about a request. */
export interface MatchTarget {
  readonly rules: readonly Rule[]
  /** What these fit is passed over. */
  readonly excluded?: readonly Rule[]
  readonly matchPolicy: string | undefined
  readonly namespaces: LabelSelector | undefined
  readonly objects: LabelSelector | undefined
}

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

/** The name that the request says: none when it creates under a generated one, or deletes many. */
export function saidName({ name, isOfCollection }: AdmissionRequest): string {
  return isOfCollection === true ? '' : name
}

type Equivalents = (resource: Resource) => readonly Resource[]

/** As `matchedBy`, for a webhook. */
export function matchedResource(
  { webhook, namespaces, objects }: Hook,
  request: AdmissionRequest,
  reader: ObjectReader,
  equivalents: Equivalents,
): Resource | undefined {
  return matchedBy({ rules: webhook.rules ?? [], matchPolicy: webhook.matchPolicy, namespaces, objects }, request, reader, equivalents)
}

/**
 * In which version the asker is asked about the request: that of the request when a rule names it, otherwise another version of the
 * same kind that a rule names. Undefined when it is not asked. Throws `StatusError` 404 when its namespace is not there.
 */
export function matchedBy(
  target: MatchTarget,
  request: AdmissionRequest,
  reader: ObjectReader,
  equivalents: Equivalents,
): Resource | undefined {
  const namespaceFits = fitsNamespace(target, request, reader)
  if (namespaceFits === false || !fitsObject(target, request)) return undefined
  const { rules, excluded = [], matchPolicy } = target
  if (excluded.length > 0 && fittingResource(excluded, matchPolicy, request, equivalents) !== undefined) return undefined
  const found = fittingResource(rules, matchPolicy, request, equivalents)
  if (found !== undefined && namespaceFits === 'missing') throw statusError.notFound(refs.namespaces, namespaceOf(request))
  return found
}

function fittingResource(
  rules: readonly Rule[],
  matchPolicy: string | undefined,
  request: AdmissionRequest,
  equivalents: Equivalents,
): Resource | undefined {
  if (rules.some((rule) => fitsRule(rule, request.resource, request))) return request.resource
  return matchPolicy === 'Equivalent' ? firstEquivalent(rules, request, equivalents(request.resource)) : undefined
}

function firstEquivalent(rules: readonly Rule[], request: AdmissionRequest, others: readonly Resource[]): Resource | undefined {
  for (const rule of rules) {
    const found = others.find((other) => other !== request.resource && fitsRule(rule, other, request))
    if (found !== undefined) return found
  }
  return undefined
}

function fitsRule(rule: Rule, resource: Resource, request: AdmissionRequest): boolean {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], resourceNames = [], scope } = rule
  return (
    (resourceNames.length === 0 || resourceNames.includes(saidName(request))) &&
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

function fitsNamespace({ namespaces }: MatchTarget, request: AdmissionRequest, reader: ObjectReader): boolean | 'missing' {
  if (namespaces === undefined) return true
  const name = namespaceOf(request)
  const isNamespace = request.resource.plural === NAMESPACES && request.resource.group === ''
  if (name === '' && !isNamespace) return true
  // A namespace that is being written is judged by the labels that it will have.
  const isWritten = isNamespace && request.subresource === '' && (request.operation === 'CREATE' || request.operation === 'UPDATE')
  const object = isWritten ? request.object : reader.get(refs.namespaces, '', name)
  return object === undefined ? 'missing' : namespaces.matches(object.metadata?.labels)
}

function fitsObject({ objects }: MatchTarget, { object, old }: AdmissionRequest): boolean {
  if (objects === undefined) return true
  const fits = (one: KubeObject | undefined): boolean => one !== undefined && objects.matches(one.metadata?.labels)
  return fits(object) || fits(old)
}
