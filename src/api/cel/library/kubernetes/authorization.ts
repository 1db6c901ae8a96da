import { Opaque, type Outcome } from '../../values/value.ts'
import type { Library } from '../../types/functions.ts'

const PREFIX = 'kubernetes.authorization.'
const AUTHORIZER = `${PREFIX}Authorizer`
const PATH = `${PREFIX}PathCheck`
const GROUP = `${PREFIX}GroupCheck`
const RESOURCE = `${PREFIX}ResourceCheck`
const DECISION = `${PREFIX}Decision`
export const AUTHORIZATION_TYPES = { authorizer: AUTHORIZER, path: PATH, group: GROUP, resource: RESOURCE, decision: DECISION } as const

/** What is asked: may this user do that? Undefined `resource`: with a path that is no resource's. */
export interface AccessQuery {
  readonly verb: string
  readonly path?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /** Asked for this service account instead of the request's user. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
}
export interface AccessAnswer {
  readonly allowed: boolean
  readonly reason: string
  /** Why nobody could say. */
  readonly error?: string
}
/** What is asked about, whatever is to be done with it. */
export type ResourceQuery = Omit<AccessQuery, 'verb'>
export type AskAccess = (query: AccessQuery) => AccessAnswer

class Check extends Opaque {
  readonly typeName: string
  readonly ask: AskAccess
  readonly query: ResourceQuery
  constructor(typeName: string, ask: AskAccess, query: ResourceQuery) {
    super()
    this.typeName = typeName
    this.ask = ask
    this.query = query
  }
  equals(other: Opaque): boolean {
    return other instanceof Check && JSON.stringify(other.query) === JSON.stringify(this.query)
  }
  with(typeName: string, more: ResourceQuery): Check {
    return new Check(typeName, this.ask, { ...this.query, ...more })
  }
}

class Decision extends Opaque {
  readonly typeName = DECISION
  readonly answer: AccessAnswer
  constructor(answer: AccessAnswer) {
    super()
    this.answer = answer
  }
  equals(other: Opaque): boolean {
    return other instanceof Decision && other.answer.allowed === this.answer.allowed && other.answer.reason === this.answer.reason
  }
}

const check = (one: Check, verb: string): Outcome => new Decision(one.ask({ ...one.query, verb }))

export const authorization: Library = [
  ['path', 'authorizer_path', `${AUTHORIZER}.(string) -> ${PATH}`, (one: Check, path: string) => one.with(PATH, { path })],
  ['group', 'authorizer_group', `${AUTHORIZER}.(string) -> ${GROUP}`, (one: Check, group: string) => one.with(GROUP, { group })],
  [
    'serviceAccount',
    'authorizer_serviceaccount',
    `${AUTHORIZER}.(string, string) -> ${AUTHORIZER}`,
    (one: Check, namespace: string, name: string) => one.with(AUTHORIZER, { serviceAccount: { namespace, name } }),
  ],
  [
    'resource',
    'groupcheck_resource',
    `${GROUP}.(string) -> ${RESOURCE}`,
    (one: Check, resource: string) => one.with(RESOURCE, { resource }),
  ],
  ...(['subresource', 'namespace', 'name'] as const).map(
    (name) =>
      [
        name,
        `resourcecheck_${name}`,
        `${RESOURCE}.(string) -> ${RESOURCE}`,
        (one: Check, value: string) => one.with(RESOURCE, { [name]: value }),
      ] as const,
  ),
  ...(['fieldSelector', 'labelSelector'] as const).map(
    (name) =>
      [
        name,
        `authorizer_${name.toLowerCase()}`,
        `${RESOURCE}.(string) -> ${RESOURCE}`,
        (one: Check, value: string) => one.with(RESOURCE, { [name]: value }),
      ] as const,
  ),
  ['check', 'pathcheck_check', `${PATH}.(string) -> ${DECISION}`, check],
  ['check', 'resourcecheck_check', `${RESOURCE}.(string) -> ${DECISION}`, check],
  ['errored', 'decision_errored', `${DECISION}.() -> bool`, ({ answer }: Decision) => answer.error !== undefined],
  ['error', 'decision_error', `${DECISION}.() -> string`, ({ answer }: Decision) => answer.error ?? ''],
  ['allowed', 'decision_allowed', `${DECISION}.() -> bool`, ({ answer }: Decision) => answer.allowed],
  ['reason', 'decision_reason', `${DECISION}.() -> string`, ({ answer }: Decision) => answer.reason],
]

/** The `authorizer` variable. */
export const authorizerValue = (ask: AskAccess): Opaque => new Check(AUTHORIZER, ask, {})
/** `authorizer.requestResource`. */
export const resourceCheckValue = (ask: AskAccess, query: ResourceQuery): Opaque => new Check(RESOURCE, ask, query)
