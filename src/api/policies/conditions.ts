import { LIMITS } from '../cel/kubernetes/environment.ts'
import type { MatchCondition } from '../types/admissionregistration-v1.gen.ts'
import { conditionsOf } from './compiled.ts'
import { Budget, BudgetSpent, type Compiled, EvaluationProblem, type PolicyInput, Scene, evaluate } from './scene.ts'

/** Whether a webhook is asked. A text: nobody can say, and why. */
export function meetsMatchConditions(conditions: readonly MatchCondition[], input: PolicyInput): boolean | string {
  return meetsConditions(conditionsOf(conditions, false), input, null)
}

/** One that does not hold decides, even when others cannot be evaluated. */
export function meetsConditions(conditions: readonly Compiled[], input: PolicyInput, params: unknown): boolean | string {
  if (conditions.length === 0) return true
  const scene = new Scene({ ...input, namespaceObject: null }, params)
  const budget = new Budget(LIMITS.matchConditions)
  const problems: string[] = []
  for (const condition of conditions) {
    try {
      const value = evaluate(condition, scene, budget)
      if (value === false) return false
      if (value instanceof EvaluationProblem) problems.push(value.text)
    } catch (spent) {
      if (!(spent instanceof BudgetSpent)) throw spent
      return spent.message
    }
  }
  if (problems.length === 0) return true
  return problems.length === 1 ? problems.join('') : `[${problems.join(', ')}]`
}
