import { type ProtobufReader, type ProtobufWriter, WIRE } from '#base/pure'
import type { ValueCodec } from './codec.ts'
import { codecOf } from './values.ts'
import type { Field, ObjectSchema } from '../schema.ts'

type Values = Record<string, unknown>

/** Fields by number; where JSON has the fields of an inner message inline, that message reads and writes the same object. */
interface MessagePlan {
  readonly entries: Map<number, Entry>
  /** The entries from the highest number to the lowest: put in order by the first write. */
  descending?: readonly (readonly [number: number, entry: Entry])[]
}
type Entry = { readonly field: Field; readonly codec: ValueCodec } | { readonly inner: MessagePlan }

/** What has been compiled, by schema: a cache that nobody can tell from compiling each time. */
const plans = new WeakMap<ObjectSchema, MessagePlan>()

function planOf(schema: ObjectSchema): MessagePlan {
  const known = plans.get(schema)
  if (known !== undefined) return known
  const plan: MessagePlan = { entries: new Map() }
  plans.set(schema, plan)
  for (const field of schema.fields.values()) {
    if (field.proto === undefined) continue
    let home = plan
    for (const number of field.proto.outer ?? []) home = innerOf(home, number)
    home.entries.set(field.proto.number, { field, codec: codecOf(field.schema, { readMessage, writeMessage }) })
  }
  return plan
}

function innerOf(plan: MessagePlan, number: number): MessagePlan {
  const known = plan.entries.get(number)
  if (known !== undefined && 'inner' in known) return known.inner
  const inner: MessagePlan = { entries: new Map() }
  plan.entries.set(number, { inner })
  return inner
}

/** Fields that hold nothing and cannot tell that from absence are left out, as if the object had come as JSON. */
export function readMessage(schema: ObjectSchema, reader: ProtobufReader): Values {
  const values: Values = {}
  read(planOf(schema), reader, values)
  return values
}

function read(plan: MessagePlan, reader: ProtobufReader, values: Values): void {
  while (!reader.done) {
    const { number, wire } = reader.tag()
    const entry = plan.entries.get(number)
    if (entry === undefined) reader.skip(wire)
    else if ('inner' in entry) read(entry.inner, reader.message(), values)
    else {
      const { name, dropEmpty } = entry.field
      const value = entry.codec.read(reader, wire, values[name])
      if (value !== undefined && !(dropEmpty && (value === '' || value === 0 || value === false))) values[name] = value
    }
  }
}

/** From the last field to the first, since the writer goes backwards. */
export function writeMessage(schema: ObjectSchema, values: Values, writer: ProtobufWriter): void {
  write(planOf(schema), values, writer)
}

function write(plan: MessagePlan, values: Values, writer: ProtobufWriter): void {
  plan.descending ??= [...plan.entries].sort(([a], [b]) => b - a)
  for (const [number, entry] of plan.descending) {
    if ('inner' in entry) {
      const before = writer.length
      write(entry.inner, values, writer)
      writer.uint(writer.length - before)
      writer.tag(number, WIRE.bytes)
    } else {
      const value = values[entry.field.name]
      if (value !== undefined && value !== null) entry.codec.write(writer, number, value)
      else if (entry.field.proto?.isAlways) entry.codec.writeZero(writer, number)
    }
  }
}
