import type { Failure } from './run.ts'

/** How one scenario went. */
export interface Outcome {
  readonly topic: string
  readonly scenario: string
  readonly failures: readonly Failure[]
}
