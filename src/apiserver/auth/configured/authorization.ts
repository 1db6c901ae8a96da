import { type Scope, UserError } from '#base'
import type { Authorizer, Decision } from '../../contract.ts'
import { ALLOW, authorize, noOpinion } from '../authorize/authorize.ts'
import type { AuthorizerChoice } from './authorization-configuration.ts'

export interface AuthorizationSources {
  /** With commas. */
  readonly authorizationMode?: string
  /** An AuthorizationConfiguration; read again when it changes. */
  readonly authorizationConfig?: string
  /** A kubeconfig that says where SubjectAccessReviews are answered. */
  readonly authorizationWebhookConfigFile?: string
  readonly authorizationWebhookVersion?: 'v1' | 'v1beta1'
  /** Like `5m`. */
  readonly authorizationWebhookCacheAuthorizedTtl?: string
  readonly authorizationWebhookCacheUnauthorizedTtl?: string
}

/** The authorizers that are part of the server. */
export interface OwnAuthorizers {
  readonly node: Authorizer
  readonly rbac: Authorizer
}
/** Who decides, in order, out of the server's own and others. */
export interface ConfiguredAuthorization {
  readonly authorizers: (own: OwnAuthorizers) => readonly Authorizer[]
  /** Kinds that count now. */
  readonly types: () => readonly AuthorizerChoice['type'][]
}

/** Those of kube-apiserver. */
const DEFAULT_VERSION = 'v1beta1'
const DEFAULT_ALLOWED_MS = 300_000
const DEFAULT_OTHER_MS = 30_000
const TIMEOUT_MS = 30_000

/** Undefined when nothing is configured: then the server's own decide. Throws `UserError` for a configuration that cannot be used. */
export async function openAuthorization(scope: Scope, sources: AuthorizationSources): Promise<ConfiguredAuthorization | undefined> {
  const { authorizationConfig: file, authorizationMode: mode, authorizationWebhookConfigFile: kubeconfig } = sources
  if (file === undefined && mode === undefined && kubeconfig === undefined) return undefined
  const [{ accessWebhook }, configuration] = await Promise.all([
    import('./webhooks/access-webhook.ts'),
    import('./authorization-configuration.ts'),
  ])
  const make = (within: Scope, choices: readonly AuthorizerChoice[]): Current => ({
    choices,
    webhooks: choices.map((choice) => (choice.type === 'Webhook' ? accessWebhook(within, choice.webhook) : undefined)),
  })
  if (file === undefined) {
    const choices = await choicesOfFlags(sources)
    const current = make(scope, choices)
    return { authorizers: (own) => listOf(current, own), types: () => choices.map(({ type }) => type) }
  }
  if (mode !== undefined || kubeconfig !== undefined)
    throw new UserError(
      '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
      'write them into the file',
    )
  const { followFile } = await import('./follow-file.ts')
  const read = (within: Scope, text: string): Current => make(within, configuration.readAuthorizers(text, file))
  const current = followFile(scope, { file, flag: '--authorization-config', read })
  return {
    authorizers: (own) => {
      let made: { readonly of: Current; readonly list: readonly Authorizer[] } | undefined
      const now = (): readonly Authorizer[] => {
        const of = current()
        if (made?.of !== of) made = { of, list: listOf(of, own) }
        return made.list
      }
      return [{ name: 'configured', authorize: (within, question) => authorize(within, now(), question) }]
    },
    types: () => current().choices.map(({ type }) => type),
  }
}

interface Current {
  readonly choices: readonly AuthorizerChoice[]
  /** At the places of their choices. */
  readonly webhooks: readonly (Authorizer | undefined)[]
}

const EVERYTHING_FORBIDDEN: Decision = noOpinion('Everything is forbidden.')

function listOf({ choices, webhooks }: Current, own: OwnAuthorizers): readonly Authorizer[] {
  return choices.map(({ type }, at): Authorizer => {
    switch (type) {
      case 'Node':
        return own.node
      case 'RBAC':
        return own.rbac
      case 'AlwaysAllow':
        return { name: type, authorize: () => ALLOW }
      case 'AlwaysDeny':
        return { name: type, authorize: () => EVERYTHING_FORBIDDEN }
      case 'Webhook':
        return webhooks[at] ?? { name: type, authorize: () => EVERYTHING_FORBIDDEN }
    }
  })
}

async function choicesOfFlags(sources: AuthorizationSources): Promise<readonly AuthorizerChoice[]> {
  const { authorizationMode = 'Node,RBAC', authorizationWebhookConfigFile: kubeconfig, authorizationWebhookVersion: version } = sources
  const modes = authorizationMode.split(',').map((mode) => mode.trim())
  if (new Set(modes).size < modes.length)
    throw new UserError(`--authorization-mode: ${authorizationMode} names one twice`, 'name each once')
  if (modes.includes('Webhook') !== (kubeconfig !== undefined))
    throw new UserError('--authorization-mode=Webhook and --authorization-webhook-config-file belong together', 'give both, or none')
  const [{ MODES }, { readWebhookKubeconfig }, { durationFlag }] = await Promise.all([
    import('./authorization-configuration.ts'),
    import('./webhooks/webhook-kubeconfig.ts'),
    import('./duration-flag.ts'),
  ])
  return modes.map((mode): AuthorizerChoice => {
    const type = MODES.find((one) => one === mode)
    if (type === undefined)
      throw new UserError(`--authorization-mode: there is no ${JSON.stringify(mode)}`, `there are: ${MODES.join(', ')}`)
    if (type !== 'Webhook') return { type }
    const allowed = sources.authorizationWebhookCacheAuthorizedTtl
    const other = sources.authorizationWebhookCacheUnauthorizedTtl
    return {
      type,
      webhook: {
        name: 'webhook',
        address: readWebhookKubeconfig(kubeconfig ?? ''),
        version: version ?? DEFAULT_VERSION,
        timeoutMs: TIMEOUT_MS,
        allowedMs: durationFlag(allowed, '--authorization-webhook-cache-authorized-ttl', DEFAULT_ALLOWED_MS),
        otherMs: durationFlag(other, '--authorization-webhook-cache-unauthorized-ttl', DEFAULT_OTHER_MS),
        onFailure: 'no-opinion',
        conditions: [],
      },
    }
  })
}
