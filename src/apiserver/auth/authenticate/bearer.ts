import { type Scope, SampanError } from '#base'
import { statusError } from '#api'
import type { Authenticator, UserInfo } from '../../contract.ts'

/**
 * Knows one kind of bearer token. Undefined: not a token of this kind. Throws `InvalidToken` for one of this kind that is wrong.
 * `audiences` are those that the caller accepts; absent: the API server's own.
 */
export interface TokenAuthenticator {
  readonly name: string
  authenticateToken(
    scope: Scope,
    token: string,
    audiences?: readonly string[],
  ): AuthenticatedToken | undefined | Promise<AuthenticatedToken | undefined>
}
export interface AuthenticatedToken {
  readonly user: UserInfo
  /** Which of the asked audiences the token is for. Absent: the token knows no audiences, it is for this API server. */
  readonly audiences?: readonly string[]
}

/** A token that is of a known kind but not good. The message never holds the token. */
export class InvalidToken extends SampanError {
  readonly code = 'INVALID_TOKEN'
}

const SCHEME = /^bearer +(\S+)/i

/** `Authorization: Bearer …`. An empty token is no token; one that nobody knows is refused. */
export function bearerAuthenticator(tokens: readonly TokenAuthenticator[]): Authenticator {
  return {
    name: 'bearer-token',
    authenticate(scope, { headers }) {
      const { authorization } = headers
      if (authorization === undefined) return undefined
      const token = bearerToken(typeof authorization === 'string' ? authorization : (authorization[0] ?? ''))
      return token === undefined ? undefined : ask(scope, tokens, token, 0)
    },
  }
}

export function bearerToken(header: string): string | undefined {
  return header.startsWith('Bearer ') && header.indexOf(' ', 7) === -1 && header.length > 7 ? header.slice(7) : SCHEME.exec(header)?.[1]
}

/** Asks one after the other, without a promise as long as none is needed. */
function ask(scope: Scope, tokens: readonly TokenAuthenticator[], token: string, from: number): UserInfo | Promise<UserInfo> {
  for (let at = from; at < tokens.length; at++) {
    let found: ReturnType<TokenAuthenticator['authenticateToken']>
    try {
      found = tokens[at]?.authenticateToken(scope, token)
    } catch (error) {
      refuseInvalid(scope, error)
      continue
    }
    if (found instanceof Promise) {
      return found.then(
        (one) => one?.user ?? ask(scope, tokens, token, at + 1),
        (error: unknown) => {
          refuseInvalid(scope, error)
          return ask(scope, tokens, token, at + 1)
        },
      )
    }
    if (found !== undefined) return found.user
  }
  throw statusError.unauthorized()
}

function refuseInvalid(scope: Scope, error: unknown): void {
  if (!(error instanceof InvalidToken)) throw error
  scope.log.debug('bearer token refused', { reason: error.message })
}
