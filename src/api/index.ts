export { type Cell, type ResourceRules, builtInSchema, metaSchema } from './define.ts'
export { bootstrapFlowControl } from './groups/flowcontrol/bootstrap.ts'
export { builtInResources } from './groups/index.ts'
export { type CronSchedule, type CronTimes, parseCronSchedule } from './schedules/cron.ts'
export { parseDuration } from './schedules/duration.ts'
export { dueTimes, nextTime } from './schedules/next.ts'
export { isTimeZoneName } from './schedules/time-zone.ts'
export { type FieldError, type FieldErrorType, type FieldErrors, fieldError, inKeyOrder } from './meta/field-error.ts'
export {
  type KubeList,
  type KubeObject,
  type ListMeta,
  type ManagedFieldsEntry,
  type ObjectMeta,
  type OwnerReference,
  type ResourceRef,
  apiVersionOf,
  keyOf,
} from './meta/object.ts'
export {
  type NodeMetrics,
  type PodMetrics,
  metricsResources,
  nodeMetricsRef,
  podMetricsRef,
} from './metrics/metrics-resources.ts'
export { Path } from './meta/path.ts'
export {
  type GroupKind,
  type GroupResource,
  REASONS,
  type Status,
  type StatusCause,
  type StatusDetails,
  StatusError,
  type StatusReason,
  hasReason,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  statusError,
} from './meta/status.ts'
export type {
  Column,
  Conversion,
  ConversionWebhook,
  Resource,
  ResourceStorage,
  ScaleSubresource,
  StatusSubresource,
  Strategy,
  Subresource,
  Verb,
} from './resource.ts'
export { ageOf } from './schema/age.ts'
export { schemaOf } from './schema/builtin.ts'
export { type Decoded, DecodeError, decodeObject } from './schema/decode/decode.ts'
export { restoreProblem } from './schema/decode/restore.ts'
export { applySchemaDefaults } from './schema/defaults.ts'
export { isUnsetList } from './meta/unset-list.ts'
export { type EncodeOptions, encodeObject, normalizeObject, storedForm } from './schema/encode.ts'
export { type TypedObject, decodeProtobuf, encodeProtobuf, openEnvelope } from './schema/protobuf/protobuf.ts'

export { type ColumnFact, resourceFacts } from './schema/registered.ts'
export type { ResourceFact, SubresourceFact } from './schema/resource-facts.ts'
export type { AnySchema, Field, ListSchema, MapSchema, ObjectSchema, ScalarSchema, Schema, SchemaRules } from './schema/schema.ts'
export type { Describe, Description } from './openapi/components.ts'
export { groupVersions, openApiV2, openApiV3 } from './openapi/documents.ts'
export { withSharedParameters } from './openapi/shared-parameters.ts'
export { type Components, type GroupVersionKind, wholeSchema } from './openapi/whole-schema.ts'
export { type PlainDocument, plainDocuments } from './openapi/plain-documents.ts'
export * as refs from './refs.gen.ts'
export type * as admissionregistration from './types/admissionregistration-v1.gen.ts'
export type * as apiextensions from './types/apiextensions-v1.gen.ts'
export type * as apiregistration from './types/apiregistration-v1.gen.ts'
export type * as apps from './types/apps-v1.gen.ts'
export type * as authentication from './types/authentication-v1.gen.ts'
export type * as authorization from './types/authorization-v1.gen.ts'
export type * as autoscalingV1 from './types/autoscaling-v1.gen.ts'
export type * as autoscaling from './types/autoscaling-v2.gen.ts'
export type * as batch from './types/batch-v1.gen.ts'
export type * as certificates from './types/certificates-v1.gen.ts'
export type * as coordination from './types/coordination-v1.gen.ts'
export type * as core from './types/core-v1.gen.ts'
export type * as discovery from './types/discovery-v1.gen.ts'
export type * as events from './types/events-v1.gen.ts'
export type * as flowcontrol from './types/flowcontrol-v1.gen.ts'
export type * as meta from './types/meta-v1.gen.ts'
export type * as networking from './types/networking-v1.gen.ts'
export type * as node from './types/node-v1.gen.ts'
export type * as policy from './types/policy-v1.gen.ts'
export type * as rbac from './types/rbac-v1.gen.ts'
export type * as resource from './types/resource-v1.gen.ts'
export type * as scheduling from './types/scheduling-v1.gen.ts'
export type * as storage from './types/storage-v1.gen.ts'
export {
  type AnyContainer,
  type ContainerKind,
  MIRROR_POD_ANNOTATION,
  type PodReferences,
  isMirrorPod,
  podReferences,
  visitContainers,
} from './pods/visit.ts'
export { OncePerPart, isShared, share } from './meta/shared-parts.ts'
export { type JsonObject, deepClone, deepEqual, deepFreeze } from './meta/deep.ts'
export { type FieldRequirement, parseFieldSelector } from './meta/field-selector.ts'
export {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  type QuantityFormat,
  type QuantityLike,
  quantityMilli,
  quantityToNumber,
  quantityValue,
  subtractQuantities,
} from './meta/quantity.ts'
export { parseLabelSelector } from './meta/selector-text.ts'
export {
  type LabelSelector,
  type LabelSelectorObject,
  type LabelSelectorRequirement,
  type Labels,
  labelSelectorOf,
  type SelectorOperator,
  type SelectorRequirement,
} from './meta/selectors.ts'
export {
  type Cidr,
  type Ip,
  cidrContains,
  IP_FAMILIES,
  type IpFamily,
  cidrText,
  familiesOf,
  familyOf,
  ipOf,
  parseCidr,
  parseIp,
  plainAddress,
  plainCidr,
} from './validation/ip.ts'
export { type LabelSelectorOptions } from './validation/label-selector.ts'
export {
  dnsSubdomainErrors,
  pathSegmentErrors,
  domainPrefixedPathErrors,
  type NameRule,
  nameIsPathSegment,
  labelValueErrors,
  qualifiedNameErrors,
  type TextErrors,
} from './validation/names.ts'
export {
  type ObjectMetaOptions,
  validateObjectMeta,
  validateObjectMetaUpdate,
  validateStandardFinalizer,
} from './validation/object-meta.ts'

export {
  invalidText,
  type Validate,
} from './validation/values.ts'
export type { AccessAnswer, AccessQuery } from './cel/library/kubernetes/authorization.ts'
export { type DeviceSelectorProgram, type SelectableDevice, compileDeviceSelector } from './cel/kubernetes/device-selector.ts'
export { type IdentityExpression, IdentityProblem, type IdentityVariable, compileIdentity } from './cel/kubernetes/identity.ts'
export { type TypedKind, checkPolicyTypes } from './policies/check-types.ts'
export { meetsMatchConditions } from './policies/conditions.ts'
export { mutateByPolicy, mutationsOf, wantsToMutate } from './policies/mutate.ts'
export type { PolicyInput } from './policies/scene.ts'
export { validateByPolicy } from './policies/validate.ts'
export { InapplicablePatch, jsonPatch } from './patch/json-patch.ts'
export { mergePatch } from './patch/merge-patch.ts'
export { strategicMergePatch } from './patch/strategic-merge.ts'

export { addAmounts, growth, onlyNamed, sameAmounts, withoutZeros } from './quota/amounts.ts'
export type { QuotaEvaluator, QuotaWrite } from './quota/evaluator.ts'
export { quotaReleaseMs } from './quota/pods.ts'
export { quotaEvaluator, quotaResources, quotaSelects, quotaUsage } from './quota/quota.ts'
export { effectiveSpec } from './pods/effective-spec.ts'
export {
  CLAIM_FINALIZER,
  EXTENDED_CLAIM_ANNOTATION,
  POD_CLAIM_ANNOTATION,
  canBeReserved,
  claimNameOf,
  consumerOf,
  isClaimOfPod,
  isReservedFor,
  notClaimOfPod,
} from './pods/pod-claims.ts'
export { isExtendedResource } from './validation/resources.ts'
export { toleratesDeviceTaint } from './pods/device-taints.ts'
export { NODE_FEATURES, featuresToChange, featuresToRun } from './pods/node-features.ts'
export { type QosClass, qosClass } from './pods/qos.ts'
export { type AmountKind, type Amounts, containerAmounts, podAmounts } from './pods/resources.ts'
export { keepUnchangedTimes } from './fields/keep-times.ts'
export { type FieldSet, fieldSetOf } from './fields/set/field-set.ts'
export { checkApplied } from './fields/check-applied.ts'
export type { OtherVersion } from './fields/ownership.ts'
export { UnfitVersion } from './fields/unfit-version.ts'
export { type ApplyRequest, serverSideApply, unrestorable } from './fields/server-side-apply.ts'
export { type UpdateRequest, trackUpdate } from './fields/track-update.ts'
export { managedFieldsAfterScale, type ReplicasPaths, scaleManagedFields } from './fields/scale-fields.ts'
export { isNodeReady, isOutOfService, zoneOf } from './workloads/nodes.ts'
export { isRolledOut } from './workloads/rolled-out.ts'
export { type CustomResources, customResources } from './structural/custom-resource.ts'
export type { RuleTimer } from './structural/rules/rule-tree.ts'
export { validateServiceAddresses } from './groups/core/services/service-validation.ts'
