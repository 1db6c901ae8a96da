import { LIMITS } from '../cel/kubernetes/environment.ts'
import { trimSpace } from '../cel/library/strings.ts'
import type { ValidatingAdmissionPolicySpec, Validation } from '../types/admissionregistration-v1.gen.ts'
import { byteLength } from '../validation/names.ts'
import { type ValidatingExpressions, validatingExpressions } from './compiled.ts'
import { meetsConditions } from './conditions.ts'
import { Budget, BudgetSpent, EvaluationProblem, type PolicyInput, Scene, evaluate } from './scene.ts'

/** Why a policy does not let a request through. */
export interface PolicyDenial {
  readonly message: string
  /** Empty when it could not be evaluated. */
  readonly reason: string
  /** Which of the policy's validations it is. */
  readonly at: number
  /** Denies whatever the binding says: an audit annotation that cannot be made. */
  readonly always?: boolean
}

export interface PolicyVerdict {
  /** Nothing speaks against the request when there are none. */
  readonly denials: readonly PolicyDenial[]
  /** For the audit log. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[]
}

const LONGEST_ANNOTATION = 10 * 1024
const NOTHING: PolicyVerdict = { denials: [], annotations: [] }

/** What a policy says of a request. */
export function validateByPolicy(spec: ValidatingAdmissionPolicySpec, input: PolicyInput, params: unknown): PolicyVerdict {
  const expressions = validatingExpressions(spec)
  const failing = (message: string, at = 0): PolicyDenial[] => (spec.failurePolicy === 'Ignore' ? [] : [{ message, reason: '', at }])
  const meets = meetsConditions(expressions.conditions, input, params)
  if (typeof meets === 'string') return { denials: failing(meets), annotations: [] }
  if (!meets) return NOTHING
  const scene = new Scene(input, params, expressions.variables)
  const denials: PolicyDenial[] = []
  try {
    const budget = new Budget(LIMITS.perObject)
    const outcomes = expressions.validations.map(({ holds }) => evaluate(holds, scene, budget))
    for (const [at, outcome] of outcomes.entries()) {
      const entry = expressions.validations[at]
      if (outcome instanceof EvaluationProblem) denials.push(...failing(outcome.text, at))
      else if (outcome !== true && entry !== undefined)
        denials.push({ message: messageOf(entry, scene, budget), reason: reasonOf(entry.validation), at })
    }
  } catch (spent) {
    if (!(spent instanceof BudgetSpent)) throw spent
    return { denials: failing(spent.message), annotations: [] }
  }
  const { annotations, problems } = annotationsOf(expressions, scene)
  for (const problem of problems) denials.push(...failing(problem).map((one) => ({ ...one, always: true })))
  return { denials, annotations }
}

const reasonOf = ({ reason }: Validation): string => ((reason ?? '') === '' ? 'Invalid' : (reason ?? ''))

function messageOf({ validation, message }: ValidatingExpressions['validations'][number], scene: Scene, budget: Budget): string {
  const made = message === undefined ? undefined : evaluate(message, scene, budget)
  if (typeof made === 'string') {
    const text = trimSpace(made)
    if (text !== '' && !text.includes('\n') && byteLength(text) <= LIMITS.messageBytes) return text
  }
  const fixed = trimSpace(validation.message ?? '')
  return fixed === '' ? `failed expression: ${trimSpace(validation.expression ?? '')}` : fixed
}

function annotationsOf(
  { annotations }: ValidatingExpressions,
  scene: Scene,
): { readonly annotations: readonly { readonly key: string; readonly value: string }[]; readonly problems: readonly string[] } {
  const budget = new Budget(LIMITS.perObject)
  const made: { key: string; value: string }[] = []
  const problems: string[] = []
  try {
    for (const { key, value } of annotations) {
      const outcome = evaluate(value, scene, budget)
      const text = typeof outcome === 'string' ? trimSpace(outcome) : ''
      if (outcome instanceof EvaluationProblem) problems.push(outcome.text)
      else if (text !== '') made.push({ key, value: text.slice(0, LONGEST_ANNOTATION) })
    }
  } catch (spent) {
    if (!(spent instanceof BudgetSpent)) throw spent
    problems.push(spent.message)
  }
  return { annotations: made, problems }
}
