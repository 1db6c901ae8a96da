import type { Scope } from '#base'
import { StatusError, statusError } from '#api'
import type { AccessQuestion, Authorizer, Decision } from '../../contract.ts'
import { GROUPS } from '../users.ts'

/** Members of `system:masters` may do everything: the way back in when rules are broken. */
export const mastersAuthorizer: Authorizer = {
  name: 'masters',
  authorize: (_scope, { user }) => (user.groups.includes(GROUPS.masters) ? ALLOW : NO_OPINION),
}

export const ALLOW: Decision = { kind: 'allow', reason: '' }
export const NO_OPINION: Decision = { kind: 'no-opinion', reason: '' }
export const noOpinion = (reason: string): Decision => (reason === '' ? NO_OPINION : { kind: 'no-opinion', reason })

/** Asks in order: the first that allows or denies decides. Otherwise the reasons of all are joined, for the refusal. */
export function authorize(scope: Scope, authorizers: readonly Authorizer[], question: AccessQuestion): Decision | Promise<Decision> {
  return ask(scope, authorizers, question, 0, NO_OPINION)
}

function ask(
  scope: Scope,
  authorizers: readonly Authorizer[],
  question: AccessQuestion,
  from: number,
  before: Decision,
): Decision | Promise<Decision> {
  let sofar = before
  for (let at = from; at < authorizers.length; at++) {
    const decision = authorizers[at]?.authorize(scope, question) ?? NO_OPINION
    if (decision instanceof Promise) {
      const known = sofar
      return decision.then((late) => (late.kind === 'no-opinion' ? ask(scope, authorizers, question, at + 1, both(known, late)) : late))
    }
    if (decision.kind !== 'no-opinion') return decision
    sofar = both(sofar, decision)
  }
  return sofar
}

/** Nobody's opinion: the reasons of both, and why they have none. */
function both(one: Decision, other: Decision): Decision {
  const lines = (a: string, b: string): string => (a === '' ? b : b === '' ? a : `${a}\n${b}`)
  const [first, second] = [errorOf(one), errorOf(other)]
  if (first === undefined && second === undefined) {
    if (other.reason === '') return one
    return one.reason === '' ? other : noOpinion(lines(one.reason, other.reason))
  }
  return { kind: 'no-opinion', reason: lines(one.reason, other.reason), error: lines(first ?? '', second ?? '') }
}

/** Why nobody could decide. */
export const errorOf = (decision: Decision): string | undefined => (decision.kind === 'allow' ? undefined : decision.error)

/** One authorizer out of many, for parts that ask again (impersonation, reviews, bind and escalate). */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return { name: 'union', authorize: (scope, question) => authorize(scope, authorizers, question) }
}

/** Throws the refusal unless the decision allows: 500 where who should have decided could not. */
export function mustBeAllowed(decision: Decision, question: AccessQuestion): void {
  if (decision.kind === 'allow') return
  if (decision.error !== undefined) throw statusError.internal(decision.error)
  throw new StatusError(refusal(question, decision.reason).status, NOT_SNIFFED)
}

/** What it says of the user may be in the words of a URL. */
const NOT_SNIFFED = { 'x-content-type-options': 'nosniff' } as const

/** 403 in Kubernetes' words. */
export function refusal(question: AccessQuestion, reason: string): StatusError {
  const words = refusalWords(question)
  return statusError.forbidden(
    { group: question.group, plural: question.resource },
    question.name,
    reason === '' ? words : `${words}: ${reason}`,
  )
}

function refusalWords({ user, verb, isResource, group, resource, subresource, namespace, path }: AccessQuestion): string {
  const who = `User ${JSON.stringify(user.name)}`
  if (!isResource) return `${who} cannot ${verb} path ${JSON.stringify(path)}`
  const what = subresource === '' ? resource : `${resource}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return `${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`
}
