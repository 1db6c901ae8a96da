import { type Normalizer, compileNormalizer, normalizerOf } from './normalize.ts'
import type { Field, ObjectSchema } from './schema.ts'
import { wholeText } from './whole-text.ts'

/**
 * Objects as they stand in the store and on the wire: `kind`, `apiVersion`, `metadata`, then the other fields in the order of their
 * type; keys of maps sorted; what Go always writes filled in and what it never writes left out. The same object always gives the
 * same bytes, so that an update that changes nothing can be seen by comparing them.
 */
export interface EncodeOptions {
  /** What is stored has no metadata.resourceVersion: the store's revision is the version, and is put in when the bytes are read. Default false. */
  readonly keepResourceVersion?: boolean
}

/** The object is not changed. Fields that the schema does not know are left out, unless it says that they are kept. */
export function encodeObject(schema: ObjectSchema, object: object, options: EncodeOptions = {}): { readonly bytes: Uint8Array } {
  return { bytes: utf8.encode(encodeText(schema, object, options)) }
}

/** The same as text. */
export function encodeText(schema: ObjectSchema, object: object, options: EncodeOptions = {}): string {
  return JSON.stringify(normalizeObject(schema, object, options))
}

/** The same as a value. It shares parts with the object and is read only. */
export function normalizeObject(schema: ObjectSchema, object: object, options: EncodeOptions = {}): Readonly<Record<string, unknown>> {
  const normalize = options.keepResourceVersion ? normalizerOf(schema) : storedNormalizerOf(schema)
  return normalize(object as Readonly<Record<string, unknown>>)
}

/** An object in the form in which it is stored, and its text. */
export function storedForm(
  schema: ObjectSchema,
  object: object,
): { readonly value: Readonly<Record<string, unknown>>; readonly text: string } {
  const value = normalizeObject(schema, object)
  return { value, text: wholeText(value) }
}

const utf8 = new TextEncoder()

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const storedNormalizers = new WeakMap<ObjectSchema, Normalizer>()

function storedNormalizerOf(schema: ObjectSchema): Normalizer {
  const known = storedNormalizers.get(schema)
  if (known !== undefined) return known
  const normalizer = compileNormalizer(withoutVersion(schema))
  storedNormalizers.set(schema, normalizer)
  return normalizer
}

/** The type with a metadata that is always there and has no resourceVersion. */
function withoutVersion(schema: ObjectSchema): ObjectSchema {
  const metadata = schema.fields.get('metadata')
  if (metadata?.schema.kind !== 'object') return schema
  const inner = new Map([...metadata.schema.fields].filter(([name]) => name !== 'resourceVersion'))
  const replaced: Field = { ...metadata, zero: {}, schema: { ...metadata.schema, fields: inner } }
  return { ...schema, fields: new Map([...schema.fields].map(([name, field]) => [name, name === 'metadata' ? replaced : field])) }
}
