/**
 * Errors are typed values. Each has a stable `code` (listed in docs/reference/errors.md, which a test compares
 * with the catalogue); nothing matches on message text. API refusals are `StatusError` of `#api`.
 */
export abstract class SampanError extends Error {
  abstract readonly code: string
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The work was told to stop. Not a failure: it is never logged as one. */
export class Cancelled extends SampanError {
  readonly code = 'CANCELLED'
  constructor(message = 'cancelled') {
    super(message)
  }
}

export class DeadlineExceeded extends SampanError {
  readonly code = 'DEADLINE_EXCEEDED'
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`not done within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

/** Something a person has to change: what is wrong, where, and what would work. Shown without a stack. */
export class UserError extends SampanError {
  readonly code = 'USER'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export function isCancelled(error: unknown): boolean {
  return error instanceof Cancelled || error instanceof DeadlineExceeded || (error instanceof Error && error.name === 'AbortError')
}

/** The message of anything thrown, for a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
