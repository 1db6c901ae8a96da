/**
 * What is known of a type, for built-in kinds (from the generated facts) and for custom resources (from their structural
 * schema) alike. Decoding, defaulting, patches, field ownership, protobuf, tables and OpenAPI are driven by it; nothing is
 * written per kind. Values are plain JSON as on the wire.
 *
 * Schemas are immutable once built and may refer to themselves (JSONSchemaProps does).
 */
export type Schema = ObjectSchema | MapSchema | ListSchema | ScalarSchema | AnySchema

interface SchemaBase {
  /** Short type name where the type has one: `Pod`, `ObjectMeta`, `Quantity`. */
  readonly name?: string
  readonly nullable?: boolean
  /** Rules of a custom resource's schema (pattern, limits, CEL, …). Absent for built-in types: their rules are code. */
  readonly rules?: SchemaRules
}

/** An object with known fields. */
export interface ObjectSchema extends SchemaBase {
  readonly kind: 'object'
  readonly fields: ReadonlyMap<string, Field>
  /** `atomic`: owned and replaced as one value by server-side apply. */
  readonly atomic?: boolean
  /** Whether fields that are not known are kept (x-kubernetes-preserve-unknown-fields). */
  readonly keepUnknown?: boolean
  /** Schema of the fields that are not known, for objects with both properties and additionalProperties. */
  readonly others?: Schema
  /** Whether the value is itself a whole object with apiVersion, kind and metadata (x-kubernetes-embedded-resource). */
  readonly embeddedResource?: boolean
  /** Strategic merge: `retainKeys` drops the fields of a union that the patch does not name. */
  readonly retainKeys?: boolean
  /** Strategic merge: the patch's value takes the place of what is there. */
  readonly isReplaced?: boolean
}

/** An object with free keys. */
export interface MapSchema extends SchemaBase {
  readonly kind: 'map'
  readonly values: Schema
  readonly atomic?: boolean
}

export interface ListSchema extends SchemaBase {
  readonly kind: 'list'
  readonly items: Schema
  /** How server-side apply sees it (x-kubernetes-list-type). Default: atomic. */
  readonly listType: 'atomic' | 'set' | 'map'
  /** The fields that identify an item when `listType` is `map`. */
  readonly listKeys: readonly string[]
  /** How a strategic merge patch sees it: merged by this field (or by value when it is a list of scalars and `mergeKey` is ''), or replaced when undefined. */
  readonly mergeKey?: string
  readonly retainKeys?: boolean
}

export const SCALARS = [
  'string',
  'integer',
  'number',
  'boolean',
  /** A string or a whole number (IntOrString). */
  'int-or-string',
  /** A resource quantity: a string, or a number that is turned into one. */
  'quantity',
  /** metav1.Time, RFC 3339 with seconds. */
  'time',
  /** metav1.MicroTime. */
  'micro-time',
  /** metav1.Duration. */
  'duration',
  /** Base64. */
  'bytes',
] as const
export interface ScalarSchema extends SchemaBase {
  readonly kind: (typeof SCALARS)[number]
  readonly format?: string
  /** Known values, for documentation; built-in validation code refuses others in its own words. */
  readonly enum?: readonly string[]
}

/** Any JSON value (RawExtension, JSON, x-kubernetes-preserve-unknown-fields without a type). */
export interface AnySchema extends SchemaBase {
  readonly kind: 'any'
  /** What the value is read as where it is an object, or a list of objects (JSONSchemaPropsOrArray and its like). */
  readonly objects?: ObjectSchema
  /** What may stand there instead of an object. */
  readonly instead?: 'boolean' | 'list'
}

export interface Field {
  readonly name: string
  readonly schema: Schema
  readonly required: boolean
  /** Filled in when absent (OpenAPI `default`, other than the zero values below). Shared: copied before use. */
  readonly default?: unknown
  /**
   * Written even when absent or empty, because the wire format of built-in types has it so: a struct held by value
   * (`{}`), a string or number without omitempty (`""`, `0`, `false`, `null` for lists and maps).
   */
  readonly zero?: unknown
  /** Left out on the wire when it is empty (`""`, `0`, `false`, `[]`, `{}`): built-in types cannot tell empty from absent here. */
  readonly dropEmpty?: boolean
  /** How messages about a wrong JSON type name the type of this field: `int32`, `[]v1.Container`. Absent for custom resources. */
  readonly goType?: string
  /** What those messages put before the name of the field: `PersistentVolumeSource` (a struct that Go embeds and JSON does not show). */
  readonly goPrefix?: string
  /** How the field is sent as protobuf; absent for custom resources. */
  readonly proto?: FieldNumber
}

export interface FieldNumber {
  readonly number: number
  /** The numbers of the messages around it where JSON has their fields inline. */
  readonly outer?: readonly number[]
  /** Go holds a value here and no pointer: it is sent even when it is empty. */
  readonly isAlways?: boolean
}

/** The rules of a CustomResourceDefinition's schema, under their OpenAPI names. */
export interface SchemaRules {
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly allOf?: readonly unknown[]
  readonly anyOf?: readonly unknown[]
  readonly oneOf?: readonly unknown[]
  readonly not?: unknown
}
