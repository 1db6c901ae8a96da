import { type CancellableScope, type Scope, type Timer, UserError, messageOf, readFileIfThere } from '#base'
import type { TokenAuthenticator } from '../authenticate/bearer.ts'
import type { AnonymousRules } from './authentication-configuration.ts'
import type { AuthenticationRules } from './issuer-rules.ts'
import type { OidcFlags } from './oidc-flags.ts'

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

const LOOK_EVERY_MS = 10_000
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
    import('./token-webhook.ts'),
    import('./webhook-kubeconfig.ts'),
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
    const { rulesOfFlags } = await import('./oidc-flags.ts')
    const { jwtAuthenticator } = await import('./jwt.ts')
    return { tokens: [jwtAuthenticator(scope, rulesOfFlags(sources, ownIssuers).issuers)], mayBeAnonymous }
  }
  if (hasFlags) throw new UserError('--authentication-config and --oidc-… flags exclude each other', 'write the issuer into the file')
  return followFile(scope, file, anonymousAuth, ownIssuers)
}

const isSaid = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)

async function followFile(
  scope: Scope,
  file: string,
  anonymousAuth: boolean | undefined,
  ownIssuers: readonly string[],
): Promise<ConfiguredAuthentication> {
  const [{ readAuthenticationRules }, { jwtAuthenticator }] = await Promise.all([import('./issuer-rules.ts'), import('./jwt.ts')])
  const read = (): { readonly text: string; readonly rules: AuthenticationRules } => {
    const text = readFileIfThere(file)
    if (text === undefined)
      throw new UserError(`the authentication configuration ${file} cannot be read`, 'give --authentication-config an existing file')
    const rules = readAuthenticationRules(text, file, ownIssuers)
    if (rules.anonymous !== undefined && anonymousAuth !== undefined)
      throw new UserError(`${file}: anonymous and the flag --anonymous-auth exclude each other`, 'leave one of them out')
    return { text, rules }
  }
  const open = (rules: AuthenticationRules): Current => {
    const own = scope.child()
    return { own, tokens: jwtAuthenticator(own, rules.issuers), anonymous: rules.anonymous ?? { enabled: anonymousAuth ?? true } }
  }
  const first = read()
  let seen = first.text
  let current = open(first.rules)
  const look = (): void => {
    try {
      // A file that is wrong is told of once, not at every look.
      const text = readFileIfThere(file)
      if (text !== undefined && text !== seen) {
        seen = text
        const { rules } = read()
        const before = current
        current = open(rules)
        before.own.cancel()
        scope.log.info('the authentication configuration has been read again', { issuers: rules.issuers.length })
      }
    } catch (error) {
      scope.log.error('the authentication configuration cannot be used, the one before stays', { reason: messageOf(error) })
    }
  }
  let timer: Timer
  const wait = (): void => {
    timer = scope.clock.after(
      LOOK_EVERY_MS,
      () => {
        look()
        wait()
      },
      { background: true },
    )
  }
  wait()
  scope.signal.addEventListener('abort', () => timer.cancel(), { once: true })
  return {
    tokens: [{ name: 'jwt', authenticateToken: (within, token, audiences) => current.tokens.authenticateToken(within, token, audiences) }],
    mayBeAnonymous: (path) => isOpen(current.anonymous, path),
  }
}

interface Current {
  readonly own: CancellableScope
  readonly tokens: TokenAuthenticator
  readonly anonymous: AnonymousRules
}

function isOpen({ enabled, conditions = [] }: AnonymousRules, path: string): boolean {
  return enabled === true && (conditions.length === 0 || conditions.some((one) => one.path === path))
}
