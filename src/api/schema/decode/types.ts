import type { DecodeRun } from './run.ts'
import type { Schema } from '../schema.ts'

export type Holder = object

/** Gives back the value to keep, which is the same one wherever nothing had to change. `holder[key]` is where it was found. */
export type Decoder = (value: unknown, run: DecodeRun, holder: Holder, key: string | number) => unknown

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The Go type of what is in a list or map of a Go type. */
export function itemGoType(goType: string, items: Schema): string {
  if (goType.startsWith('[]')) return goType.slice(2)
  const map = /^map\[[^\]]*\](.*)$/.exec(goType)
  if (map?.[1] !== undefined) return map[1]
  if (items.kind === 'object' && items.name !== undefined) return `v1.${items.name}`
  return NAMED_ITEMS[items.kind] ?? goType
}

/** Of lists and maps that have a name of their own in Go (`v1.ExtraValue`). */
const NAMED_ITEMS: Readonly<Record<string, string>> = { string: 'string', quantity: 'resource.Quantity', list: '[]string' }

/** What a `null` in a list or map of built-in values becomes. */
export function zeroOfItem(schema: Schema): unknown {
  switch (schema.kind) {
    case 'string':
    case 'bytes':
      return ''
    case 'object':
    case 'map':
      return {}
    case 'list':
      return []
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    default:
      return null
  }
}
