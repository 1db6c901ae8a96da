import { deepClone } from '../meta/deep.ts'
import { type KubeObject, apiVersionOf } from '../meta/object.ts'
import type { Conversion, ConversionWebhook, Resource, ResourceStorage } from '../resource.ts'
import { decodeObject } from '../schema/decode/decode.ts'
import { applySchemaDefaults } from '../schema/defaults.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import { conforms } from './conforms.ts'
import type { JsonSchema } from './json-schema.ts'
import { dropNulls } from './nulls.ts'

/**
 * Between a version and what is stored, without a webhook: the name of the version changes, and the version's schema decides which
 * fields are seen and what absent ones are. So objects that were stored under an older schema are read by the present one.
 */
export function customConversion(
  stored: Resource,
  of: { readonly group: string; readonly kind: string; readonly storage: ResourceStorage },
  version: string,
  rules: () => JsonSchema,
  schema: () => ObjectSchema,
  storedSchema: () => ObjectSchema,
  webhook: (() => ConversionWebhook) | undefined,
): Conversion {
  const apiVersion = apiVersionOf({ group: of.group, version })
  const storedVersion = apiVersionOf(of.storage)
  return {
    stored,
    ...(webhook === undefined ? {} : { webhook }),
    toStored(object) {
      if (version === of.storage.version) return object.apiVersion === storedVersion ? object : { ...object, apiVersion: storedVersion }
      // What the stored version does not know cannot be kept.
      const copy = deepClone(object) as KubeObject
      copy.apiVersion = storedVersion
      decodeObject(storedSchema(), copy)
      return copy
    },
    fromStored(object) {
      if (object.apiVersion === apiVersion && conforms(object, schema())) return object
      const copy = deepClone(object) as KubeObject
      copy.apiVersion = apiVersion
      return settle(copy, rules(), schema())
    },
  }
}

/** Prunes a draft, fills in its defaults and settles what is null. */
function settle(draft: KubeObject, rules: JsonSchema, schema: ObjectSchema): KubeObject {
  decodeObject(schema, draft)
  applySchemaDefaults(schema, draft)
  dropNulls(draft, rules)
  return draft
}
