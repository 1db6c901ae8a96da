import { isShared } from '../meta/shared-parts.ts'
import { unsetList } from '../meta/unset-list.ts'
import { isObject } from './decode/types.ts'
import type { Field, ObjectSchema, Schema } from './schema.ts'

/**
 * Fills in what the schema says of absent fields: OpenAPI defaults; structs that are always there (`metadata`, `spec`, `status`,
 * `resources`); and, so that the types of the object tell the truth, required strings, numbers, lists and maps with nothing in them.
 * The draft is changed in place. Idempotent.
 */
export function applySchemaDefaults(schema: ObjectSchema, draft: object): void {
  fillerOf(schema)(draft as Record<string, unknown>)
}

type Filler = (value: Record<string, unknown>) => void
type Walker = (value: unknown) => void

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const fillers = new WeakMap<ObjectSchema, Filler>()

function fillerOf(schema: ObjectSchema): Filler {
  const known = fillers.get(schema)
  if (known !== undefined) return known
  const filler = compile(schema)
  fillers.set(schema, filler)
  return filler
}

interface FieldPlan {
  readonly name: string
  readonly nullable: boolean
  readonly initial: (() => unknown) | undefined
  readonly walk: Walker | undefined
}

function compile(schema: ObjectSchema): Filler {
  const plans = [...schema.fields.values()].map(planOf).filter((plan) => plan.initial !== undefined || plan.walk !== undefined)
  const others = schema.others === undefined ? undefined : walkerOf(schema.others)
  // Whole objects may have shared parts, which are left as they are.
  const holdsParts = schema.fields.has('metadata')
  return (value) => {
    for (const { name, nullable, initial, walk } of plans) {
      let child = value[name]
      if (initial !== undefined && (child === undefined || (child === null && !nullable))) {
        child = initial()
        value[name] = child
      }
      if (walk !== undefined && child !== undefined && child !== null && !(holdsParts && isShared(child))) walk(child)
    }
    if (others !== undefined) for (const key in value) if (!schema.fields.has(key)) others(value[key])
  }
}

function planOf(field: Field): FieldPlan {
  return { name: field.name, nullable: field.schema.nullable === true, initial: initialOf(field), walk: walkerOf(field.schema) }
}

function initialOf(field: Field): (() => unknown) | undefined {
  const { schema, zero } = field
  const fixed = field.default
  if (fixed !== undefined) return typeof fixed === 'object' ? () => structuredClone(fixed) : () => fixed
  if (zero === undefined) return undefined
  if (schema.kind === 'object') return zero === null ? undefined : () => ({})
  if (!field.required) return undefined
  if (schema.kind === 'list') return unsetList
  if (schema.kind === 'map') return () => ({})
  return zero === null ? undefined : () => zero
}

/** Undefined where there is nothing to fill in, so that most of an object is never visited. */
function walkerOf(schema: Schema): Walker | undefined {
  switch (schema.kind) {
    case 'object': {
      if (!mayFill(schema, new Set())) return undefined
      // Compiled when the first value comes: types refer to themselves.
      let fill: Filler | undefined
      return (value) => {
        if (isObject(value)) (fill ??= fillerOf(schema))(value)
      }
    }
    case 'list': {
      const walk = walkerOf(schema.items)
      if (walk === undefined) return undefined
      return (value) => {
        if (Array.isArray(value)) for (const item of value) walk(item)
      }
    }
    case 'map': {
      const walk = walkerOf(schema.values)
      if (walk === undefined) return undefined
      return (value) => {
        if (isObject(value)) for (const key in value) walk(value[key])
      }
    }
    default:
      return undefined
  }
}

function mayFill(schema: Schema, seen: Set<Schema>): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  switch (schema.kind) {
    case 'list':
      return mayFill(schema.items, seen)
    case 'map':
      return mayFill(schema.values, seen)
    case 'object':
      return (
        (schema.others !== undefined && mayFill(schema.others, seen)) ||
        schema.fields.values().some((field) => initialOf(field) !== undefined || mayFill(field.schema, seen))
      )
    default:
      return false
  }
}
