import type { Outcome } from '../values/value.ts'

/** Where the variables of an expression get their values. Undefined: there is none of that name. */
export interface Variables {
  get(name: string): Outcome | undefined
}

/** More has been spent than an evaluation may. */
export class CostExceeded extends Error {}

const NONE: Outcome[] = []

/** One evaluation: the variables, those of its loops, and what it has cost so far. */
export class Frame {
  readonly variables: Variables
  readonly locals: Outcome[]
  readonly limit: number
  cost = 0

  constructor(variables: Variables, locals: number, limit: number) {
    this.variables = variables
    this.locals = locals === 0 ? NONE : Array.from({ length: locals }, () => null)
    this.limit = limit
  }

  /** Paid before the work is done wherever it can be, so that nobody gets work that he cannot pay. Throws CostExceeded. */
  spend(cost: number): void {
    this.cost += cost
    if (this.cost > this.limit) throw new CostExceeded()
  }
}

/** A node made ready. */
export type Step = (frame: Frame) => Outcome
