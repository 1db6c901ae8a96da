import type { ProtobufReader, ProtobufWriter, WireType } from '#base/pure'
import type { ObjectSchema } from '../schema.ts'

/** How the value of a field is read and written. `write` writes the tag too, after the value: the writer goes backwards. */
export interface ValueCodec {
  /** `before` is what the field holds already: lists and maps come piece by piece. */
  read(reader: ProtobufReader, wire: WireType, before: unknown): unknown
  write(writer: ProtobufWriter, number: number, value: unknown): void
}

/** Messages inside of messages are read and written by whoever knows their fields. */
export interface MessageAccess {
  readMessage(schema: ObjectSchema, reader: ProtobufReader): Record<string, unknown>
  writeMessage(schema: ObjectSchema, values: Record<string, unknown>, writer: ProtobufWriter): void
}
