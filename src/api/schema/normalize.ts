import { isShared, share } from '../meta/shared-parts.ts'
import { isObject, zeroOfItem } from './decode/types.ts'
import { setOwn, sortedValue } from './json-value.ts'
import type { Field, ListSchema, MapSchema, ObjectSchema, Schema } from './schema.ts'

/**
 * Brings a value into the one form in which it is written. Makes new objects (building them in order and handing them to
 * `JSON.stringify` is twice as fast as writing the text) and shares with the input whatever needs no change.
 */
export type Normalizer = (values: Values) => Record<string, unknown>
type Values = Readonly<Record<string, unknown>>
/** Absent where values are written as they are. */
type Change = ((value: unknown) => unknown) | undefined

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const normalizers = new WeakMap<ObjectSchema, Normalizer>()

export function normalizerOf(schema: ObjectSchema): Normalizer {
  const known = normalizers.get(schema)
  if (known !== undefined) return known
  const normalizer = compileNormalizer(schema)
  normalizers.set(schema, normalizer)
  return normalizer
}

interface FieldPlan {
  readonly name: string
  /** Place among the fields of the type. */
  readonly at: number
  readonly change: Change
  /** Whether the value is left out as empty. */
  readonly isDropped: ((value: unknown) => boolean) | undefined
  /** Whether `null` is a value here and not an absence. */
  readonly keepsNull: boolean
}

/** The form of a shared part is a shared part itself, and its own form. */
function oncePerPart(change: (value: unknown) => unknown): (value: unknown) => unknown {
  const forms = new WeakMap<object, object>()
  return (value) => {
    if (!isShared(value)) return change(value)
    const part = value as object
    const known = forms.get(part)
    if (known !== undefined) return known
    const form = share(change(part) as object)
    forms.set(part, form)
    forms.set(form, form)
    return form
  }
}

/** A field that is written even when it is absent. */
interface Zero {
  readonly name: string
  readonly at: number
  readonly value: unknown
}

export function compileNormalizer(schema: ObjectSchema): Normalizer {
  const fields = inOrder(schema)
  const holdsParts = isWhole(schema)
  const plans = new Map(fields.map((field, at) => [field.name, planOf(field, at, holdsParts)]))
  let zeros: readonly Zero[] | undefined
  // Goes over what the object has, not over what its type could have: most fields of most objects are absent.
  const known: Normalizer = (values) => {
    // Found out on first use: the zero of a type may be made of zeros of types that are being compiled.
    zeros ??= zerosOf(fields, plans)
    const present = presentFields(values, plans)
    const out: Record<string, unknown> = {}
    let zero = 0
    for (let at = 0; at < present.length; at += 2) {
      const plan = present[at] as FieldPlan
      const value = present[at + 1]
      for (let pending = zeros[zero]; pending !== undefined && pending.at <= plan.at; pending = zeros[++zero]) {
        if (pending.at < plan.at) out[pending.name] = pending.value
      }
      if (value === null) out[plan.name] = null
      else if (plan.isDropped === undefined || !plan.isDropped(value))
        out[plan.name] = plan.change === undefined ? value : plan.change(value)
    }
    for (let pending = zeros[zero]; pending !== undefined; pending = zeros[++zero]) out[pending.name] = pending.value
    return out
  }
  return schema.keepUnknown || schema.others !== undefined ? withUnknown(schema, known) : known
}

/** Plan, value, plan, value … of the known fields that an object has, in the order of the type. */
function presentFields(values: Values, plans: ReadonlyMap<string, FieldPlan>): unknown[] {
  const present: unknown[] = []
  let isOrdered = true
  let last = -1
  for (const name in values) {
    const plan = plans.get(name)
    if (plan === undefined) continue
    const value = values[name]
    if (value === undefined || (value === null && !plan.keepsNull)) continue
    if (plan.at < last) isOrdered = false
    last = plan.at
    present.push(plan, value)
  }
  if (!isOrdered) sortPairs(present)
  return present
}

/** By insertion: the lists are short, and mostly in order. */
function sortPairs(pairs: unknown[]): void {
  for (let from = 2; from < pairs.length; from += 2) {
    const plan = pairs[from] as FieldPlan
    const value = pairs[from + 1]
    let to = from
    for (; to > 0 && (pairs[to - 2] as FieldPlan).at > plan.at; to -= 2) {
      pairs[to] = pairs[to - 2]
      pairs[to + 1] = pairs[to - 1]
    }
    pairs[to] = plan
    pairs[to + 1] = value
  }
}

/** Puts the fields that are kept without being known behind the known ones. */
function withUnknown(schema: ObjectSchema, known: Normalizer): Normalizer {
  const change = schema.others === undefined ? sortedValue : changeOf(schema.others, false)
  return (values) => {
    const out = known(values)
    for (const name of Object.keys(values).sort()) {
      const value = values[name]
      if (value === undefined || schema.fields.has(name)) continue
      setOwn(out, name, value === null || change === undefined ? value : change(value))
    }
    return out
  }
}

const FIRST: readonly string[] = ['kind', 'apiVersion', 'metadata']

const isWhole = (schema: ObjectSchema): boolean => FIRST.every((name) => schema.fields.has(name))

/** Whole objects begin with what they are. Fields of custom resources are sorted, as Kubernetes sorts them. */
function inOrder(schema: ObjectSchema): Field[] {
  const fields = [...schema.fields.values()]
  const first = isWhole(schema) ? FIRST.flatMap((name) => schema.fields.get(name) ?? []) : []
  const rest = fields.filter((field) => !first.includes(field))
  if (rest.some((field) => field.goType === undefined)) rest.sort((a, b) => (a.name < b.name ? -1 : 1))
  return [...first, ...rest]
}

function planOf(field: Field, at: number, mayBePart: boolean): FieldPlan {
  const isBuiltIn = field.goType !== undefined
  const own = changeOf(field.schema, isBuiltIn)
  const change = mayBePart && own !== undefined && field.schema.kind === 'object' ? oncePerPart(own) : own
  return {
    name: field.name,
    at,
    change: field.zero === null ? nullWhenEmpty(field.schema, change) : change,
    isDropped: field.dropEmpty ? emptinessOf(field.schema) : undefined,
    keepsNull: !isBuiltIn,
  }
}

function zerosOf(fields: readonly Field[], plans: ReadonlyMap<string, FieldPlan>): Zero[] {
  return fields.flatMap(({ name, zero }) => {
    const plan = plans.get(name)
    if (plan === undefined || zero === undefined) return []
    return [{ name, at: plan.at, value: zero === null || plan.change === undefined ? zero : plan.change(zero) }]
  })
}

/** Go writes `null` for a list or map that holds nothing after a trip through the store. Lists of objects keep their empty `items`. */
function nullWhenEmpty(schema: Schema, change: Change): Change {
  if (schema.kind !== 'list' && schema.kind !== 'map') return change
  const isEmpty = emptinessOf(schema)
  return (value) => (isEmpty?.(value) ? null : change === undefined ? value : change(value))
}

function emptinessOf(schema: Schema): ((value: unknown) => boolean) | undefined {
  switch (schema.kind) {
    case 'list':
      return (value) => Array.isArray(value) && value.length === 0
    case 'map':
      return isEmptyMap
    case 'string':
    case 'bytes':
    case 'time':
    case 'micro-time':
      return (value) => value === ''
    case 'boolean':
      return (value) => value === false
    case 'integer':
    case 'number':
      return (value) => value === 0
    default:
      return undefined
  }
}

function isEmptyMap(value: unknown): boolean {
  for (const _ in value as object) return false
  return true
}

function changeOf(schema: Schema, isBuiltIn: boolean): Change {
  switch (schema.kind) {
    case 'object': {
      // Compiled when the first value comes: types refer to themselves.
      let normalize: Normalizer | undefined
      return (value) => (isObject(value) ? (normalize ??= normalizerOf(schema))(value) : value)
    }
    case 'list':
      return listChange(schema, isBuiltIn)
    case 'map':
      return mapChange(schema, isBuiltIn)
    case 'any':
      if (!isBuiltIn) return sortedValue
      return schema.objects === undefined ? undefined : objectsChange(schema.objects)
    default:
      // Values of custom resources may have another type than their schema says until they are validated.
      return isBuiltIn ? undefined : sortedValue
  }
}

/** Of a value that may be an object, a list of them, or something else. */
function objectsChange(schema: ObjectSchema): Change {
  let normalize: Normalizer | undefined
  const change = (value: unknown): unknown => (isObject(value) ? (normalize ??= normalizerOf(schema))(value) : value)
  return (value) => (Array.isArray(value) ? value.map(change) : change(value))
}

function listChange(schema: ListSchema, isBuiltIn: boolean): Change {
  const change = changeOf(schema.items, isBuiltIn)
  if (change === undefined) return undefined
  const hole = isBuiltIn ? zeroOfItem(schema.items) : null
  return (value) =>
    Array.isArray(value) ? value.map((item: unknown) => (item === null || item === undefined ? hole : change(item))) : value
}

function mapChange(schema: MapSchema, isBuiltIn: boolean): Change {
  const change = changeOf(schema.values, isBuiltIn)
  return (value) => {
    if (!isObject(value)) return value
    const keys = Object.keys(value)
    if (change === undefined && isSorted(keys)) return value
    const out: Record<string, unknown> = {}
    for (const key of keys.sort()) {
      const item = value[key]
      setOwn(out, key, change === undefined || item === null || item === undefined ? item : change(item))
    }
    return out
  }
}

function isSorted(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at++) if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return false
  return true
}
