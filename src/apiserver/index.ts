export { SYSTEM_PRIORITY_CLASSES } from './admission/priority.ts'
export { type AccessControl, type AccessControlOptions, accessControl } from './auth/access-control.ts'
export { type AuthenticationSources, openAuthentication } from './auth/configured/authentication.ts'
export { type AuthorizationSources, openAuthorization } from './auth/configured/authorization.ts'
export { parseTokenFile } from './auth/authenticate/static-tokens.ts'
export {
  type ClusterNames,
  FILES as CERTIFICATE_FILES,
  clusterCertificates,
  componentSubject,
} from './auth/cluster/certificates.ts'
export { type KubeconfigWish, writeKubeconfig } from './auth/cluster/kubeconfig.ts'
export { bootstrapPolicy } from './auth/rbac/policy/policy.ts'
export { reconcilePolicy } from './auth/rbac/policy/reconcile.ts'

export type {
  AccessQuestion,
  AdmissionRequest,
  AdmissionStep,
  Authenticator,
  Authorizer,
  Credentials,
  Decision,
  ObjectReader,
  ObjectWriter,
  Operation,
  RawRoute,
  RequestInfo,
  UserInfo,
  VirtualRequest,
  VirtualResource,
  WriteGuard,
} from './contract.ts'
export { type PolicyOptions, policySteps } from './admission/policies/steps.ts'
export { type WebhookOptions, webhookSteps } from './admission/webhooks/steps.ts'
export { type Aggregator, type AggregatorOptions, createAggregator } from './aggregation/aggregator.ts'
export { FRONT_PROXY, frontProxyCertificates, publishAuthentication } from './auth/cluster/front-proxy.ts'
export { keepLocalServices } from './aggregation/local-services.ts'
export { watchDangling } from './flowcontrol/dangling.ts'
export { type Fairness, type FairnessOptions, requestFairness } from './flowcontrol/fairness.ts'
export { keepFlowControlDefaults } from './flowcontrol/keep-defaults.ts'
export { metricsReaderRole } from './metrics/reader-role.ts'
export { type MetricsOptions, metricsSpecials } from './metrics/metrics-specials.ts'
export type { HealthCheck, HealthPath } from './discovery/health.ts'
export { type StartStep, StartSteps } from './discovery/start-steps.ts'
export type { VersionInfo } from './discovery/plain-paths.ts'

export { type HttpLimits } from './http/limits.ts'
export { type ListenOptions, type Listener, listen } from './http/listener.ts'
export { type ServedGroup, type ServedVersion } from './registry/catalog.ts'

export type { DeletionRules, HookRequest, RegistryHook, Undo } from './registry/core.ts'
export type { SpecialHandler, SpecialTarget } from './registry/special-handler.ts'
export { selfSubjectReview } from './auth/reviews/identity.ts'
export { podSpecials } from './registry/special/pod-specials.ts'
export { AuditLog, type AuditLogOptions } from './audit/audit-log.ts'
export { type AuditSink, allSinks } from './audit/audit-record.ts'
export { type AuditWebhookFlags, openAuditWebhook } from './audit/open-audit-webhook.ts'
export { parseAuditPolicy } from './audit/audit-policy.ts'
export type { Audit, PathHandler } from './router/handler.ts'
export { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts'
export { type ServiceAllocationOptions, serviceAllocation } from './services/allocation.ts'
export { type ServiceRepairOptions, keepServicesRepaired } from './services/repair.ts'
export type { NodeCredentials } from './stream/backend.ts'
export { type StreamOptions, streamSpecials } from './stream/stream-specials.ts'
export { openTracing } from './trace/tracing.ts'
export { LEGACY_LAST_USED, legacyTokenSigner } from './tokens/legacy.ts'
export type { CacheSetOptions } from './watchcache/cache-set.ts'
