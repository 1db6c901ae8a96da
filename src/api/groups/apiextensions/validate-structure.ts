import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { TYPE_META, isEmbedded, isIntOrString, itemsOf, type JsonSchema, keepsUnknown, valuesOf } from '../../structural/json-schema.ts'
import { patternError } from '../../structural/validate/patterns.ts'

type Level = 'root' | 'field' | 'item'

/** Whether a schema says of each value which type it has, in one place: the rules of structural schemas. */
export function validateStructure(schema: JsonSchema | undefined, level: Level, path: Path, errors: FieldErrors): void {
  if (schema === undefined) return
  if (schema.type === 'array' && itemsOf(schema) === undefined) errors.push(fieldError.required(path.child('items'), 'must be specified'))
  validateStructure(itemsOf(schema), 'item', path.child('items'), errors)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    validateStructure(property, 'field', path.child('properties').key(name), errors)
  if (schema.additionalProperties !== undefined) {
    if (level === 'root') errors.push(fieldError.forbidden(path.child('additionalProperties'), 'must not be used at the root'))
    validateStructure(valuesOf(schema), 'field', path.child('additionalProperties'), errors)
  }
  validateExtensions(schema, path, errors)
  validateCombined(schema, isIntOrStringPair(schema.anyOf), isIntOrStringPair(schema.allOf?.[0]?.anyOf), path, errors)
  validateType(schema, level, path, errors)
  if (level === 'root' || isEmbedded(schema)) validateTypeMeta(schema, level, path, errors)
  if (level === 'root') validateCompleteness(schema, schema, path, path, errors)
}

function validateExtensions(schema: JsonSchema, path: Path, errors: FieldErrors): void {
  const exclusive = 'must be false if x-kubernetes-int-or-string is true'
  if (isIntOrString(schema) && keepsUnknown(schema))
    errors.push(fieldError.invalid(path.child('x-kubernetes-preserve-unknown-fields'), true, exclusive))
  if (isIntOrString(schema) && isEmbedded(schema))
    errors.push(fieldError.invalid(path.child('x-kubernetes-embedded-resource'), true, exclusive))
  if (isEmbedded(schema) && !keepsUnknown(schema) && Object.keys(schema.properties ?? {}).length === 0) {
    errors.push(
      fieldError.required(
        path.child('properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
  }
}

const PLACES: Readonly<Record<Level, string>> = {
  root: 'at the root',
  item: 'for specified array items',
  field: 'for specified object fields',
}

function validateType(schema: JsonSchema, level: Level, path: Path, errors: FieldErrors): void {
  const { type = '' } = schema
  const at = path.child('type')
  if (isEmbedded(schema) && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? fieldError.required(at, detail) : fieldError.invalid(at, type, detail))
  } else if (type === '' && !isIntOrString(schema) && !keepsUnknown(schema))
    errors.push(fieldError.required(at, `must not be empty ${PLACES[level]}`))
  if (isEmbedded(schema) && schema.additionalProperties !== undefined) {
    errors.push(fieldError.forbidden(path.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'))
  }
  if (level === 'root' && type !== '' && type !== 'object') errors.push(fieldError.invalid(at, type, 'must be object at the root'))
}

/** kind and apiVersion are texts; of the metadata of the whole only the names may be narrowed. */
function validateTypeMeta(schema: JsonSchema, level: Level, path: Path, errors: FieldErrors): void {
  for (const name of TYPE_META) {
    const property = schema.properties?.[name]
    if (property === undefined) continue
    const at = path.child('properties').key(name)
    const wanted = name === 'metadata' ? 'object' : 'string'
    if (property.type !== wanted) errors.push(fieldError.invalid(at.child('type'), property.type ?? '', `must be ${wanted}`))
    if (level === 'root' && name === 'metadata' && !isPlainMetadata(property)) {
      errors.push(
        fieldError.forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'),
      )
    }
  }
}

function isPlainMetadata({ type: _, properties = {}, default: _default, ...others }: JsonSchema): boolean {
  return (
    Object.values(others).every((value) => value === undefined) &&
    Object.keys(properties).every((name) => name === 'name' || name === 'generateName')
  )
}

/** What the rules at the root say of a field, the structure knows: `path` is that of the structure, `at` that of the rules. */
function validateCompleteness(rules: JsonSchema, schema: JsonSchema, path: Path, at: Path, errors: FieldErrors): void {
  if (rules.not !== undefined) validateKnown(rules.not, schema, path, at.child('not'), errors)
  for (const word of ['allOf', 'anyOf', 'oneOf'] as const)
    rules[word]?.forEach((one, i) => validateKnown(one, schema, path, at.child(word).index(i), errors))
}

function validateKnown(rules: JsonSchema, schema: JsonSchema | undefined, path: Path, at: Path, errors: FieldErrors): void {
  if (schema === undefined) {
    errors.push(fieldError.required(path, `because it is defined in ${at.toString()}`))
    return
  }
  validateCompleteness(rules, schema, path, at, errors)
  const items = itemsOf(rules)
  if (items !== undefined) validateKnown(items, itemsOf(schema), path.child('items'), at.child('items'), errors)
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined
    validateKnown(property, known, path.child('properties').key(name), at.child('properties').key(name), errors)
  }
}

/** `anyOf: [{type: integer}, {type: string}]` is how int-or-string is said to clients that do not know it. It may stand where nothing else says so, too. */
function isIntOrStringPair(schemas: readonly JsonSchema[] | undefined): boolean {
  return schemas?.length === 2 && schemas.every((one, i) => Object.keys(one).length === 1 && one.type === (i === 0 ? 'integer' : 'string'))
}

function validateCombined(schema: JsonSchema, skipsAnyOf: boolean, skipsFirstAllOf: boolean, path: Path, errors: FieldErrors): void {
  if (!skipsAnyOf) schema.anyOf?.forEach((one, i) => validateNested(one, false, path.child('anyOf').index(i), errors))
  schema.allOf?.forEach((one, i) => validateNested(one, i === 0 && skipsFirstAllOf, path.child('allOf').index(i), errors))
  schema.oneOf?.forEach((one, i) => validateNested(one, false, path.child('oneOf').index(i), errors))
  if (schema.not !== undefined) validateNested(schema.not, false, path.child('not'), errors)
  const { pattern = '' } = schema
  const problem = pattern === '' ? undefined : patternError(pattern)
  if (problem !== undefined)
    errors.push(fieldError.invalid(path.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${problem}`))
}

const EMPTY = 'must be empty to be structural'
const UNDEFINED = 'must be undefined to be structural'
const FALSE = 'must be false to be structural'

/** Inside of anyOf, allOf, oneOf and not there are only rules over values, nothing that says what a value is. */
function validateNested(schema: JsonSchema, skipsAnyOf: boolean, path: Path, errors: FieldErrors): void {
  validateCombined(schema, skipsAnyOf, false, path, errors)
  const items = itemsOf(schema)
  if (items !== undefined) validateNested(items, false, path.child('items'), errors)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    validateNested(property, false, path.child('properties').key(name), errors)
  const forbid = (word: keyof JsonSchema, isUsed: boolean, detail: string): void => {
    if (isUsed) errors.push(fieldError.forbidden(path.child(word), detail))
  }
  forbid('type', (schema.type ?? '') !== '', EMPTY)
  forbid('additionalProperties', schema.additionalProperties !== undefined, UNDEFINED)
  forbid('default', schema.default !== undefined && schema.default !== null, UNDEFINED)
  forbid('nullable', schema.nullable === true, FALSE)
  forbid('title', (schema.title ?? '') !== '', EMPTY)
  forbid('description', (schema.description ?? '') !== '', EMPTY)
  forbid('x-kubernetes-preserve-unknown-fields', keepsUnknown(schema), FALSE)
  forbid('x-kubernetes-embedded-resource', isEmbedded(schema), FALSE)
  forbid('x-kubernetes-int-or-string', isIntOrString(schema), FALSE)
  forbid('x-kubernetes-list-map-keys', (schema['x-kubernetes-list-map-keys'] ?? []).length > 0, EMPTY)
  forbid('x-kubernetes-list-type', schema['x-kubernetes-list-type'] !== undefined, UNDEFINED)
  forbid('x-kubernetes-map-type', schema['x-kubernetes-map-type'] !== undefined, UNDEFINED)
  forbid('x-kubernetes-validations', (schema['x-kubernetes-validations'] ?? []).length > 0, EMPTY)
  if (schema.properties?.['metadata'] !== undefined)
    errors.push(fieldError.forbidden(path.child('properties').key('metadata'), 'must not be specified in a nested context'))
}
