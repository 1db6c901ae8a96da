import { type Scope, rfc3339 } from '#base'
import { type KubeObject, type authentication, refs, statusError } from '#api'
import type { UserInfo, VirtualResource } from '../../contract.ts'
import { type AuthenticatedToken, InvalidToken, type TokenAuthenticator } from '../authenticate/bearer.ts'
import { aggregate } from '../rbac/evaluator.ts'

/** Who am I, in the server's eyes. */
export const selfSubjectReview: VirtualResource = {
  ref: refs.selfsubjectreviews,
  create: (scope, { user }) =>
    ({
      kind: 'SelfSubjectReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { creationTimestamp: rfc3339(scope.clock.now()) },
      status: { userInfo: userInfo(user) },
    }) as KubeObject,
}

/** Whose token is this. `audiences` are the API server's own, for reviews that name none. */
export function tokenReview(tokens: readonly TokenAuthenticator[], audiences: readonly string[]): VirtualResource {
  return {
    ref: refs.tokenreviews,
    async create(scope, _request, object) {
      const { metadata, spec } = object as authentication.TokenReview
      if (!spec?.token) throw statusError.badRequest('token is required for TokenReview in authentication')
      const wanted = spec.audiences?.length ? spec.audiences : audiences
      return {
        kind: 'TokenReview',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: metadata ?? {},
        spec,
        status: await review(scope, tokens, spec.token, wanted, audiences),
      } as KubeObject
    },
  }
}

async function review(
  scope: Scope,
  tokens: readonly TokenAuthenticator[],
  token: string,
  wanted: readonly string[],
  own: readonly string[],
): Promise<authentication.TokenReviewStatus> {
  const why: string[] = []
  for (const authenticator of tokens) {
    try {
      const found = await authenticator.authenticateToken(scope, token, wanted)
      const audiences = found && audiencesOf(found, wanted, own)
      if (found && audiences && audiences.length > 0) return { authenticated: true, user: userInfo(found.user), audiences: [...audiences] }
    } catch (error) {
      if (!(error instanceof InvalidToken)) throw error
      why.push(error.message)
    }
  }
  return { user: {}, error: aggregate(['invalid bearer token', ...why]) }
}

/** A token that knows no audiences is for this API server. */
const audiencesOf = (found: AuthenticatedToken, wanted: readonly string[], own: readonly string[]): readonly string[] =>
  found.audiences ?? wanted.filter((audience) => own.includes(audience))

function userInfo({ name, uid, groups, extra }: UserInfo): authentication.UserInfo {
  const lists = Object.entries(extra).map(([key, values]) => [key, [...values]])
  return {
    username: name,
    ...(uid ? { uid } : {}),
    ...(groups.length === 0 ? {} : { groups: [...groups] }),
    ...(lists.length === 0 ? {} : { extra: Object.fromEntries(lists) }),
  }
}
