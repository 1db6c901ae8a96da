import { isJsonObject } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { ObjectMeta } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import { dns1035LabelErrors, nameIsPathSegment } from '../validation/names.ts'
import { validateObjectMeta } from '../validation/object-meta.ts'
import { type JsonSchema, isEmbedded, itemsOf, memberSchemaOf } from './json-schema.ts'

/** Whole objects inside of others say what they are, and have metadata that could stand by itself. `isRoot`: the value is one, whatever its schema says. */
export function validateEmbedded(
  value: unknown,
  schema: JsonSchema | undefined,
  path: Path | undefined,
  isRoot: boolean,
  errors: FieldErrors,
): void {
  if (schema === undefined) return
  if (Array.isArray(value)) {
    if (path === undefined) return
    const items = itemsOf(schema)
    value.forEach((item, i) => validateEmbedded(item, items, path.index(i), false, errors))
  } else if (isJsonObject(value)) {
    if (path !== undefined && (isRoot || isEmbedded(schema))) validateWhole(value, path, errors)
    for (const [key, member] of Object.entries(value)) {
      const named = schema.properties !== undefined && Object.hasOwn(schema.properties, key)
      validateEmbedded(
        member,
        memberSchemaOf(schema, key),
        path === undefined ? Path.of(key) : named ? path.child(key) : path.key(key),
        false,
        errors,
      )
    }
  }
}

function validateWhole(value: Readonly<Record<string, unknown>>, path: Path, errors: FieldErrors): void {
  const { apiVersion, kind, metadata } = value
  for (const name of ['apiVersion', 'kind'] as const) if (value[name] === undefined) errors.push(fieldError.required(path.child(name)))
  if (apiVersion !== undefined) checkText(apiVersion, path.child('apiVersion'), versionErrors, errors)
  if (kind !== undefined) checkText(kind, path.child('kind'), kindErrors, errors)
  if (!isJsonObject(metadata)) return
  const meta: ObjectMeta = { ...(metadata as ObjectMeta) }
  // A template has no name yet.
  if ((meta.name ?? '') === '') meta.name = 'fakename'
  const options = { namespaced: (meta.namespace ?? '') !== '', validateName: nameIsPathSegment, standardFinalizers: false }
  validateObjectMeta(meta, options, path.child('metadata'), errors)
}

function checkText(value: unknown, path: Path, check: (text: string) => readonly string[], errors: FieldErrors): void {
  if (typeof value !== 'string') errors.push(fieldError.invalid(path, value, 'must be a string'))
  else if (value === '') errors.push(fieldError.invalid(path, value, 'must not be empty'))
  else {
    const messages = check(value)
    if (messages.length > 0) errors.push(fieldError.invalid(path, value, messages.join(',')))
  }
}

function kindErrors(text: string): readonly string[] {
  const messages = dns1035LabelErrors(text.toLowerCase())
  return messages.length === 0 ? [] : [`may have mixed case, but should otherwise match: ${messages.join(',')}`]
}

function versionErrors(text: string): readonly string[] {
  return text.split('/').length > 2 ? [`unexpected GroupVersion string: ${text}`] : []
}
