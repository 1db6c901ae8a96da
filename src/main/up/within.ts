import { type Scope, UserError, messageOf } from '#base'
import { formatDuration } from '#cli'

/** What does not come about in time fails with what is known about why. */
export async function within<T>(
  scope: Scope,
  timeoutMs: number,
  what: string,
  why: () => string,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  using limited = scope.child({ timeoutMs })
  try {
    return await work(limited)
  } catch (error) {
    if (limited.signal.aborted) throw new UserError(`${what} after ${formatDuration(timeoutMs)}`, why())
    throw error instanceof UserError ? error : new UserError(`${what}: ${messageOf(error)}`, why())
  }
}
