import { hash } from 'node:crypto'
import type { Scope } from '#base'
import type { UserInfo } from '../../../contract.ts'
import { RemoteError } from '../../../remote/remote-error.ts'
import { type AuthenticatedToken, InvalidToken, type TokenAuthenticator } from '../../authenticate/bearer.ts'
import { authenticated } from '../../users.ts'
import { ExpiringAnswers } from './expiring-answers.ts'
import { WebhookClient, fieldsOf } from './webhook-client.ts'
import type { WebhookAddress } from './webhook-kubeconfig.ts'

export interface TokenWebhookOptions {
  readonly address: WebhookAddress
  readonly version: 'v1' | 'v1beta1'
  /** How long an answer is good, a yes or a no. */
  readonly cacheMs: number
  /** The API server's own: asked for when nobody asks for others, and meant by a webhook that names none. */
  readonly audiences: readonly string[]
}

const TIMEOUT_MS = 30_000
const REMEMBERED = 4096
/** Longer ones are nobody's. */
const LONGEST_TOKEN = 65_536

/** A server that knows tokens, asked by TokenReviews. Answers are kept by the digests of the tokens; failures are not kept. */
export function tokenWebhook(scope: Scope, { address, version, cacheMs, audiences: own }: TokenWebhookOptions): TokenAuthenticator {
  const client = new WebhookClient(scope, address, TIMEOUT_MS)
  const known = new ExpiringAnswers<AuthenticatedToken | 'unknown'>(scope.clock, REMEMBERED)
  const ask = async (within: Scope, token: string, audiences: readonly string[], key: string): Promise<AuthenticatedToken | undefined> => {
    try {
      const status = await client.review(within, {
        apiVersion: `authentication.k8s.io/${version}`,
        kind: 'TokenReview',
        spec: { token, audiences },
      })
      const answer = answerOf(status, audiences, own)
      known.keep(key, answer ?? 'unknown', cacheMs)
      return answer
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error
      scope.log.warn('the webhook for tokens does not answer', { reason: error.message })
      throw new InvalidToken(`the webhook for tokens does not answer: ${error.message}`)
    }
  }
  return {
    name: 'token-webhook',
    authenticateToken(within, token, audiences = own) {
      if (token.length > LONGEST_TOKEN) return undefined
      const key = hash('sha256', `${token} ${JSON.stringify(audiences)}`, 'base64url')
      const remembered = known.get(key)
      if (remembered !== undefined) return remembered === 'unknown' ? undefined : remembered
      return ask(within, token, audiences, key)
    },
  }
}

/** Throws `InvalidToken` with what the webhook says against the token. */
function answerOf(
  status: Readonly<Record<string, unknown>>,
  asked: readonly string[],
  own: readonly string[],
): AuthenticatedToken | undefined {
  if (status['authenticated'] !== true) {
    const { error } = status
    if (typeof error === 'string' && error !== '') throw new InvalidToken(error)
    return undefined
  }
  const { username, uid, groups, extra } = fieldsOf(status['user'])
  if (typeof username !== 'string' || username === '') throw new InvalidToken('the webhook for tokens names no user')
  const user: UserInfo = authenticated({
    name: username,
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    groups: textsOf(groups),
    extra: Object.fromEntries(Object.entries(fieldsOf(extra)).map(([key, values]) => [key, textsOf(values)])),
  })
  const said = textsOf(status['audiences'])
  const audiences = asked.filter((audience) => (said.length === 0 ? own : said).includes(audience))
  return audiences.length === 0 ? undefined : { user, audiences }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
