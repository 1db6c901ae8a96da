import { isJsonObject } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import { Path } from '../meta/path.ts'
import { sortedValue } from '../schema/json-value.ts'
import { type JsonSchema, itemsOf, memberSchemaOf } from './json-schema.ts'

/** Lists that are sets have no item twice, lists that are maps no key. Each item is named where it is found again, once per value. */
export function validateListTypes(value: unknown, schema: JsonSchema | undefined, path: Path | undefined, errors: FieldErrors): void {
  if (schema === undefined) return
  if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const named = schema.properties !== undefined && Object.hasOwn(schema.properties, key)
      validateListTypes(
        member,
        memberSchemaOf(schema, key),
        path === undefined ? Path.of(key) : named ? path.child(key) : path.key(key),
        errors,
      )
    }
    return
  }
  if (!Array.isArray(value) || path === undefined) return
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') refuseRepeated(value, (item) => item, path, errors)
  if (type === 'map') refuseRepeated(value, (item) => keysOf(item, schema['x-kubernetes-list-map-keys'] ?? []), path, errors)
  const items = itemsOf(schema)
  value.forEach((item, i) => validateListTypes(item, items, path.index(i), errors))
}

function refuseRepeated(list: readonly unknown[], identity: (item: unknown) => unknown, path: Path, errors: FieldErrors): void {
  const seen = new Map<string, boolean>()
  list.forEach((item, i) => {
    const shown = identity(item)
    if (shown === undefined) return
    const key = JSON.stringify(sortedValue(shown))
    const told = seen.get(key)
    if (told === false) errors.push(fieldError.duplicate(path.index(i), shown))
    seen.set(key, told !== undefined)
  })
}

/** Undefined for what is no object, which the schema refuses. */
function keysOf(item: unknown, keys: readonly string[]): unknown {
  if (!isJsonObject(item)) return undefined
  return sortedValue(Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]])))
}
