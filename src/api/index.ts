export { FIELD_ERROR_TYPES, type FieldError, type FieldErrorType, type FieldErrors, fieldError } from './meta/field-error.ts'
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
export type { Column, Conversion, Resource, ResourceStorage, ScaleSubresource, StatusSubresource, Strategy, Subresource, Verb } from './resource.ts'
export type { AnySchema, Field, ListSchema, MapSchema, ObjectSchema, ScalarSchema, Schema, SchemaRules } from './schema/schema.ts'
