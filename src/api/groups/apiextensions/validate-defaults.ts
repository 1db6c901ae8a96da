import { isJsonObject } from '../../meta/deep.ts'
import { type FieldError, type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { validateEmbedded } from '../../structural/embedded.ts'
import { TYPE_META, isEmbedded, itemsOf, type JsonSchema, keepsUnknown, valuesOf } from '../../structural/json-schema.ts'
import { evaluateRules } from '../../structural/rules/evaluate.ts'
import { freshRuleTree } from '../../structural/rules/rule-tree.ts'
import { pushFindings } from '../../structural/validate/result.ts'
import { checkSchema } from '../../structural/validate/schema.ts'

/** Where a schema stands: in which whole object, and what that is with a value at this place. */
interface Place {
  readonly whole: JsonSchema
  readonly around: (value: unknown) => Readonly<Record<string, unknown>>
  /** Inside of what every object has: such a default is looked at in its object. */
  readonly isInMetadata: boolean
}

const wholeOf = (schema: JsonSchema): Place => ({
  whole: schema,
  around: (value) => ({ kind: 'Validation', apiVersion: 'validation/v1', ...(value as object) }),
  isInMetadata: false,
})

/** Each default is one that an object could be given: nothing unknown, all rules kept. `root` is the schema of a kind. */
export function validateDefaults(root: JsonSchema, path: Path, errors: FieldErrors): void {
  validateDefaultsAt(root, wholeOf(root), path, errors)
}

/** There are none below additionalProperties, which is said elsewhere. */
function validateDefaultsAt(schema: JsonSchema | undefined, outer: Place, path: Path, errors: FieldErrors): void {
  if (schema === undefined) return
  const isWhole = isEmbedded(schema) || schema === outer.whole
  const place = isWhole ? wholeOf(schema) : outer
  const { default: value } = schema
  if (value !== undefined && value !== null) {
    if (place.isInMetadata) validateInMetadata(schema, value, place, path.child('default'), errors)
    else validateDefault(schema, value, path.child('default'), isWhole, errors)
  }
  const { around, isInMetadata } = place
  validateDefaultsAt(itemsOf(schema), { ...place, around: (item) => around([item]) }, path.child('items'), errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const inner = { ...place, around: (member: unknown) => around({ [name]: member }) }
    const isMeta = isInMetadata || (isWhole && TYPE_META.includes(name))
    validateDefaultsAt(property, { ...inner, isInMetadata: isMeta }, path.child('properties').key(name), errors)
  }
}

function validateDefault(schema: JsonSchema, value: unknown, path: Path, isWhole: boolean, errors: FieldErrors): void {
  if (hasUnknown(value, schema, isWhole)) errors.push(fieldError.invalid(path, value, 'must not have unknown fields'))
  const found: FieldErrors = []
  validateEmbedded(value, schema, path, isWhole, found)
  validateValue(schema, value, path, isWhole, found)
  errors.push(...found)
}

function validateInMetadata(schema: JsonSchema, value: unknown, place: Place, path: Path, errors: FieldErrors): void {
  const found: FieldErrors = []
  validateEmbedded(place.around(value), place.whole, WHOLE, true, found)
  const messages = found.map((error) => errorText(error).replace(`${WHOLE.toString()}.`, ''))
  const problem = messages.length > 1 ? `[${messages.join(', ')}]` : messages[0]
  if (problem !== undefined) errors.push(fieldError.invalid(path, value, `must result in valid metadata: ${problem}`))
  else validateValue(schema, value, path, false, errors)
}

/** What stands for the path of the whole object where only the rest of a path is told. */
const WHOLE = Path.of('whole')
const errorText = ({ field, message }: FieldError): string => `${field}: ${message}`

/** The rules of the schema, then, where these are kept, its expressions. */
function validateValue(schema: JsonSchema, value: unknown, path: Path, isWhole: boolean, errors: FieldErrors): void {
  const before = errors.length
  pushFindings(checkSchema(withoutImpliedTypes(schema), value, ''), path, errors)
  if (errors.length === before) validateByRules(schema, value, path, isWhole, errors)
}

/** A default is one that an object could be created with, and that could stay as it is. */
function validateByRules(schema: JsonSchema, value: unknown, path: Path, isWhole: boolean, errors: FieldErrors): void {
  const tree = freshRuleTree(schema, isWhole)
  if (tree === undefined) return
  const kept = evaluateRules(tree, value, value, path.toString()).errors
  errors.push(...kept)
  if (kept.length === 0) errors.push(...evaluateRules(tree, value, undefined, path.toString()).errors)
}

/** Defaults are checked by the words that a schema has: that int-or-string is one of two types is not among them. */
function withoutImpliedTypes(schema: JsonSchema): JsonSchema {
  const { 'x-kubernetes-int-or-string': _, properties, items, additionalProperties, ...own } = schema
  return {
    ...own,
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, withoutImpliedTypes(property)])) }),
    ...(items === undefined || Array.isArray(items) ? {} : { items: withoutImpliedTypes(items) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : withoutImpliedTypes(additionalProperties),
        }),
  }
}

/** Whether pruning would take something away. Types are not looked at: an object where a text should be is unknown altogether. */
function hasUnknown(value: unknown, schema: JsonSchema | undefined, isWhole: boolean): boolean {
  const keeps = schema !== undefined && keepsUnknown(schema)
  if (Array.isArray(value)) {
    const items = schema === undefined ? undefined : itemsOf(schema)
    return !(keeps && items === undefined) && value.some((item) => hasUnknown(item, items, items !== undefined && isEmbedded(items)))
  }
  if (!isJsonObject(value)) return false
  return Object.entries(value).some(([key, member]) => {
    if (isWhole && TYPE_META.includes(key)) return false
    const isNamed = Object.hasOwn(schema?.properties ?? {}, key)
    if (!isNamed && schema?.additionalProperties === undefined) return !keeps
    const inner = isNamed ? schema?.properties?.[key] : schema === undefined ? undefined : valuesOf(schema)
    return hasUnknown(member, inner, inner !== undefined && isEmbedded(inner))
  })
}
