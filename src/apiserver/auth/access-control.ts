import { type MetricText, type Scope, type Secret, certificateVerifier } from '#base'
import type { core } from '#api'
import { quotaGuard } from '../admission/quota/quota-guard.ts'
import { deviceClaimHooks } from '../admission/device-claims.ts'
import { admissionSteps, finalAdmissionSteps } from '../admission/steps.ts'
import type {
  AdmissionStep,
  Authenticator,
  Authorizer,
  ObjectReader,
  RawRoute,
  UserInfo,
  VirtualResource,
  WriteGuard,
} from '../contract.ts'
import { issuerDiscoveryRoutes } from '../tokens/discovery.ts'
import { tokenKey, tokenSigner } from '../tokens/keys.ts'
import { legacyTokenAuthenticator } from '../tokens/legacy.ts'
import { TokenMetrics } from '../tokens/token-metrics.ts'
import { tokenRequestResource } from '../tokens/token-request.ts'
import { serviceAccountTokenAuthenticator } from '../tokens/verify.ts'
import { type TokenAuthenticator, bearerAuthenticator } from './authenticate/bearer.ts'
import { bootstrapTokenAuthenticator } from './authenticate/bootstrap-tokens.ts'
import { CertificateMetrics } from './authenticate/certificate-metrics.ts'
import { clientCertificateAuthenticator } from './authenticate/client-certificate.ts'
import { staticTokenAuthenticator } from './authenticate/static-tokens.ts'
import type { ConfiguredAuthorization } from './configured/authorization.ts'
import { mastersAuthorizer, unionAuthorizer } from './authorize/authorize.ts'
import { nodeAuthorizer } from './authorize/node.ts'
import { type Impersonation, impersonation } from './impersonate/impersonate.ts'
import { rbacEvaluator } from './rbac/evaluator.ts'
import { nodeRules } from './rbac/policy/policy.ts'
import { accessReviews } from './reviews/access.ts'
import { selfSubjectReview, tokenReview } from './reviews/identity.ts'
import { rulesReview } from './reviews/rules.ts'
import type { RegistryHook } from '../registry/core.ts'

export interface AccessControlOptions {
  readonly reader: ObjectReader
  /** PEM bundle. Absent: client certificates are not looked at. */
  readonly clientAuthorities?: string
  /** Users with tokens: of a token file, and the random ones of the parts inside this process. */
  readonly tokens: Iterable<readonly [token: string, user: UserInfo]>
  /** Asked about tokens that nobody else knows. */
  readonly furtherTokens?: readonly TokenAuthenticator[]
  /** Who decides beside or instead of the server's own. `system:masters` may do everything whatever it says. */
  readonly authorization?: ConfiguredAuthorization | undefined
  /** How long pods that do not say so themselves stay on a node in trouble. Default 300. */
  readonly troubleTolerationSeconds?: number
  readonly serviceAccounts: {
    /** The first is the issuer of new tokens; tokens of all are accepted. */
    readonly issuers: readonly [string, ...string[]]
    /** Of the API server; the first issuer when empty. */
    readonly audiences: readonly string[]
    /** PEM. */
    readonly signingKey: Secret
    /** PEM, public or private: keys of the past whose tokens still live. */
    readonly furtherKeys: readonly Secret[]
    /** Told when a token that a Secret keeps is used. */
    readonly noteSecretUse?: (scope: Scope, secret: core.Secret) => void
  }
}

/** Who may do what: everything that the server asks, under the names of its options. */
export interface AccessControl {
  readonly authenticators: readonly Authenticator[]
  readonly authorizers: readonly Authorizer[]
  readonly impersonation: Impersonation
  /** The built-in steps. Steps of the users (policies, webhooks) belong between `admission` and `finalAdmission`. */
  readonly admission: readonly AdmissionStep[]
  readonly finalAdmission: readonly AdmissionStep[]
  /** Rules of kinds that have to look at other objects, or at who asks. */
  readonly hooks: Readonly<Record<string, RegistryHook>>
  readonly guard: WriteGuard
  readonly virtual: readonly VirtualResource[]
  readonly rawRoutes: readonly RawRoute[]
  /** How tokens and certificates were recognized. */
  writeMetrics(text: MetricText): void
}

export function accessControl(options: AccessControlOptions): AccessControl {
  const { reader, serviceAccounts } = options
  const issuer = serviceAccounts.issuers[0]
  const audiences = serviceAccounts.audiences.length === 0 ? [issuer] : serviceAccounts.audiences
  const keys = [serviceAccounts.signingKey, ...serviceAccounts.furtherKeys].map(tokenKey)

  const metrics = new TokenMetrics()
  const certificateMetrics = new CertificateMetrics()
  const tokens: readonly TokenAuthenticator[] = [
    staticTokenAuthenticator('static-token', options.tokens),
    serviceAccountTokenAuthenticator({ issuers: serviceAccounts.issuers, keys, audiences, reader, metrics }),
    legacyTokenAuthenticator({
      keys,
      audiences,
      reader,
      ...(serviceAccounts.noteSecretUse === undefined ? {} : { noteUse: serviceAccounts.noteSecretUse }),
    }),
    bootstrapTokenAuthenticator(reader),
    ...(options.furtherTokens ?? []),
  ]
  const certificates = options.clientAuthorities
  const authenticators: readonly Authenticator[] = [
    ...(certificates === undefined
      ? []
      : [clientCertificateAuthenticator(certificateVerifier(certificates, 'clientAuth'), certificateMetrics)]),
    bearerAuthenticator(tokens),
  ]
  const rbac = rbacEvaluator(reader)
  const node = nodeAuthorizer(reader, nodeRules())
  const authorizers: readonly Authorizer[] = [mastersAuthorizer, ...(options.authorization?.authorizers({ node, rbac }) ?? [node, rbac])]
  const authorizer = unionAuthorizer(authorizers)

  return {
    authenticators,
    authorizers,
    impersonation: impersonation(authorizer),
    admission: admissionSteps(reader, authorizer, options),
    finalAdmission: finalAdmissionSteps(reader, rbac, authorizer),
    hooks: deviceClaimHooks(reader, authorizer),
    guard: quotaGuard(reader),
    virtual: [
      ...accessReviews(authorizer),
      rulesReview(rbac, options.authorization),
      selfSubjectReview,
      tokenReview(tokens, audiences),
      tokenRequestResource({ issuer, audiences, signer: tokenSigner(serviceAccounts.signingKey), reader }),
    ],
    rawRoutes: issuerDiscoveryRoutes(issuer, keys),
    writeMetrics(text) {
      metrics.write(text)
      certificateMetrics.write(text)
    },
  }
}
