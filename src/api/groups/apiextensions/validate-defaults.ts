import { deepClone, deepEqual, isJsonObject } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { decodeObject } from '../../schema/decode/decode.ts'
import { validateEmbedded } from '../../structural/embedded.ts'
import { type JsonSchema, itemsOf, valuesOf } from '../../structural/json-schema.ts'
import { evaluateRules } from '../../structural/rules/evaluate.ts'
import { freshRuleTree } from '../../structural/rules/rule-tree.ts'
import { toSchema } from '../../structural/to-schema.ts'
import { pushFindings } from '../../structural/validate/result.ts'
import { checkSchema } from '../../structural/validate/schema.ts'

const COMMON: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** Each default is one that an object could be given: nothing unknown, all rules kept. */
export function validateDefaults(schema: JsonSchema | undefined, path: Path, isRoot: boolean, errors: FieldErrors): void {
  if (schema === undefined) return
  if (schema.default !== undefined && schema.default !== null)
    validateDefault(schema, schema.default, path.child('default'), isRoot, errors)
  validateDefaults(itemsOf(schema), path.child('items'), false, errors)
  // What every object has gets no defaults, which is said elsewhere.
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (!isRoot || !COMMON.has(name)) validateDefaults(property, path.child('properties').key(name), false, errors)
  validateDefaults(valuesOf(schema), path.child('additionalProperties'), false, errors)
}

function validateDefault(schema: JsonSchema, value: unknown, path: Path, isRoot: boolean, errors: FieldErrors): void {
  if (!isPruned(schema, value)) {
    errors.push(fieldError.invalid(path, value, 'must not have unknown fields'))
    return
  }
  const before = errors.length
  validateEmbedded(value, schema, path, isRoot, errors)
  if (errors.length === before) pushFindings(checkSchema(withoutImpliedTypes(schema), value, ''), path, errors)
  if (errors.length === before) validateByRules(schema, value, path, isRoot, errors)
}

/** A default is one that an object could be created with, and that could stay as it is. */
function validateByRules(schema: JsonSchema, value: unknown, path: Path, isRoot: boolean, errors: FieldErrors): void {
  const tree = freshRuleTree(schema, isRoot)
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

function isPruned(schema: JsonSchema, value: unknown): boolean {
  // Wrapped, so that lists and scalars can be read like members.
  const wrapper = toSchema({ type: 'object', properties: { value: schema } })
  if (wrapper.kind !== 'object' || (!isJsonObject(value) && !Array.isArray(value))) return true
  const copy = { value: deepClone(value) }
  return decodeObject(wrapper, copy).unknown.length === 0 && deepEqual(copy.value, value)
}
