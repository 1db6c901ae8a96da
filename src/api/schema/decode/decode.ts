import type { NumberLiterals } from '#base/pure'
import type { KubeObject } from '../../meta/object.ts'
import { pruneMisplaced } from './prune.ts'
import { embeddedMetadata, embeddedText } from './embedded.ts'
import { DecodeRun } from './run.ts'
import { scalarDecoder } from './scalars.ts'
import { type Decoder, isObject, itemGoType, zeroOfItem } from './types.ts'
import { setOwn } from '../json-value.ts'
import type { Field, ListSchema, MapSchema, ObjectSchema, Schema } from '../schema.ts'

export { DecodeError } from './run.ts'

/**
 * Checks a parsed JSON value against a schema in one pass, the way Go's decoder reads it into a struct: what is not known is
 * dropped and named, a wrong JSON type is an error that names the Go field, `null` is absence and so is the zero of what Go has no pointer to; quantities, times and bytes are
 * brought to the form in which they are written back.
 *
 * The value belongs to the decoder and is changed in place. For custom resources (fields without a Go type) the same walk prunes;
 * types are the business of their validation.
 */
export interface Decoded<T> {
  readonly object: T
  /** Paths of the fields that were dropped, in the order in which Kubernetes lists them. */
  readonly unknown: readonly string[]
}

/**
 * `literals` are the number texts that JavaScript shows differently, from `readJson`. Fields of the value that are those of `decoded`
 * (the same reference) have been decoded before and are left as they are. `isRestored`: a server has put the value together out of others
 * (see `restoreProblem`). Throws a `DecodeError` with the message of Go's decoder.
 */
export function decodeObject<T extends object = KubeObject>(
  schema: ObjectSchema,
  value: unknown,
  literals?: NumberLiterals,
  decoded?: object,
  isRestored = false,
): Decoded<T> {
  const run = new DecodeRun(isCustom(schema), literals, isRestored)
  const input = value === null || value === undefined ? {} : value
  if (!isObject(input)) throw run.wrongRoot(input, `v1.${schema.name ?? 'Object'}`)
  if (decoded === undefined) objectDecoder(schema)(input, run)
  else decodeChanged(schema, input, decoded as Readonly<Record<string, unknown>>, run)
  run.finish()
  return { object: input as T, unknown: run.unknownFields() }
}

function decodeChanged(
  schema: ObjectSchema,
  value: Record<string, unknown>,
  decoded: Readonly<Record<string, unknown>>,
  run: DecodeRun,
): void {
  const changed: Record<string, unknown> = {}
  for (const name in value) if (value[name] !== decoded[name]) setOwn(changed, name, value[name])
  const names = Object.keys(changed)
  objectDecoder(schema)(changed, run)
  for (const name of names) {
    if (Object.hasOwn(changed, name)) setOwn(value, name, changed[name])
    else delete value[name]
  }
}

/** Custom resources have fields that no Go type has. */
function isCustom(schema: ObjectSchema): boolean {
  return schema.fields.values().some((field) => field.goType === undefined)
}

type ObjectDecoder = (value: Record<string, unknown>, run: DecodeRun) => void

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const decoders = new WeakMap<ObjectSchema, ObjectDecoder>()

function objectDecoder(schema: ObjectSchema): ObjectDecoder {
  const known = decoders.get(schema)
  if (known !== undefined) return known
  const decoder = compileObject(schema)
  decoders.set(schema, decoder)
  return decoder
}

interface FieldPlan {
  readonly field: Field
  readonly isBuiltIn: boolean
  readonly isText: boolean
  /** `null` is for the decoder too. */
  readonly readsNull: boolean
  /** What has no type of its own is kept whatever it is. */
  readonly dropsEmpty: boolean
  readonly decode: Decoder
}

function compileObject(schema: ObjectSchema): ObjectDecoder {
  const plans = new Map([...schema.fields].map(([name, field]) => [name, planOf(field, schema.embeddedResource === true)]))
  const others = schema.others === undefined ? undefined : decoderOf(schema.others, undefined)
  const structName = schema.name ?? ''
  return (value, run) => {
    const outer = run.struct
    run.struct = structName
    for (const name in value) {
      const plan = plans.get(name)
      if (plan === undefined) {
        if (others !== undefined) decodeOther(value, name, others, run)
        else if (schema.keepUnknown !== true && !isTypeMeta(schema, name)) {
          run.addUnknown(name)
          delete value[name]
        }
        continue
      }
      const child = value[name]
      if (plan.isText && typeof child === 'string') {
        if (child === '' && plan.dropsEmpty) delete value[name]
        continue
      }
      if (child === null && !plan.readsNull) {
        if (plan.isBuiltIn) delete value[name]
        continue
      }
      run.enter(plan.field)
      const next = plan.decode(child, run, value, name)
      run.leave()
      if (plan.dropsEmpty && (next === 0 || next === false || next === '')) delete value[name]
      else if (next === undefined) delete value[name]
      else if (next !== child) value[name] = next
    }
    run.struct = outer
  }
}

function isTypeMeta(schema: ObjectSchema, name: string): boolean {
  return schema.embeddedResource === true && isTypeMetaName(name)
}

const isTypeMetaName = (name: string): boolean => name === 'apiVersion' || name === 'kind' || name === 'metadata'

function decodeOther(value: Record<string, unknown>, name: string, decode: Decoder, run: DecodeRun): void {
  run.enter({ key: name })
  const child = value[name]
  const next = child === null ? child : decode(child, run, value, name)
  run.leave()
  if (next !== child) setOwn(value, name, next)
}

function planOf(field: Field, isEmbedded: boolean): FieldPlan {
  const isBuiltIn = field.goType !== undefined
  const decode = decoderOf(field.schema, field.goType)
  const { name, schema } = field
  const dropsEmpty = field.dropEmpty === true && schema.kind !== 'any'
  if (!isEmbedded || !isTypeMetaName(name))
    return { field, isBuiltIn, isText: schema.kind === 'string', readsNull: false, dropsEmpty, decode }
  const whole = name === 'metadata' ? embeddedMetadata(decode) : embeddedText
  return { field, isBuiltIn, isText: false, readsNull: true, dropsEmpty, decode: whole }
}

/** `goType` is absent in custom resources: then nothing is refused. */
function decoderOf(schema: Schema, goType: string | undefined): Decoder {
  switch (schema.kind) {
    case 'object': {
      // Compiled when the first value comes: types refer to themselves.
      let decode: ObjectDecoder | undefined
      return (value, run) => {
        if (isObject(value)) (decode ??= objectDecoder(schema))(value, run)
        else if (goType !== undefined) run.wrongType(value, goType)
        else misplaced(schema, value, run)
        return value
      }
    }
    case 'list':
      return listDecoder(schema, goType)
    case 'map':
      return mapDecoder(schema, goType)
    case 'any': {
      const { objects, instead } = schema
      return objects === undefined ? (value) => value : (value, run) => decodeObjectsIn(value, objects, instead, run)
    }
    default:
      return goType === undefined ? customScalar : scalarDecoder(schema, goType)
  }
}

/** Custom values are not refused here, but for metadata: those the server reads itself. */
function misplaced(schema: ObjectSchema, value: unknown, run: DecodeRun): void {
  if (schema.name === 'ObjectMeta') throw run.wrongRoot(value, 'v1.ObjectMeta')
  if (schema.keepUnknown !== true) pruneMisplaced(value, run)
}

const customScalar: Decoder = (value, run) => {
  if (typeof value === 'object') pruneMisplaced(value, run)
  return value
}

/** Go reads these with decoders of their own, which drop what they do not know without a word: fields, and values that are neither. */
function decodeObjectsIn(value: unknown, schema: ObjectSchema, instead: 'boolean' | 'list' | undefined, run: DecodeRun): unknown {
  if (isObject(value) || Array.isArray(value))
    run.quietly(() => {
      for (const item of Array.isArray(value) ? value : [value]) if (isObject(item)) objectDecoder(schema)(item, run)
    })
  if (instead === 'boolean' && !isObject(value) && typeof value !== 'boolean') run.stop('boolean or JSON schema expected')
  if (instead === 'list' && !isObject(value) && (!Array.isArray(value) || value.length === 0)) return undefined
  return value
}

function listDecoder(schema: ListSchema, goType: string | undefined): Decoder {
  const itemType = goType === undefined ? undefined : itemGoType(goType, schema.items)
  const decode = decoderOf(schema.items, itemType)
  const isText = schema.items.kind === 'string'
  return (value, run) => {
    if (!Array.isArray(value)) {
      if (goType !== undefined) run.wrongType(value, goType)
      else pruneMisplaced(value, run)
      return value
    }
    const items = value as unknown[]
    for (let at = 0; at < items.length; at++) {
      const item = items[at]
      if (isText && typeof item === 'string') continue
      if (item === null) {
        if (goType !== undefined) items[at] = zeroOfItem(schema.items)
        continue
      }
      run.enter(at)
      const next = decode(item, run, items, at)
      run.leave()
      if (next !== item) items[at] = next
    }
    return value
  }
}

function mapDecoder(schema: MapSchema, goType: string | undefined): Decoder {
  const valueType = goType === undefined ? undefined : itemGoType(goType, schema.values)
  const decode = decoderOf(schema.values, valueType)
  const isText = schema.values.kind === 'string'
  return (value, run) => {
    if (!isObject(value)) {
      if (goType !== undefined) run.wrongType(value, goType)
      else pruneMisplaced(value, run)
      return value
    }
    for (const key in value) {
      const child = value[key]
      if (isText && typeof child === 'string') continue
      if (child === null) {
        if (goType !== undefined) setOwn(value, key, zeroOfItem(schema.values))
        continue
      }
      run.enter({ key })
      const next = decode(child, run, value, key)
      run.leave()
      if (next !== child) setOwn(value, key, next)
    }
    return value
  }
}
