import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { type JsonSchema, itemsOf, valuesOf } from '../../structural/json-schema.ts'

const WORD = 'x-kubernetes-validations'

/** Rules in CEL: those with mistakes that can be seen without reading the expression are named, all others refused. */
export function validateRules(schema: JsonSchema | undefined, path: Path, errors: FieldErrors): void {
  if (schema === undefined) return
  const rules = schema[WORD] ?? []
  const before = errors.length
  rules.forEach(({ rule = '', message, fieldPath = '' }, i) => {
    const at = path.child(WORD).index(i)
    if (rule.trim() === '') errors.push(fieldError.required(at.child('rule'), 'rule is not specified'))
    if (message !== undefined && message !== '' && message.trim() === '')
      errors.push(fieldError.invalid(at.child('message'), message, 'must be non-empty if specified'))
    else if (message?.includes('\n')) errors.push(fieldError.invalid(at.child('message'), message, 'must not contain line breaks'))
    else if (rule.includes('\n') && (message ?? '') === '')
      errors.push(fieldError.required(at.child('message'), 'message must be specified if rule contains line breaks'))
    if (fieldPath.includes('\n')) errors.push(fieldError.invalid(at.child('fieldPath'), fieldPath, 'must not contain line breaks'))
  })
  if (rules.length > 0 && errors.length === before)
    errors.push(fieldError.forbidden(path.child(WORD), 'validation rules in CEL are not supported by this server yet'))
  validateRules(itemsOf(schema), path.child('items'), errors)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    validateRules(property, path.child('properties').key(name), errors)
  validateRules(valuesOf(schema), path.child('additionalProperties'), errors)
}
