import { type ProtobufReader, type ProtobufWriter, WIRE, type WireType } from '#base/pure'
import type { ObjectSchema } from '../schema.ts'

/** How the value of a field is read and written. `write` writes the tag too, after the value: the writer goes backwards. */
export interface ValueCodec {
  /** `before` is what the field holds already: lists and maps come piece by piece. */
  read(reader: ProtobufReader, wire: WireType, before: unknown): unknown
  write(writer: ProtobufWriter, number: number, value: unknown): void
  /** What Go writes for a value that was never set. */
  writeZero(writer: ProtobufWriter, number: number): void
}

/** For lists and maps, of which there is nothing to write, and for messages without a field in them. */
export const writeNothing: ValueCodec['writeZero'] = () => undefined
export const writeEmptyMessage: ValueCodec['writeZero'] = (writer, number) => {
  writer.uint(0)
  writer.tag(number, WIRE.bytes)
}

/** Messages inside of messages are read and written by whoever knows their fields. */
export interface MessageAccess {
  readMessage(schema: ObjectSchema, reader: ProtobufReader): Record<string, unknown>
  writeMessage(schema: ObjectSchema, values: Record<string, unknown>, writer: ProtobufWriter): void
}
