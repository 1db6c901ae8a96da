import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { TYPE_META, isEmbedded, itemsOf, type JsonSchema } from '../../structural/json-schema.ts'
import { isObject } from '../../schema/decode/types.ts'
import { validateRuleWords } from './rule-words.ts'
import { validateListWords } from './validate-list-words.ts'

const TYPES: readonly string[] = ['array', 'boolean', 'integer', 'number', 'object', 'string']

interface Place {
  /** The schemas in or below which something is wrong. */
  readonly faulty: Set<JsonSchema>
  /** Why no default may stand here; undefined where one may. */
  readonly noDefaults: string | undefined
  readonly isInMetadata: boolean
}

/** Words that no schema of a definition may have, and those that need others. Tells in or below which schemas something is wrong. */
export function validateWords(schema: JsonSchema, path: Path, errors: FieldErrors): ReadonlySet<JsonSchema> {
  const faulty = new Set<JsonSchema>()
  validateWordsAt(schema, path, { noDefaults: undefined, isInMetadata: false, faulty }, true, errors)
  return faulty
}

function validateWordsAt(schema: JsonSchema | undefined, path: Path, place: Place, isRoot: boolean, errors: FieldErrors): void {
  if (schema === undefined || schema === null) return
  const before = errors.length
  validateOwnWords(schema, path, place, errors)
  const { additionalProperties, properties = {} } = schema
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true) {
      errors.push(fieldError.forbidden(path.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive'))
    }
    if (typeof additionalProperties === 'object') {
      const inner = place.isInMetadata ? { ...place, noDefaults: 'inside additionalProperties applying to object metadata' } : place
      validateWordsAt(additionalProperties, path.child('additionalProperties'), inner, false, errors)
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (isRoot || isEmbedded(schema)) && TYPE_META.includes(name)
    const inner: Place = isMeta ? { ...place, isInMetadata: true, noDefaults: isRoot ? `in top-level ${name}` : place.noDefaults } : place
    validateWordsAt(property, path.child('properties').key(name), inner, false, errors)
  }
  validateWordsAt(schema.not, path.child('not'), place, false, errors)
  for (const word of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[word]?.forEach((one, i) => validateWordsAt(one, path.child(word).index(i), place, false, errors))
  }
  for (const [name, one] of Object.entries(schema.definitions ?? {}))
    validateWordsAt(one, path.child('definitions').key(name), place, false, errors)
  validateWordsAt(itemsOf(schema), path.child('items'), place, false, errors)
  if (Array.isArray(schema.items))
    schema.items.forEach((one, i) => validateWordsAt(one, path.child('items').index(i), place, false, errors))
  for (const [name, one] of Object.entries(schema.dependencies ?? {}))
    if (isObject(one)) validateWordsAt(one, path.child('dependencies').key(name), place, false, errors)
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(fieldError.invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'))
  }
  validateListWords(schema, path, errors)
  const rules = path.child('x-kubernetes-validations')
  schema['x-kubernetes-validations']?.forEach((rule, i) => validateRuleWords(rule, schema, rules.index(i), errors))
  if (errors.length > before) place.faulty.add(schema)
}

function validateOwnWords(schema: JsonSchema, path: Path, place: Place, errors: FieldErrors): void {
  const forbid = (word: keyof JsonSchema, isUsed: boolean, detail = `${word} is not supported`): void => {
    if (isUsed) errors.push(fieldError.forbidden(path.child(word), detail))
  }
  const { type = '' } = schema
  if (type !== '' && !TYPES.includes(type)) errors.push(fieldError.notSupported(path.child('type'), type, TYPES))
  if (place.noDefaults !== undefined)
    forbid('default', schema.default !== undefined && schema.default !== null, `must not be set ${place.noDefaults}`)
  forbid('id', (schema.id ?? '') !== '')
  forbid('additionalItems', schema.additionalItems !== undefined)
  forbid('patternProperties', Object.keys(schema.patternProperties ?? {}).length > 0)
  forbid('definitions', Object.keys(schema.definitions ?? {}).length > 0)
  forbid('dependencies', schema.dependencies !== undefined)
  forbid('$ref', schema.$ref !== undefined)
  forbid('type', schema.type === 'null', 'type cannot be set to null, use nullable as an alternative')
  forbid('items', Array.isArray(schema.items) && schema.items.length > 0, 'items must be a schema object and not an array')
  if (place.isInMetadata) forbid('x-kubernetes-embedded-resource', isEmbedded(schema), 'must not be used inside of resource meta')
  forbid('uniqueItems', schema.uniqueItems === true, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
}
