import type { TraceHeaders } from './span-context.ts'
import type { Span } from './span.ts'

/** What an action is a part of, for those who follow it from process to process. */
export interface Traced {
  /** What is being done; undefined when it is not recorded, which is nearly always. */
  readonly span: Span | undefined
  /** For calls to others: of the span, or those that came from outside where nothing is recorded here. */
  traceHeaders(): TraceHeaders
}

const NONE: TraceHeaders = {}

export const NOT_TRACED: Traced = { span: undefined, traceHeaders: () => NONE }
