import { UserError, readFileIfThere } from '#base'
import type { AuthenticationConfiguration } from '../authentication-configuration.ts'
import { ALL_ALGORITHMS, type AuthenticationRules, checkedRules } from './issuer-rules.ts'

/** One issuer by flags, the older way. */
export interface OidcFlags {
  readonly oidcIssuerUrl?: string
  readonly oidcClientId?: string
  readonly oidcCaFile?: string
  readonly oidcUsernameClaim?: string
  readonly oidcUsernamePrefix?: string
  readonly oidcGroupsClaim?: string
  readonly oidcGroupsPrefix?: string
  /** With commas. */
  readonly oidcSigningAlgs?: string
  /** Each `claim=value`. */
  readonly oidcRequiredClaim?: readonly string[]
}

/** Throws `UserError` with all that is wrong. */
export function rulesOfFlags(flags: OidcFlags, ownIssuers: readonly string[]): AuthenticationRules {
  const { oidcIssuerUrl: url = '', oidcClientId: clientId = '' } = flags
  if (url === '' || clientId === '')
    throw new UserError('--oidc-issuer-url and --oidc-client-id must be given together when any --oidc-… flag is', 'give both, or none')
  const algorithms = (flags.oidcSigningAlgs ?? 'RS256').split(',').map((name) => name.trim())
  const unknown = algorithms.find((name) => !ALL_ALGORITHMS.includes(name))
  if (unknown !== undefined)
    throw new UserError(`--oidc-signing-algs: ${JSON.stringify(unknown)} is not supported`, `there are: ${ALL_ALGORITHMS.join(', ')}`)
  return checkedRules(configurationOf(flags, url, clientId), '--oidc-…', ownIssuers, algorithms)
}

function configurationOf(flags: OidcFlags, url: string, clientId: string): AuthenticationConfiguration {
  const { oidcUsernameClaim: claim = 'sub', oidcUsernamePrefix: prefix = '', oidcGroupsClaim: groups, oidcCaFile: caFile } = flags
  const certificateAuthority = caFile === undefined ? undefined : readFileIfThere(caFile)
  if (caFile !== undefined && certificateAuthority === undefined)
    throw new UserError(`the file ${caFile} cannot be read`, 'give --oidc-ca-file a PEM file')
  return {
    jwt: [
      {
        issuer: { url, audiences: [clientId], ...(certificateAuthority === undefined ? {} : { certificateAuthority }) },
        claimMappings: {
          username: { claim, prefix: userPrefix(prefix, claim, url) },
          ...(groups === undefined ? {} : { groups: { claim: groups, prefix: flags.oidcGroupsPrefix ?? '' } }),
        },
        claimValidationRules: (flags.oidcRequiredClaim ?? []).map(requiredClaim),
      },
    ],
  }
}

/** Names of several issuers must not be taken for one another, unless somebody says that they may. */
function userPrefix(prefix: string, claim: string, url: string): string {
  if (prefix === '-') return ''
  return prefix === '' && claim !== 'email' ? `${url}#` : prefix
}

function requiredClaim(text: string): { readonly claim: string; readonly requiredValue: string } {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UserError(`--oidc-required-claim: ${JSON.stringify(text)} is not CLAIM=VALUE`, 'write it like hd=example.com')
  return { claim: text.slice(0, equals), requiredValue: text.slice(equals + 1) }
}
