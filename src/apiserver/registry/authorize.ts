import type { AccessQuestion } from '../contract.ts'
import { authorize as ask, mustBeAllowed } from '../auth/authorize/authorize.ts'
import type { RequestContext } from './context.ts'

const RESULTS = { allow: 'allowed', deny: 'denied', 'no-opinion': 'no-opinion' } as const

/** Throws `StatusError` 403 unless the authorizers allow it. */
export async function authorize(context: RequestContext, question: AccessQuestion): Promise<void> {
  const { access } = context.core.metrics
  const { clock } = context.core.scope
  const startedAt = clock.monotonic()
  let decision: Awaited<ReturnType<typeof ask>>
  try {
    const answer = ask(context.scope, context.core.authorizers, question)
    decision = answer instanceof Promise ? await answer : answer
  } catch (error) {
    access.judged('error', (clock.monotonic() - startedAt) / 1000)
    throw error
  }
  access.judged(RESULTS[decision.kind], (clock.monotonic() - startedAt) / 1000)
  context.audit?.annotate('authorization.k8s.io/decision', decision.kind === 'allow' ? 'allow' : 'forbid')
  context.audit?.annotate('authorization.k8s.io/reason', decision.reason)
  mustBeAllowed(decision, question)
}
