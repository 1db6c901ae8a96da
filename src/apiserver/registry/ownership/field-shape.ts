import type { ListSchema, ObjectSchema, Schema } from '#api'

/**
 * A text that is equal for objects whose fields are owned alike: which fields there are, which keys the maps have, which items the
 * keyed lists and sets. Values do not matter. Undefined for objects with free-form parts. It costs a tenth of working the
 * ownership out, and most objects that are created look like one that was created before.
 */
export function fieldShape(schema: ObjectSchema, object: object): string | undefined {
  const out: string[] = []
  return ofObject(schema, object as Values, out) ? out.join('') : undefined
}

type Values = Readonly<Record<string, unknown>>

function ofObject(schema: ObjectSchema, values: Values, out: string[]): boolean {
  if (schema.keepUnknown || schema.others !== undefined) return false
  out.push('{')
  for (const name in values) {
    const child = values[name]
    if (child === undefined) continue
    const field = schema.fields.get(name)
    if (field === undefined) return false
    out.push(name)
    if (child === null) out.push('!')
    else if (typeof child === 'object' && !ofValue(field.schema, child, out)) return false
    out.push(',')
  }
  out.push('}')
  return true
}

function ofValue(schema: Schema, value: object, out: string[]): boolean {
  switch (schema.kind) {
    case 'object':
      return schema.atomic ? atomic(value, out) : ofObject(schema, value as Values, out)
    case 'map':
      return schema.atomic ? atomic(value, out) : ofMap(schema.values, value as Values, out)
    case 'list':
      return schema.listType === 'atomic' ? atomic(value, out) : Array.isArray(value) && ofList(schema, value, out)
    case 'any':
      return false
    default:
      return true
  }
}

/** Owned as one value; only whether it is empty can make a difference. */
function atomic(value: object, out: string[]): true {
  for (const _ in value) return true
  out.push('0')
  return true
}

function ofMap(values: Schema, map: Values, out: string[]): boolean {
  out.push('<')
  for (const key in map) {
    const child = map[key]
    out.push(JSON.stringify(key))
    if (child === null) out.push('!')
    else if (typeof child === 'object' && !ofValue(values, child, out)) return false
  }
  out.push('>')
  return true
}

function ofList(schema: ListSchema, list: readonly unknown[], out: string[]): boolean {
  out.push('[')
  for (const item of list) {
    if (schema.listType === 'set') {
      out.push(JSON.stringify(item), ';')
      continue
    }
    if (typeof item !== 'object' || item === null) return false
    for (const key of schema.listKeys) out.push(JSON.stringify((item as Values)[key] ?? null), ':')
    if (!ofValue(schema.items, item, out)) return false
    out.push(';')
  }
  out.push(']')
  return true
}
