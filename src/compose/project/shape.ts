import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, dict, isDict, mapDict, pathText } from '../value.ts'
import { plainValue } from './decoders.ts'

/** Brings a value to the type that its key has. Throws `RangeError` with the reason. */
export type Decode = (value: Value) => Value

/** What a key holds once it is decoded, and when it is shown. */
export type Shape =
  | {
      readonly kind: 'value'
      readonly decode: Decode
      /** Shown even where there is nothing in it, so long as it was given. */
      readonly kept: boolean
      /** Shown with this value where it was not given. */
      readonly zero?: Value
      /** As JSON shows it, where that is not the same. */
      readonly json?: (value: Value) => Value
      /** JSON shows `null` where it was not given. */
      readonly jsonNull?: boolean
    }
  | { readonly kind: 'record'; readonly fields: Shapes; readonly extensions: boolean; readonly inPlace: boolean }
  | { readonly kind: 'list'; readonly item: Shape }
  | { readonly kind: 'map'; readonly value: Shape }

export type Shapes = Readonly<Record<string, Shape>>

export const value = (decode: Decode): Shape => ({ kind: 'value', decode, kept: false })
export const kept = (decode: Decode): Shape => ({ kind: 'value', decode, kept: true })
export const always = (decode: Decode, zero: Value): Shape => ({ kind: 'value', decode, kept: true, zero })
export const record = (fields: Shapes): Shape => ({ kind: 'record', fields, extensions: true, inPlace: false })
/** A record of its own keys alone: `x-` keys in it are not shown. */
export const closed = (fields: Shapes): Shape => ({ kind: 'record', fields, extensions: false, inPlace: false })
/** A record that is there with the one that holds it: YAML shows it when there is something in it, JSON always. */
export const inPlace = (fields: Shapes): Shape => ({ kind: 'record', fields, extensions: true, inPlace: true })
export const list = (item: Shape): Shape => ({ kind: 'list', item })
export const map = (of: Shape): Shape => ({ kind: 'map', value: of })

/** The value in the type of its key; `undefined` where there is nothing to show. Throws `ComposeRefused` for what cannot be read. */
export function decodeAs(shape: Shape, given: Value, path: Path): Value | undefined {
  if (given === null) return undefined
  switch (shape.kind) {
    case 'value': {
      const decoded = refusing(path, () => shape.decode(given))
      return shape.kept ? (decoded ?? undefined) : shownValue(decoded)
    }
    case 'record':
      if (!isDict(given)) return mismatch(path, 'map', given)
      return shownRecord(shape, decodeRecord(shape, given, path))
    case 'list':
      if (!Array.isArray(given)) return mismatch(path, 'slice', given)
      return shownValue(given.map((item, at) => decodeItem(shape.item, item, [...path, `[${at}]`])))
    case 'map':
      if (!isDict(given)) return mismatch(path, 'map', given)
      return shownValue(mapDict(given, (content, key) => decodeItem(shape.value, content, [...path, key])))
    default:
      return shape satisfies never
  }
}

/** Items of lists and maps are shown whatever is in them. */
function decodeItem(shape: Shape, given: Value, path: Path): Value {
  if (shape.kind === 'record')
    return given === null ? null : isDict(given) ? decodeRecord(shape, given, path) : mismatch(path, 'map', given)
  return decodeAs(shape, given, path) ?? (shape.kind === 'value' ? refusing(path, () => shape.decode(given)) : null)
}

function decodeRecord(shape: Extract<Shape, { kind: 'record' }>, given: Dict, path: Path): Dict {
  const made = dict()
  for (const [key, content] of Object.entries(given)) {
    const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined
    if (field !== undefined) {
      const decoded = decodeAs(field, content, [...path, key])
      if (decoded !== undefined) made[key] = decoded
    } else if (shape.extensions && key.startsWith('x-')) made[key] = plainValue(content)
  }
  for (const [key, field] of Object.entries(shape.fields)) if (field.kind === 'value' && field.zero !== undefined) made[key] ??= field.zero
  return made
}

const shownRecord = (shape: Extract<Shape, { kind: 'record' }>, made: Dict): Dict | undefined =>
  shape.inPlace && Object.keys(made).length === 0 ? undefined : made

function shownValue(decoded: Value): Value | undefined {
  if (decoded === null || decoded === '' || decoded === 0 || decoded === false) return undefined
  if (Array.isArray(decoded)) return decoded.length === 0 ? undefined : decoded
  return isDict(decoded) && Object.keys(decoded).length === 0 ? undefined : decoded
}

function refusing<T>(path: Path, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) return refuse(path, error.message)
    throw error
  }
}

const mismatch = (path: Path, wanted: string, given: Value): never =>
  refuse(path, `expected a ${wanted} or struct, got ${Array.isArray(given) ? 'slice' : isDict(given) ? 'map' : typeof given}`)

function refuse(path: Path, reason: string): never {
  const [top = '', name = '', ...rest] = path
  const below = rest.length === 0 ? '' : `.${pathText(rest).replaceAll('.[', '[')}`
  throw new ComposeRefused(`decoding failed due to the following error(s):\n\n'${top}[${name}]${below}' ${reason}`)
}

/** A decoded value as JSON shows it: without `x-` keys, with records that stand in their place. */
export function jsonAs(shape: Shape, given: Value): Value {
  switch (shape.kind) {
    case 'value':
      return shape.json?.(given) ?? given
    case 'list':
      return Array.isArray(given) ? given.map((item) => jsonAs(shape.item, item)) : given
    case 'map':
      return isDict(given) ? mapDict(given, (content) => jsonAs(shape.value, content)) : given
    case 'record':
      return isDict(given) ? jsonRecord(shape.fields, given) : given
    default:
      return shape satisfies never
  }
}

function jsonRecord(fields: Shapes, given: Dict): Dict {
  const made = dict()
  for (const [key, field] of Object.entries(fields)) {
    const content = given[key]
    if (content !== undefined) made[key] = jsonAs(field, content)
    else if (field.kind === 'record' && field.inPlace) made[key] = jsonRecord(field.fields, dict())
    else if (field.kind === 'value' && field.jsonNull === true) made[key] = null
  }
  return made
}
