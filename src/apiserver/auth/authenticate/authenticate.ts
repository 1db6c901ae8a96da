import type { Scope } from '#base'
import { type StatusError, hasReason, statusError } from '#api'
import type { Authenticator, Credentials, UserInfo } from '../../contract.ts'
import { anonymous } from '../users.ts'

/**
 * Asks the authenticators in order. The first that knows the user decides. Wrong credentials refuse the request (401) unless a later
 * authenticator accepts others that came with it; no credentials at all are the anonymous user, who is authorized like any other, unless
 * there is none (`hasAnonymous`).
 */
export function authenticateRequest(
  scope: Scope,
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  hasAnonymous = true,
): UserInfo | Promise<UserInfo> {
  return ask(scope, authenticators, credentials, 0, undefined, hasAnonymous)
}

function ask(
  scope: Scope,
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  from: number,
  earlier: StatusError | undefined,
  hasAnonymous: boolean,
): UserInfo | Promise<UserInfo> {
  let refusal = earlier
  for (let at = from; at < authenticators.length; at++) {
    let user: ReturnType<Authenticator['authenticate']>
    try {
      user = authenticators[at]?.authenticate(scope, credentials)
    } catch (error) {
      if (!hasReason(error, 'Unauthorized')) throw error
      refusal ??= error
      continue
    }
    if (user instanceof Promise) {
      return user.then(
        (found) => found ?? ask(scope, authenticators, credentials, at + 1, refusal, hasAnonymous),
        (error: unknown) => {
          if (!hasReason(error, 'Unauthorized')) throw error
          return ask(scope, authenticators, credentials, at + 1, refusal ?? error, hasAnonymous)
        },
      )
    }
    if (user !== undefined) return user
  }
  if (refusal !== undefined) throw refusal
  if (!hasAnonymous) throw statusError.unauthorized()
  return anonymous
}
