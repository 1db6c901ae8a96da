import { deepEqual, isJsonObject } from '../../meta/deep.ts'
import { type JsonSchema, isIntOrString, itemsOf } from '../json-schema.ts'
import { formatOf, hasFormat } from './formats.ts'
import { numberFindings } from './numbers.ts'
import { matchesPattern } from './patterns.ts'
import { Result, say } from './result.ts'

/** Checks a value against a schema the way go-openapi does: rule by rule in its order and words. `at` is the value's place. */
export function checkSchema(schema: JsonSchema, value: unknown, at: string): Result {
  const result = new Result()
  const apply = (found: Result): void => {
    result.merge(found).matches++
  }
  apply(typeResult(schema, value, at))
  if (value === null) {
    apply(enumResult(schema, value, at))
    return result
  }
  apply(combinedResult(schema, value, at))
  if (typeof value === 'string') {
    apply(stringResult(schema, value, at))
    const format = formatOf(schema)
    if (format !== '') apply(hasFormat(format, value) ? new Result() : new Result().add(say.type(at, format, value)))
  }
  if (typeof value === 'number') apply(numberFindings(schema, value, at))
  if (Array.isArray(value)) apply(listResult(schema, value, at))
  apply(enumResult(schema, value, at))
  if (isJsonObject(value)) apply(objectResult(schema, value, at))
  return result
}

function typesOf(schema: JsonSchema): readonly string[] {
  if (isIntOrString(schema) && (schema.type ?? '') === '') return ['integer', 'string']
  return schema.type === undefined || schema.type === '' ? [] : [schema.type]
}

function typeResult(schema: JsonSchema, value: unknown, at: string): Result {
  const result = new Result()
  const types = typesOf(schema)
  const format = formatOf(schema)
  if (types.length === 0 && format === '') return result
  if (value === null) {
    if (types.length > 0 && schema.nullable !== true) result.add(say.type(at, types.join(','), 'null'))
    return result
  }
  const [type, ownFormat] = typeOfValue(value)
  const isWholeFloat = type === 'number' && Number.isSafeInteger(value) && types.includes('integer')
  const fits = types.includes(type) || isWholeFloat || (type === 'integer' && types.includes('number'))
  const isText = typeof value === 'string' || Array.isArray(value)
  if (!isText && format !== '' && !fits && ownFormat !== format) return result.add(say.type(at, format, ownFormat))
  if (isText && format !== '' && !types.includes('number') && !types.includes('integer')) return result
  if (types.length > 0 && !fits) result.add(say.type(at, types.join(','), type))
  return result
}

const MAX_INT64 = 2 ** 63

/** The JSON type and the format that Go would give the value. */
function typeOfValue(value: unknown): readonly [type: string, format: string] {
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) < MAX_INT64 ? ['integer', 'int64'] : ['number', 'float64']
  if (typeof value === 'string') return ['string', '']
  if (typeof value === 'boolean') return ['boolean', '']
  return [Array.isArray(value) ? 'array' : 'object', '']
}

/** The first broken rule ends it. */
function stringResult(schema: JsonSchema, value: string, at: string): Result {
  const result = new Result()
  const { maxLength, minLength, pattern = '' } = schema
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length
  if (maxLength !== undefined && length > maxLength) return result.add(say.tooLong(at, maxLength))
  if (minLength !== undefined && length < minLength) return result.add(say.invalid(at, value, `should be at least ${minLength} chars long`))
  if (pattern !== '' && !matchesPattern(pattern, value)) result.add(say.invalid(at, value, `should match '${pattern}'`))
  return result
}

function listResult(schema: JsonSchema, value: readonly unknown[], at: string): Result {
  const result = new Result()
  const items = itemsOf(schema)
  if (items !== undefined) value.forEach((item, i) => result.merge(checkSchema(items, item, `${at}[${i}]`)))
  const { minItems, maxItems } = schema
  if (minItems !== undefined && value.length < minItems) result.add(say.invalid(at, value.length, `should have at least ${minItems} items`))
  if (maxItems !== undefined && value.length > maxItems) result.add(say.tooMany(at, value.length, maxItems))
  return result
}

function enumResult(schema: JsonSchema, value: unknown, at: string): Result {
  const { enum: allowed = [] } = schema
  if (allowed.length === 0 || allowed.some((one) => one !== null && deepEqual(one, convertedFor(one, value)))) return new Result()
  return new Result().add(say.notSupported(at, value, allowed))
}

/** Go makes a value of the wanted type first: whole numbers are cut, and a number is the character of its code. */
function convertedFor(wanted: unknown, value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (typeof wanted === 'number') return Number.isInteger(wanted) ? Math.trunc(value) : value
  const isCharacter = typeof wanted === 'string' && Number.isInteger(value)
  return isCharacter ? String.fromCodePoint(value >= 0 && value <= 0x10ffff ? value : 0xfffd) : value
}

function objectResult(schema: JsonSchema, value: Readonly<Record<string, unknown>>, at: string): Result {
  const result = new Result()
  const { minProperties, maxProperties, additionalProperties, required = [], properties = {} } = schema
  const keys = Object.keys(value)
  if (minProperties !== undefined && keys.length < minProperties)
    result.add(say.invalid(at, keys.length, `should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && keys.length > maxProperties) result.add(say.tooMany(at, keys.length, maxProperties))
  for (const key of keys) {
    if (Object.hasOwn(properties, key)) continue
    if (additionalProperties === false) result.add(say.forbiddenProperty(at, key))
    else if (typeof additionalProperties === 'object') result.merge(checkSchema(additionalProperties, value[key], `${at}.${key}`))
  }
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) result.merge(checkSchema(property, value[name], at === '' ? name : `${at}.${name}`))
  }
  for (const name of required) if (!Object.hasOwn(value, name)) result.add(say.required(`${at}.${name}`))
  return result
}

/** anyOf, oneOf, allOf, not. */
function combinedResult(schema: JsonSchema, value: unknown, at: string): Result {
  const result = new Result()
  const quoted = JSON.stringify(at)
  const { anyOf = [], oneOf = [], allOf = [], not } = schema
  if (anyOf.length > 0) {
    const { valid, best } = alternatives(anyOf, value, at)
    if (valid === 0) result.add(say.whole(`${quoted} must validate at least one schema (anyOf)`)).merge(best)
  }
  if (oneOf.length > 0) {
    const { valid, best } = alternatives(oneOf, value, at)
    const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`
    if (valid !== 1) result.add(say.whole(`${quoted} must validate one and only one schema (oneOf). ${found}`))
    if (valid === 0) result.merge(best)
  }
  if (allOf.length > 0) {
    const results = allOf.map((one) => checkSchema(one, value, at))
    for (const one of results) result.merge(one)
    const valid = results.filter((one) => one.isValid).length
    if (valid < results.length)
      result.add(say.whole(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`))
  }
  if (not !== undefined && checkSchema(not, value, at).isValid) result.add(say.whole(`${quoted} must not validate the schema (not)`))
  return result
}

/** How many of the schemas hold, and the result of the one that came nearest when none does. */
function alternatives(schemas: readonly JsonSchema[], value: unknown, at: string): { readonly valid: number; readonly best: Result } {
  const results = schemas.map((one) => checkSchema(one, value, at))
  const best = results.reduce((one, other) => (other.matches > one.matches ? other : one))
  return { valid: results.filter((one) => one.isValid).length, best }
}
