import { statusError } from '#api'
import type { AccessQuestion } from '../contract.ts'
import type { RequestContext } from './context.ts'

/** Asks the authorizers in order. Throws `StatusError` 403 in Kubernetes' words unless one allows. */
export async function authorize(context: RequestContext, question: AccessQuestion): Promise<void> {
  let reasons = ''
  for (const authorizer of context.core.authorizers) {
    const answer = authorizer.authorize(context.scope, question)
    const decision = answer instanceof Promise ? await answer : answer
    if (decision.kind === 'allow') return
    if (decision.reason !== '') reasons = reasons === '' ? decision.reason : `${reasons}, ${decision.reason}`
    if (decision.kind === 'deny') break
  }
  throw forbidden(question, reasons)
}

export function forbidden(question: AccessQuestion, reason: string): Error {
  const { user, verb, group, resource, subresource, namespace, name, path } = question
  const tail = reason === '' ? '' : `: ${reason}`
  if (!question.isResource) return statusError.forbidden({ group: '', plural: '' }, '', `User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${tail}`)
  const what = subresource === '' ? resource : `${resource}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return statusError.forbidden(
    { group, plural: resource },
    name,
    `User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${tail}`,
  )
}
