import { type Scope, UserError } from '#base'
import type { TokenAuthenticator } from '../authenticate/bearer.ts'
import type { AnonymousRules } from './authentication-configuration.ts'
import type { OidcFlags } from './jwt/oidc-flags.ts'

export interface AuthenticationSources extends OidcFlags {
  /** An AuthenticationConfiguration; read again when it changes. */
  readonly authenticationConfig?: string
  /** Whether requests without credentials are anyone's. Default: yes, unless the file says otherwise. */
  readonly anonymousAuth?: boolean
  /** A kubeconfig that says where TokenReviews are answered. */
  readonly authenticationTokenWebhookConfigFile?: string
  readonly authenticationTokenWebhookVersion?: 'v1' | 'v1beta1'
  /** Like `2m`. */
  readonly authenticationTokenWebhookCacheTtl?: string
  /** Issuers of the tokens of service accounts: nobody else may be one of them. The first is the audience of the API server. */
  readonly ownIssuers: readonly string[]
}

/** What the configuration adds to who is known. */
export interface ConfiguredAuthentication {
  readonly tokens: readonly TokenAuthenticator[]
  /** Undefined: everybody may, everywhere. */
  readonly mayBeAnonymous: ((path: string) => boolean) | undefined
}

/** Those of kube-apiserver. */
const DEFAULT_VERSION = 'v1beta1'
const DEFAULT_CACHE_MS = 120_000

/** Nothing of it is loaded when nothing is configured. Throws `UserError` for a configuration that cannot be used. */
export async function openAuthentication(scope: Scope, sources: AuthenticationSources): Promise<ConfiguredAuthentication> {
  const {
    authenticationTokenWebhookConfigFile: file,
    authenticationTokenWebhookVersion: version,
    authenticationTokenWebhookCacheTtl,
  } = sources
  const { tokens, mayBeAnonymous } = await openIssuers(scope, sources)
  if (file === undefined) return { tokens, mayBeAnonymous }
  const [{ tokenWebhook }, { readWebhookKubeconfig }, { durationFlag }] = await Promise.all([
    import('./webhooks/token-webhook.ts'),
    import('./webhooks/webhook-kubeconfig.ts'),
    import('./duration-flag.ts'),
  ])
  const options = {
    address: readWebhookKubeconfig(file),
    version: version ?? DEFAULT_VERSION,
    audiences: sources.ownIssuers.slice(0, 1),
    cacheMs: durationFlag(authenticationTokenWebhookCacheTtl, '--authentication-token-webhook-cache-ttl', DEFAULT_CACHE_MS),
  }
  // Last: what others know need not leave this server.
  return { tokens: [...tokens, tokenWebhook(scope, options)], mayBeAnonymous }
}

async function openIssuers(scope: Scope, sources: AuthenticationSources): Promise<ConfiguredAuthentication> {
  const { authenticationConfig: file, anonymousAuth, ownIssuers } = sources
  const hasFlags = Object.entries(sources).some(([name, value]) => name.startsWith('oidc') && isSaid(value))
  if (file === undefined) {
    const mayBeAnonymous = anonymousAuth === false ? (): boolean => false : undefined
    if (!hasFlags) return { tokens: [], mayBeAnonymous }
    const { rulesOfFlags } = await import('./jwt/oidc-flags.ts')
    const { jwtAuthenticator } = await import('./jwt/jwt.ts')
    return { tokens: [jwtAuthenticator(scope, rulesOfFlags(sources, ownIssuers).issuers)], mayBeAnonymous }
  }
  if (hasFlags) throw new UserError('--authentication-config and --oidc-… flags exclude each other', 'write the issuer into the file')
  return followConfiguration(scope, file, anonymousAuth, ownIssuers)
}

const isSaid = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)

async function followConfiguration(
  scope: Scope,
  file: string,
  anonymousAuth: boolean | undefined,
  ownIssuers: readonly string[],
): Promise<ConfiguredAuthentication> {
  const [{ readAuthenticationRules }, { jwtAuthenticator }, { followFile }] = await Promise.all([
    import('./jwt/issuer-rules.ts'),
    import('./jwt/jwt.ts'),
    import('./follow-file.ts'),
  ])
  const read = (within: Scope, text: string): Current => {
    const { issuers, anonymous } = readAuthenticationRules(text, file, ownIssuers)
    if (anonymous !== undefined && anonymousAuth !== undefined)
      throw new UserError(`${file}: anonymous and the flag --anonymous-auth exclude each other`, 'leave one of them out')
    return { tokens: jwtAuthenticator(within, issuers), anonymous: anonymous ?? { enabled: anonymousAuth ?? true } }
  }
  const current = followFile(scope, { file, flag: '--authentication-config', read })
  return {
    tokens: [
      { name: 'jwt', authenticateToken: (within, token, audiences) => current().tokens.authenticateToken(within, token, audiences) },
    ],
    mayBeAnonymous: (path) => isOpen(current().anonymous, path),
  }
}

interface Current {
  readonly tokens: TokenAuthenticator
  readonly anonymous: AnonymousRules
}

function isOpen({ enabled, conditions = [] }: AnonymousRules, path: string): boolean {
  return enabled === true && (conditions.length === 0 || conditions.some((one) => one.path === path))
}
