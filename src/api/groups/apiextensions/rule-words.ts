import { trimSpace } from '../../cel/library/strings.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { JsonSchema } from '../../structural/json-schema.ts'
import { readFieldPath } from '../../structural/rules/field-path.ts'
import type { ValidationRule } from '../../types/apiextensions-v1.gen.ts'

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text)

/** The words of a rule in CEL, whatever it means. */
export function validateRuleWords(
  { rule, message = '', messageExpression = '', reason, fieldPath = '' }: ValidationRule,
  schema: JsonSchema,
  at: Path,
  errors: FieldErrors,
): void {
  const messagePath = at.child('message')
  if (trimSpace(rule) === '') errors.push(fieldError.required(at.child('rule'), 'rule is not specified'))
  else if (message !== '' && trimSpace(message) === '')
    errors.push(fieldError.invalid(messagePath, message, 'must be non-empty if specified'))
  else if (hasLineBreak(trimSpace(message))) errors.push(fieldError.invalid(messagePath, message, 'must not contain line breaks'))
  else if (hasLineBreak(trimSpace(rule)) && trimSpace(message) === '')
    errors.push(fieldError.required(messagePath, 'message must be specified if rule contains line breaks'))
  if (messageExpression !== '' && trimSpace(messageExpression) === '')
    errors.push(fieldError.required(at.child('messageExpression'), 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && reason !== null && !REASONS.includes(reason))
    errors.push(fieldError.notSupported(at.child('reason'), reason, REASONS))
  if (fieldPath === '') return
  const path = at.child('fieldPath')
  if (trimSpace(fieldPath) === '') errors.push(fieldError.invalid(path, fieldPath, 'must be non-empty if specified'))
  if (hasLineBreak(fieldPath)) errors.push(fieldError.invalid(path, fieldPath, 'must not contain line breaks'))
  if (readFieldPath(fieldPath, schema) === undefined) errors.push(fieldError.invalid(path, fieldPath, 'must be a valid path'))
}
