import type { AccessQuestion } from '../contract.ts'
import { authorize as ask, mustBeAllowed } from '../auth/authorize/authorize.ts'
import type { RequestContext } from './context.ts'

/** Throws `StatusError` 403 unless the authorizers allow it. */
export async function authorize(context: RequestContext, question: AccessQuestion): Promise<void> {
  const answer = ask(context.scope, context.core.authorizers, question)
  const decision = answer instanceof Promise ? await answer : answer
  context.audit?.annotate('authorization.k8s.io/decision', decision.kind === 'allow' ? 'allow' : 'forbid')
  context.audit?.annotate('authorization.k8s.io/reason', decision.reason)
  mustBeAllowed(decision, question)
}
