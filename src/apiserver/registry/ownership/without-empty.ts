import { type ObjectSchema, type Schema, isShared, isUnsetList, share } from '#api'

/**
 * The value without the empty lists, maps and texts that its type does not write. The value itself when there are none. Fields that
 * are those of `clean` (the same reference) are known to have none.
 */
export function withoutEmpty(schema: ObjectSchema, value: object, clean?: object): object {
  let copy: Record<string, unknown> | undefined
  const source = value as Readonly<Record<string, unknown>>
  for (const name in source) {
    const field = schema.fields.get(name)
    const child = source[name]
    if (field === undefined || child === undefined || child === null) continue
    if (typeof child === 'object' && child === (clean as Readonly<Record<string, unknown>> | undefined)?.[name]) continue
    if ((field.dropEmpty && field.schema.kind !== 'any' && isEmpty(child)) || isUnsetList(child)) {
      copy ??= { ...source }
      delete copy[name]
    } else if (typeof child === 'object') {
      const kept = isShared(child) ? ofPart(field.schema, child) : within(field.schema, child)
      if (kept === child) continue
      copy ??= { ...source }
      copy[name] = kept
    }
  }
  return copy ?? value
}

/** Shared parts without what is empty: nobody can tell it from taking it out each time. */
const parts = new WeakMap<object, { readonly schema: Schema; readonly kept: object }>()

function ofPart(schema: Schema, part: object): object {
  const known = parts.get(part)
  if (known?.schema === schema) return known.kept
  const kept = share(within(schema, part))
  parts.set(part, { schema, kept })
  return kept
}

function within(schema: Schema, value: object): object {
  if (schema.kind === 'object') return Array.isArray(value) ? value : withoutEmpty(schema, value)
  if (schema.kind !== 'list' || schema.items.kind !== 'object' || !Array.isArray(value)) return value
  const { items } = schema
  let changed = false
  const kept = value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) return item
    const next = withoutEmpty(items, item)
    if (next !== item) changed = true
    return next
  })
  return changed ? kept : value
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (typeof value === 'object') {
    for (const _ in value as object) return false
    return true
  }
  return value === '' || value === 0 || value === false
}
