import { ProtobufError, ProtobufReader, ProtobufWriter, WIRE } from '#base/pure'
import type { KubeObject } from '../../meta/object.ts'
import { readMessage, writeMessage } from './message.ts'
import type { ObjectSchema } from '../schema.ts'

/**
 * Kubernetes protobuf, generic over the schema: objects are the messages of their Go types, in an envelope that says what they are.
 * Only built-in types have field numbers; custom resources are not spoken in protobuf.
 */
export interface TypedObject {
  readonly kind: string
  readonly apiVersion: string
  readonly object: KubeObject
}

/** `k8s` and a zero byte stand before the envelope (runtime.Unknown). */
const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00)
const ENVELOPE = { typeMeta: 1, raw: 2, contentEncoding: 3, contentType: 4 } as const
const TYPE_META = { apiVersion: 1, kind: 2 } as const

/** Reads an object of the schema; whether its kind is the one of the schema is for the caller to check. Throws a `ProtobufError`. */
export function decodeProtobuf(schema: ObjectSchema, bytes: Uint8Array): TypedObject {
  const { kind, apiVersion, raw } = openEnvelope(bytes)
  const object = readMessage(schema, new ProtobufReader(raw)) as KubeObject
  return { kind, apiVersion, object: schema.fields.has('kind') ? { kind, apiVersion, ...object } : object }
}

/** What an envelope says is inside, and the message itself. */
export function openEnvelope(bytes: Uint8Array): { readonly kind: string; readonly apiVersion: string; readonly raw: Uint8Array } {
  if (MAGIC.some((byte, at) => bytes[at] !== byte))
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  const reader = new ProtobufReader(bytes, MAGIC.length)
  let kind = ''
  let apiVersion = ''
  let raw = new Uint8Array()
  while (!reader.done) {
    const { number, wire } = reader.tag()
    if (number === ENVELOPE.raw && wire === WIRE.bytes) raw = new Uint8Array(reader.bytes())
    else if (number === ENVELOPE.typeMeta && wire === WIRE.bytes) {
      const type = reader.message()
      while (!type.done) {
        const field = type.tag()
        if (field.number === TYPE_META.apiVersion && field.wire === WIRE.bytes) apiVersion = type.string()
        else if (field.number === TYPE_META.kind && field.wire === WIRE.bytes) kind = type.string()
        else type.skip(field.wire)
      }
    } else reader.skip(wire)
  }
  return { kind, apiVersion, raw }
}

/** Writes an object, which has to have kind and apiVersion, with its envelope. */
export function encodeProtobuf(schema: ObjectSchema, object: KubeObject): Uint8Array {
  const writer = new ProtobufWriter()
  writer.string('')
  writer.tag(ENVELOPE.contentType, WIRE.bytes)
  writer.string('')
  writer.tag(ENVELOPE.contentEncoding, WIRE.bytes)
  writer.message(() => writeMessage(schema, object as Record<string, unknown>, writer))
  writer.tag(ENVELOPE.raw, WIRE.bytes)
  writer.message(() => {
    writer.string(object.kind ?? '')
    writer.tag(TYPE_META.kind, WIRE.bytes)
    writer.string(object.apiVersion ?? '')
    writer.tag(TYPE_META.apiVersion, WIRE.bytes)
  })
  writer.tag(ENVELOPE.typeMeta, WIRE.bytes)
  writer.raw(MAGIC)
  return writer.finish()
}

const WATCH_EVENT = { type: 1, object: 2 } as const
const RAW_EXTENSION = 1
const FRAME_HEAD = 4

/** One frame of a protobuf watch: four bytes of length, then a WatchEvent around an encoded object. */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter()
  writer.message(() => {
    writer.bytes(object)
    writer.tag(RAW_EXTENSION, WIRE.bytes)
  })
  writer.tag(WATCH_EVENT.object, WIRE.bytes)
  writer.string(type)
  writer.tag(WATCH_EVENT.type, WIRE.bytes)
  const length = writer.length
  const head = new Uint8Array(FRAME_HEAD)
  new DataView(head.buffer).setUint32(0, length)
  writer.raw(head)
  return writer.finish()
}
