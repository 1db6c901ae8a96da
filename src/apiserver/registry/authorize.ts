import type { AccessQuestion } from '../contract.ts'
import { authorize as ask, mustBeAllowed } from '../auth/authorize/authorize.ts'
import type { RequestContext } from './context.ts'

/** Throws `StatusError` 403 unless the authorizers allow it. */
export async function authorize(context: RequestContext, question: AccessQuestion): Promise<void> {
  const answer = ask(context.scope, context.core.authorizers, question)
  mustBeAllowed(answer instanceof Promise ? await answer : answer, question)
}
