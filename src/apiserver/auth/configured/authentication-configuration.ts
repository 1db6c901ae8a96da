import type { DocumentKind, Shape } from './shape.ts'

/** `AuthenticationConfiguration` of apiserver.config.k8s.io/v1: who may send tokens, and who may come without. */
export interface AuthenticationConfiguration {
  readonly jwt?: readonly JwtIssuer[]
  readonly anonymous?: AnonymousRules
}
export interface AnonymousRules {
  readonly enabled?: boolean
  /** Absent or empty: on all paths. */
  readonly conditions?: readonly { readonly path?: string }[]
}
export interface JwtIssuer {
  readonly issuer?: {
    readonly url?: string
    readonly discoveryURL?: string
    readonly certificateAuthority?: string
    readonly audiences?: readonly string[]
    readonly audienceMatchPolicy?: string
    readonly egressSelectorType?: string
  }
  readonly claimValidationRules?: readonly {
    readonly claim?: string
    readonly requiredValue?: string
    readonly expression?: string
    readonly message?: string
  }[]
  readonly claimMappings?: {
    readonly username?: PrefixedClaim
    readonly groups?: PrefixedClaim
    readonly uid?: { readonly claim?: string; readonly expression?: string }
    readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[]
  }
  readonly userValidationRules?: readonly { readonly expression?: string; readonly message?: string }[]
}
export interface PrefixedClaim {
  readonly claim?: string
  readonly prefix?: string
  readonly expression?: string
}

const texts = (...names: readonly string[]): Readonly<Record<string, Shape>> =>
  Object.fromEntries(names.map((name) => [name, 'text' as const]))
const prefixed: Shape = { fields: texts('claim', 'prefix', 'expression') }

export const AUTHENTICATION_CONFIGURATION: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  kind: 'AuthenticationConfiguration',
  fields: {
    jwt: {
      listOf: {
        fields: {
          issuer: {
            fields: {
              ...texts('url', 'discoveryURL', 'certificateAuthority', 'audienceMatchPolicy', 'egressSelectorType'),
              audiences: { listOf: 'text' },
            },
          },
          claimValidationRules: { listOf: { fields: texts('claim', 'requiredValue', 'expression', 'message') } },
          claimMappings: {
            fields: {
              username: prefixed,
              groups: prefixed,
              uid: { fields: texts('claim', 'expression') },
              extra: { listOf: { fields: texts('key', 'valueExpression') } },
            },
          },
          userValidationRules: { listOf: { fields: texts('expression', 'message') } },
        },
      },
    },
    anonymous: { fields: { enabled: 'boolean', conditions: { listOf: { fields: texts('path') } } } },
  },
}
