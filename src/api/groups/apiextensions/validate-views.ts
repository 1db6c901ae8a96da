import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { type JsonSchema, valuesOf } from '../../structural/json-schema.ts'
import type { CustomResourceColumnDefinition, CustomResourceSubresources, SelectableField } from '../../types/apiextensions-v1.gen.ts'

/** How objects are shown and found: columns, scale, selectable fields. */

const COLUMN_TYPES: readonly string[] = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS: readonly string[] = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']

export function validateColumns(columns: readonly CustomResourceColumnDefinition[], path: Path, errors: FieldErrors): void {
  columns.forEach(({ name, type, format = '', jsonPath }, i) => {
    const at = path.index(i)
    if (name === '') errors.push(fieldError.required(at.child('name')))
    if (type === '') errors.push(fieldError.required(at.child('type'), `must be one of ${COLUMN_TYPES.join(',')}`))
    else if (!COLUMN_TYPES.includes(type))
      errors.push(fieldError.invalid(at.child('type'), type, `must be one of ${COLUMN_TYPES.join(',')}`))
    if (format !== '' && !COLUMN_FORMATS.includes(format))
      errors.push(fieldError.invalid(at.child('format'), format, `must be one of ${COLUMN_FORMATS.join(',')}`))
    if (jsonPath === '') errors.push(fieldError.required(at.child('JSONPath')))
    else validateSimplePath(jsonPath, at.child('JSONPath'), errors)
  })
}

/** Whether nothing was wrong. */
function validateSimplePath(text: string, path: Path, errors: FieldErrors): boolean {
  if (text.startsWith('.')) return true
  errors.push(fieldError.invalid(path, text, 'must be a simple json path starting with .'))
  return false
}

export function validateSubresources({ scale }: CustomResourceSubresources, path: Path, errors: FieldErrors): void {
  if (scale === undefined) return
  const check = (text: string, field: string, under: readonly string[], where: string): void => {
    const at = path.child(`scale.${field}`)
    if (text === '') errors.push(fieldError.required(at))
    else if (validateSimplePath(text, at, errors) && !under.some((prefix) => text.startsWith(prefix))) {
      errors.push(fieldError.invalid(at, text, `should be a json path under ${where}`))
    }
  }
  check(scale.specReplicasPath, 'specReplicasPath', ['.spec.'], '.spec')
  check(scale.statusReplicasPath, 'statusReplicasPath', ['.status.'], '.status')
  if (scale.labelSelectorPath !== undefined && scale.labelSelectorPath !== '') {
    check(scale.labelSelectorPath, 'labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status')
  }
}

const MAX_SELECTABLE = 8

export function validateSelectableFields(fields: readonly SelectableField[], schema: JsonSchema, path: Path, errors: FieldErrors): void {
  const seen = new Set<string>()
  fields.forEach(({ jsonPath = '' }, i) => {
    const at = path.index(i).child('jsonPath')
    if (jsonPath === '') {
      errors.push(fieldError.required(at))
      return
    }
    const found = fieldAt(schema, jsonPath)
    if (typeof found === 'string') {
      errors.push(fieldError.invalid(at, jsonPath, `is an invalid path: ${found}`))
      return
    }
    if (/^\.metadata(?![^.])/.test(jsonPath)) errors.push(fieldError.invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (!['string', 'boolean', 'integer'].includes(found.type ?? '')) {
      errors.push(
        fieldError.invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      )
    }
    if (seen.has(jsonPath)) errors.push(fieldError.duplicate(at, jsonPath))
    seen.add(jsonPath)
  })
  if (seen.size > MAX_SELECTABLE) errors.push(fieldError.tooMany(path, seen.size, MAX_SELECTABLE))
}

/** The schema that a path leads to, or what is wrong with the path. */
function fieldAt(root: JsonSchema | undefined, jsonPath: string): JsonSchema | string {
  const words = jsonPath.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/g) ?? []
  let schema = root
  for (let i = 0; i < words.length; i += 2) {
    const [word, name] = words.slice(i, i + 2)
    if (word === '[') return 'array notation is not allowed'
    if (word !== '.') return `expected [ or . but got: ${word}`
    if (name === undefined) return 'unexpected end of JSON path'
    const { properties } = schema ?? {}
    if (properties === undefined) schema = schema === undefined ? undefined : valuesOf(schema)
    else schema = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (schema === undefined) return 'does not refer to a valid field'
  }
  return schema ?? 'does not refer to a valid field'
}
