import type { JSONSchemaProps } from '../types/apiextensions-v1.gen.ts'

/** A schema as it stands in a CustomResourceDefinition. What is read here has been validated: it is structural. */
export type JsonSchema = JSONSchemaProps

/** The fields that every whole object has, whatever its schema says. */
export const TYPE_META: readonly string[] = ['apiVersion', 'kind', 'metadata']

export function itemsOf(schema: JsonSchema): JsonSchema | undefined {
  return Array.isArray(schema.items) ? undefined : schema.items
}

/** The schema of the keys that have no property of their own; undefined where the word is absent or a boolean. */
export function valuesOf(schema: JsonSchema): JsonSchema | undefined {
  const { additionalProperties } = schema
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

/** The schema of one member, named or free. */
export function memberSchemaOf(schema: JsonSchema, key: string): JsonSchema | undefined {
  const { properties } = schema
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : valuesOf(schema)
}

export const keepsUnknown = (schema: JsonSchema): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true
export const isIntOrString = (schema: JsonSchema): boolean => schema['x-kubernetes-int-or-string'] === true
export const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true
