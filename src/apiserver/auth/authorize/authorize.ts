import type { Scope } from '#base'
import { statusError } from '#api'
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
  return ask(scope, authorizers, question, 0, [])
}

function ask(
  scope: Scope,
  authorizers: readonly Authorizer[],
  question: AccessQuestion,
  from: number,
  reasons: string[],
): Decision | Promise<Decision> {
  for (let at = from; at < authorizers.length; at++) {
    const decision = authorizers[at]?.authorize(scope, question) ?? NO_OPINION
    if (decision instanceof Promise) {
      return decision.then((late) => (note(late, reasons) ? late : ask(scope, authorizers, question, at + 1, reasons)))
    }
    if (note(decision, reasons)) return decision
  }
  return reasons.length === 0 ? NO_OPINION : noOpinion(reasons.join('\n'))
}

/** Whether the decision stands; otherwise its reason is kept. */
function note(decision: Decision, reasons: string[]): boolean {
  if (decision.kind !== 'no-opinion') return true
  if (decision.reason !== '') reasons.push(decision.reason)
  return false
}

/** One authorizer out of many, for parts that ask again (impersonation, reviews, bind and escalate). */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return { name: 'union', authorize: (scope, question) => authorize(scope, authorizers, question) }
}

/** Throws the refusal unless the decision allows. */
export function mustBeAllowed(decision: Decision, question: AccessQuestion): void {
  if (decision.kind !== 'allow') throw refusal(question, decision.reason)
}

/** 403 in Kubernetes' words. */
export function refusal(question: AccessQuestion, reason: string): Error {
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
