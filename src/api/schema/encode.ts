import { sortedJson } from './json-text.ts'
import type { Field, ObjectSchema, Schema } from './schema.ts'

/**
 * Objects as they stand in the store and on the wire: `kind`, `apiVersion`, `metadata`, then the other fields in the order of their
 * type; keys of maps sorted; what Go always writes filled in and what it never writes left out. The same object always gives the
 * same bytes, so that an update that changes nothing can be seen by comparing them.
 *
 * A writer is compiled for each type when it is first needed, and remembered by its schema.
 */
export interface EncodeOptions {
  /** What is stored has no metadata.resourceVersion: the store's revision is the version, and is put in when the bytes are read. Default false. */
  readonly keepResourceVersion?: boolean
}

/** The object is not changed. Fields that the schema does not know are left out, unless it says that they are kept. */
export function encodeObject(schema: ObjectSchema, object: object, options: EncodeOptions = {}): { readonly bytes: Uint8Array } {
  return { bytes: utf8.encode(encodeText(schema, object, options)) }
}

/** The same as text. */
export function encodeText(schema: ObjectSchema, object: object, options: EncodeOptions = {}): string {
  const root = rootOf(schema)
  return (options.keepResourceVersion ? root.whole : root.stored)(object as Values)
}

const utf8 = new TextEncoder()

type Values = Readonly<Record<string, unknown>>
type ObjectWriter = (values: Values) => string
type Writer = (value: unknown) => string

interface Root {
  readonly stored: ObjectWriter
  readonly whole: ObjectWriter
}

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const roots = new WeakMap<ObjectSchema, Root>()
const writers = new WeakMap<ObjectSchema, ObjectWriter>()

function rootOf(schema: ObjectSchema): Root {
  const known = roots.get(schema)
  if (known !== undefined) return known
  const metadata = schema.fields.get('metadata')
  const stored = metadata?.schema.kind === 'object' ? withFields(schema, { metadata: { ...metadata, zero: {}, schema: withoutField(metadata.schema, 'resourceVersion') } }) : schema
  const root: Root = { stored: compileObject(stored), whole: objectWriter(schema) }
  roots.set(schema, root)
  return root
}

function withFields(schema: ObjectSchema, fields: Readonly<Record<string, Field>>): ObjectSchema {
  return { ...schema, fields: new Map([...schema.fields].map(([name, field]) => [name, fields[name] ?? field])) }
}

function withoutField(schema: ObjectSchema, name: string): ObjectSchema {
  return { ...schema, fields: new Map([...schema.fields].filter(([other]) => other !== name)) }
}

function objectWriter(schema: ObjectSchema): ObjectWriter {
  const known = writers.get(schema)
  if (known !== undefined) return known
  // Types refer to themselves: whoever asks while this one is being compiled gets a way to it.
  let compiled: ObjectWriter | undefined
  writers.set(schema, (values) => (compiled ?? ((): string => ''))(values))
  compiled = compileObject(schema)
  writers.set(schema, compiled)
  return compiled
}

interface FieldPlan {
  readonly name: string
  /** `,"name":` */
  readonly prefix: string
  /** The text for a field that is absent; undefined to leave it out. */
  absent: string | undefined
  readonly write: Writer
  /** Whether the value is left out as empty. */
  readonly empty: ((value: unknown) => boolean) | undefined
  /** Text for an empty list or map that has to be written. */
  readonly nullText: string | undefined
}

const FIRST: readonly string[] = ['kind', 'apiVersion', 'metadata']

function compileObject(schema: ObjectSchema): ObjectWriter {
  const fields = inOrder(schema)
  const plans = fields.map(planOf)
  // Found out on first use, since a zero of one type may be made of zeros of types that are still being compiled.
  let ready = false
  const prepare = (): void => {
    for (const [at, field] of fields.entries()) {
      const plan = plans[at]
      if (plan !== undefined && field.zero !== undefined) plan.absent = field.zero === null ? 'null' : plan.write(field.zero)
    }
    ready = true
  }
  const count = plans.length
  const known: ObjectWriter = (values) => {
    if (!ready) prepare()
    let out = ''
    for (let at = 0; at < count; at++) {
      const plan = plans[at] as FieldPlan
      const value = values[plan.name]
      if (value === undefined || value === null) {
        const text = value === null && plan.nullText !== undefined ? plan.nullText : plan.absent
        if (text !== undefined) out += plan.prefix + text
      } else if (plan.empty === undefined || !plan.empty(value)) out += plan.prefix + plan.write(value)
    }
    return out === '' ? '{}' : `{${out.slice(1)}}`
  }
  return schema.keepUnknown || schema.others !== undefined ? withUnknown(schema, known) : known
}

/** Writes the fields that are kept without being known behind the known ones. */
function withUnknown(schema: ObjectSchema, known: ObjectWriter): ObjectWriter {
  const write = schema.others === undefined ? sortedJson : writerOf(schema.others, false)
  return (values) => {
    let out = known(values).slice(1, -1)
    for (const key of Object.keys(values).sort()) {
      const value = values[key]
      if (value === undefined || schema.fields.has(key)) continue
      out += `${out === '' ? '' : ','}${JSON.stringify(key)}:${value === null ? 'null' : write(value)}`
    }
    return `{${out}}`
  }
}

/** Fields of custom resources are sorted, as Kubernetes sorts them. */
function inOrder(schema: ObjectSchema): Field[] {
  const fields = [...schema.fields.values()]
  const isWhole = schema.fields.has('kind') && schema.fields.has('apiVersion')
  const first = isWhole ? FIRST.flatMap((name) => schema.fields.get(name) ?? []) : []
  const rest = fields.filter((field) => !first.includes(field))
  return [...first, ...(rest.some((field) => field.goType === undefined) ? rest.sort((a, b) => (a.name < b.name ? -1 : 1)) : rest)]
}

function planOf(field: Field): FieldPlan {
  const { name, schema } = field
  const isBuiltIn = field.goType !== undefined
  return {
    name,
    prefix: `,${JSON.stringify(name)}:`,
    absent: undefined,
    write: field.zero === null ? nullWhenEmpty(schema, writerOf(schema, isBuiltIn)) : writerOf(schema, isBuiltIn),
    empty: field.dropEmpty ? emptinessOf(schema) : undefined,
    nullText: isBuiltIn ? undefined : 'null',
  }
}

/** Go writes `null` for a list or map that holds nothing after a trip through the store. */
function nullWhenEmpty(schema: Schema, write: Writer): Writer {
  if (schema.kind === 'list') return (value) => ((value as readonly unknown[]).length === 0 ? 'null' : write(value))
  if (schema.kind === 'map') return (value) => (isEmptyMap(value) ? 'null' : write(value))
  return write
}

function isEmptyMap(value: unknown): boolean {
  for (const _ in value as object) return false
  return true
}

function emptinessOf(schema: Schema): ((value: unknown) => boolean) | undefined {
  switch (schema.kind) {
    case 'list':
      return (value) => (value as readonly unknown[]).length === 0
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

function writerOf(schema: Schema, isBuiltIn: boolean): Writer {
  switch (schema.kind) {
    case 'object': {
      // Not asked for before it is needed: compiling reaches as far as the values do.
      let write: ObjectWriter | undefined
      return (value) => (isPlainObject(value) ? (write ??= objectWriter(schema))(value) : JSON.stringify(value))
    }
    case 'list': {
      const write = writerOf(schema.items, isBuiltIn)
      const nothing = isBuiltIn ? zeroItem(schema.items) : 'null'
      return (value) => (Array.isArray(value) ? writeList(value, write, nothing) : JSON.stringify(value))
    }
    case 'map': {
      const write = writerOf(schema.values, isBuiltIn)
      const nothing = isBuiltIn ? zeroItem(schema.values) : 'null'
      return (value) => (isPlainObject(value) ? writeMap(value, write, nothing) : JSON.stringify(value))
    }
    case 'any':
      return isBuiltIn ? JSON.stringify : sortedJson
    case 'integer':
    case 'number':
    case 'boolean':
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : sortedOrPlain(value))
    default:
      return JSON.stringify
  }
}

function sortedOrPlain(value: unknown): string {
  return typeof value === 'object' ? sortedJson(value) : String(value)
}

function isPlainObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands for a hole in a list or map of built-in values. */
function zeroItem(schema: Schema): string {
  switch (schema.kind) {
    case 'object':
      return '{}'
    case 'string':
      return '""'
    case 'integer':
    case 'number':
    case 'int-or-string':
      return '0'
    case 'boolean':
      return 'false'
    case 'quantity':
      return '"0"'
    default:
      return 'null'
  }
}

function writeList(items: readonly unknown[], write: Writer, nothing: string): string {
  let out = ''
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    out += at === 0 ? '' : ','
    out += item === undefined || item === null ? nothing : write(item)
  }
  return `[${out}]`
}

function writeMap(values: Values, write: Writer, nothing: string): string {
  const keys = Object.keys(values)
  if (keys.length > 1) keys.sort()
  let out = ''
  for (const key of keys) {
    const value = values[key]
    if (value === undefined) continue
    out += `${out === '' ? '' : ','}${JSON.stringify(key)}:${value === null ? nothing : write(value)}`
  }
  return `{${out}}`
}
