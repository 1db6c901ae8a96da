import { AdmissionProblem, type AdmissionExpression } from '../cel/kubernetes/admission.ts'
import { LIMITS } from '../cel/kubernetes/environment.ts'
import { type AskAccess, type ResourceQuery, authorizerValue, resourceCheckValue } from '../cel/library/kubernetes/authorization.ts'
import { fromJson, noSuchKey } from '../cel/values/containers.ts'
import { CelError } from '../cel/values/error.ts'
import { MapValue, type Outcome, type Value } from '../cel/values/value.ts'
import type { Variables } from '../cel/eval/frame.ts'

/** What expressions see of a request: plain JSON, in the version in which the policy asked for it. */
export interface PolicyInput {
  /** Null where there is none. */
  readonly object: unknown
  readonly oldObject: unknown
  readonly request: unknown
  /** Null for what lies in no namespace. */
  readonly namespaceObject: unknown
  readonly ask: AskAccess
  /** What the request itself is about, for the authorizer. */
  readonly query: ResourceQuery
}

export type Compiled = AdmissionExpression | AdmissionProblem

/** All that was to be spent has been. */
export class BudgetSpent extends Error {}

const RAN_OUT = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** What the expressions of one evaluation may cost together. */
export class Budget {
  left: number
  constructor(left: number) {
    this.left = left
  }
  /** Throws BudgetSpent. */
  spend(cost: number): void {
    this.left -= cost
    if (this.left < 0) throw new BudgetSpent(RAN_OUT)
  }
}

/** The variables of a policy's expressions in one evaluation, each made when it is first asked for. */
export class Scene implements Variables {
  readonly #input: PolicyInput
  readonly #params: unknown
  readonly #variables: ReadonlyMap<string, Compiled>
  readonly #known = new Map<string, Outcome>()
  /** What variables have cost and nobody has paid yet. */
  owed = 0

  constructor(input: PolicyInput, params: unknown, variables: ReadonlyMap<string, Compiled> = new Map()) {
    this.#input = input
    this.#params = params
    this.#variables = variables
  }

  get(name: string): Outcome | undefined {
    let value = this.#known.get(name)
    if (value === undefined) {
      value = this.#make(name)
      if (value !== undefined) this.#known.set(name, value)
    }
    return value
  }

  #make(name: string): Outcome | undefined {
    const { object, oldObject, request, namespaceObject, ask, query } = this.#input
    if (name === 'object') return fromJson(object)
    if (name === 'oldObject') return fromJson(oldObject)
    if (name === 'request') return fromJson(request)
    if (name === 'namespaceObject') return fromJson(namespaceObject)
    if (name === 'params') return fromJson(this.#params)
    if (name === 'authorizer') return authorizerValue(ask)
    if (name === 'authorizer.requestResource') return resourceCheckValue(ask, query)
    return name === 'variables' ? new LazyVariables(this.#variables, (compiled) => this.#variable(compiled)) : undefined
  }

  #variable(compiled: Compiled): Outcome {
    if (compiled instanceof AdmissionProblem) return new CelError(compiled.text)
    const { outcome, cost } = compiled.program.run(this, LIMITS.perCall)
    this.owed += cost
    return outcome
  }
}

/** A variable is evaluated at most once, when it is used. */
class LazyVariables extends MapValue {
  readonly #variables: ReadonlyMap<string, Compiled>
  readonly #evaluate: (compiled: Compiled) => Outcome
  readonly #known = new Map<string, Outcome>()
  constructor(variables: ReadonlyMap<string, Compiled>, evaluate: (compiled: Compiled) => Outcome) {
    super()
    this.#variables = variables
    this.#evaluate = evaluate
  }
  get size(): number {
    return this.#variables.size
  }
  override get(key: Value): Outcome | undefined {
    if (typeof key !== 'string') return undefined
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const compiled = this.#variables.get(key)
    if (compiled === undefined) return undefined
    // One that asks for itself finds nothing: checking allows only those before it.
    this.#known.set(key, noSuchKey(key))
    let outcome = this.#evaluate(compiled)
    if (outcome instanceof CelError)
      outcome = new CelError(`composited variable ${JSON.stringify(key)} fails to evaluate: ${outcome.message}`)
    this.#known.set(key, outcome)
    return outcome
  }
  override keys(): readonly Value[] {
    return [...this.#variables.keys()]
  }
}

/** Evaluates one expression and pays for it. Throws BudgetSpent. */
export function evaluate(compiled: Compiled, scene: Scene, budget: Budget): Value | EvaluationProblem {
  if (compiled instanceof AdmissionProblem) return new EvaluationProblem(`compilation error: ${compiled.text}`)
  const { outcome, cost } = compiled.program.run(scene, LIMITS.perCall)
  const owed = scene.owed
  scene.owed = 0
  budget.spend(cost + owed)
  return outcome instanceof CelError
    ? new EvaluationProblem(`expression '${compiled.source}' resulted in error: ${outcome.message}`)
    : outcome
}

export class EvaluationProblem {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
