import type { flowcontrol } from '#api'
import type { RequestInfo, UserInfo } from '../contract.ts'

type FlowSchema = flowcontrol.FlowSchema

/** The flow schema that a request belongs to. */
export interface Classified<Level> {
  readonly schema: FlowSchema
  readonly level: Level
}

/** What is looked at of a request. */
export type ClassifiedRequest = Pick<RequestInfo, 'isResource' | 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'path'>

interface KnownUser<Level> {
  readonly groups: readonly string[]
  readonly byRequest: Map<string, Classified<Level> | undefined>
}

const MOST_USERS = 1000
const MOST_REQUESTS = 500

/**
 * Finds the flow schema of requests: the first that fits, by precedence and then by name. What was found for a user, verb and resource is
 * remembered, so that most requests cost two look-ups.
 */
export class Classifier<Level> {
  readonly #schemas: readonly Classified<Level>[]
  /** Whether some rule is about certain namespaces: otherwise one is like another. */
  readonly #looksAtNamespaces: boolean
  readonly #users = new Map<string, KnownUser<Level>>()

  constructor(schemas: readonly Classified<Level>[]) {
    this.#schemas = [...schemas].sort(
      ({ schema: a }, { schema: b }) =>
        (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
        ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1),
    )
    this.#looksAtNamespaces = schemas.some(({ schema }) =>
      schema.spec?.rules?.some(({ resourceRules = [] }) =>
        resourceRules.some(({ namespaces }) => (namespaces ?? []).some((namespace) => namespace !== '*')),
      ),
    )
  }

  classify(user: UserInfo, request: ClassifiedRequest): Classified<Level> | undefined {
    const known = this.#userOf(user)
    const place = request.namespace === '' || this.#looksAtNamespaces ? request.namespace : '*'
    const key = request.isResource
      ? `${request.verb} ${request.group}/${request.resource}/${request.subresource} ${place}`
      : `${request.verb} ${request.path}`
    const found = known.byRequest.get(key)
    if (found !== undefined) return found
    const made = this.#schemas.find(({ schema }) => fits(schema, user, request))
    if (known.byRequest.size >= MOST_REQUESTS) known.byRequest.clear()
    known.byRequest.set(key, made)
    return made
  }

  #userOf(user: UserInfo): KnownUser<Level> {
    const known = this.#users.get(user.name)
    if (known !== undefined && (known.groups === user.groups || sameGroups(known.groups, user.groups))) return known
    if (this.#users.size >= MOST_USERS) this.#users.clear()
    const made = { groups: user.groups, byRequest: new Map<string, Classified<Level> | undefined>() }
    this.#users.set(user.name, made)
    return made
  }
}

function sameGroups(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((group, at) => group === other[at])
}

function fits({ spec }: FlowSchema, user: UserInfo, request: ClassifiedRequest): boolean {
  return (spec?.rules ?? []).some(
    ({ subjects = [], resourceRules = [], nonResourceRules = [] }) =>
      subjects.some((subject) => fitsSubject(subject, user)) &&
      (request.isResource
        ? resourceRules.some((rule) => fitsResource(rule, request))
        : nonResourceRules.some(
            ({ verbs, nonResourceURLs }) => names(verbs, request.verb) && nonResourceURLs.some((url) => fitsPath(url, request.path)),
          )),
  )
}

const SERVICE_ACCOUNT = 'system:serviceaccount:'

function fitsSubject({ kind, user: byName, group, serviceAccount }: flowcontrol.Subject, user: UserInfo): boolean {
  if (kind === 'User') return byName !== undefined && (byName.name === '*' || byName.name === user.name)
  if (kind === 'Group') return group !== undefined && (group.name === '*' || user.groups.includes(group.name))
  if (kind !== 'ServiceAccount' || serviceAccount === undefined) return false
  const prefix = `${SERVICE_ACCOUNT}${serviceAccount.namespace}:`
  return serviceAccount.name === '*' ? user.name.startsWith(prefix) : user.name === `${prefix}${serviceAccount.name}`
}

const names = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted)

function fitsResource(rule: flowcontrol.ResourcePolicyRule, { verb, group, resource, subresource, namespace }: ClassifiedRequest): boolean {
  const what = subresource === '' ? resource : `${resource}/${subresource}`
  if (!names(rule.verbs, verb) || !names(rule.apiGroups, group) || !names(rule.resources, what)) return false
  return namespace === '' ? rule.clusterScope === true : names(rule.namespaces ?? [], namespace)
}

function fitsPath(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('/*') && path.startsWith(url.slice(0, -1)))
}
