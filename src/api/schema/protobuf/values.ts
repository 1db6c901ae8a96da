import { ProtobufError, type ProtobufReader, type ProtobufWriter, WIRE, type WireType } from '#base/pure'
import { isObject } from '../decode/types.ts'
import { type MessageAccess, type ValueCodec, writeNothing } from './codec.ts'
import { jsonCodec, schemaChoiceCodec } from './json.ts'
import { intOrStringCodec, microTimeCodec, quantityCodec, timeCodec } from './scalars.ts'
import { setOwn } from '../json-value.ts'
import type { ObjectSchema, Schema } from '../schema.ts'

export function codecOf(schema: Schema, access: MessageAccess): ValueCodec {
  switch (schema.kind) {
    case 'string':
    case 'duration':
      return scalar(
        WIRE.bytes,
        '',
        (reader) => reader.string(),
        (writer, value) => writer.string(String(value)),
      )
    case 'integer':
      return scalar(
        WIRE.varint,
        0,
        (reader) => reader.int(),
        (writer, value) => writer.int(Number(value)),
      )
    case 'boolean':
      return scalar(
        WIRE.varint,
        false,
        (reader) => reader.bool(),
        (writer, value) => writer.bool(value === true),
      )
    case 'number':
      return scalar(
        WIRE.fixed64,
        0,
        (reader) => reader.double(),
        (writer, value) => writer.double(Number(value)),
      )
    case 'bytes':
      return scalar(
        WIRE.bytes,
        '',
        (reader) => reader.bytes().toBase64(),
        (writer, value) => writer.bytes(Uint8Array.fromBase64(String(value))),
      )
    case 'quantity':
      return quantityCodec
    case 'int-or-string':
      return intOrStringCodec
    case 'time':
      return timeCodec
    case 'micro-time':
      return microTimeCodec
    case 'any':
      return schema.objects === undefined ? jsonCodec : schemaChoiceCodec(schema, schema.objects, access)
    case 'object':
      return objectCodec(schema, access)
    case 'list':
      return listCodec(schema.items, access)
    case 'map':
      return mapCodec(schema.values, access)
    default:
      return schema satisfies never
  }
}

function scalar<T>(
  wire: WireType,
  zero: T,
  read: (reader: ProtobufReader) => T,
  write: (writer: ProtobufWriter, value: unknown) => void,
): ValueCodec {
  return {
    read(reader, found) {
      if (found !== wire) throw new ProtobufError(`proto: wrong wireType = ${found}`)
      return read(reader)
    },
    write(writer, number, value) {
      write(writer, value)
      writer.tag(number, wire)
    },
    writeZero(writer, number) {
      write(writer, zero)
      writer.tag(number, wire)
    },
  }
}

const NOTHING: Readonly<Record<string, unknown>> = {}

function objectCodec(schema: ObjectSchema, access: MessageAccess): ValueCodec {
  return {
    // A message that comes in several pieces is merged.
    read: (reader, _wire, before) => ({ ...(isObject(before) ? before : {}), ...access.readMessage(schema, reader.message()) }),
    write(writer, number, value) {
      writer.message(() => access.writeMessage(schema, value as Record<string, unknown>, writer))
      writer.tag(number, WIRE.bytes)
    },
    writeZero(writer, number) {
      this.write(writer, number, NOTHING)
    },
  }
}

function listCodec(items: Schema, access: MessageAccess): ValueCodec {
  const codec = codecOf(items, access)
  return {
    read(reader, wire, before) {
      const list = Array.isArray(before) ? (before as unknown[]) : []
      const isPacked = wire === WIRE.bytes && (items.kind === 'integer' || items.kind === 'boolean')
      if (!isPacked) list.push(codec.read(reader, wire, undefined))
      else for (const packed = reader.message(); !packed.done; ) list.push(codec.read(packed, WIRE.varint, undefined))
      return list
    },
    write(writer, number, value) {
      for (const item of [...(value as readonly unknown[])].reverse()) codec.write(writer, number, item)
    },
    writeZero: writeNothing,
  }
}

const KEY = 1
const VALUE = 2
/** Protobuf has no map of lists: the list is in a message of its own. */
const ITEMS = 1

function mapCodec(values: Schema, access: MessageAccess): ValueCodec {
  const codec = codecOf(values, access)
  const isWrapped = values.kind === 'list'
  const readValue = (reader: ProtobufReader, wire: WireType, before: unknown): unknown => {
    if (!isWrapped) return codec.read(reader, wire, before)
    let list: unknown = []
    for (const message = reader.message(); !message.done; ) {
      const tag = message.tag()
      if (tag.number === ITEMS) list = codec.read(message, tag.wire, list)
      else message.skip(tag.wire)
    }
    return list
  }
  const writeValue = (writer: ProtobufWriter, value: unknown): void => {
    if (!isWrapped) return codec.write(writer, VALUE, value)
    writer.message(() => codec.write(writer, ITEMS, value))
    writer.tag(VALUE, WIRE.bytes)
  }
  return {
    read(reader, _wire, before) {
      const map = isObject(before) ? before : {}
      let key = ''
      let value: unknown
      for (const entry = reader.message(); !entry.done; ) {
        const tag = entry.tag()
        if (tag.number === KEY) key = entry.string()
        else if (tag.number === VALUE) value = readValue(entry, tag.wire, value)
        else entry.skip(tag.wire)
      }
      setOwn(map, key, value ?? zeroOfMapValue(values))
      return map
    },
    write(writer, number, value) {
      const map = value as Readonly<Record<string, unknown>>
      for (const key of Object.keys(map).sort().reverse()) {
        writer.message(() => {
          writeValue(writer, map[key] ?? zeroOfMapValue(values))
          writer.string(key)
          writer.tag(KEY, WIRE.bytes)
        })
        writer.tag(number, WIRE.bytes)
      }
    },
    writeZero: writeNothing,
  }
}

function zeroOfMapValue(values: Schema): unknown {
  if (values.kind === 'list') return []
  if (values.kind === 'object' || values.kind === 'map') return {}
  return values.kind === 'quantity' ? '0' : values.kind === 'integer' ? 0 : ''
}
