import { ProtobufError, type ProtobufReader, WIRE, messageOf, readJson } from '#base/pure'
import { isObject } from '../decode/types.ts'
import { eachField } from './scalars.ts'
import { type MessageAccess, type ValueCodec, writeEmptyMessage } from './codec.ts'
import type { AnySchema, ObjectSchema } from '../schema.ts'

const encoder = new TextEncoder()
const RAW = 1

/** Values without a type travel as their JSON text (RawExtension, FieldsV1, JSON). */
export const jsonCodec: ValueCodec = {
  read(reader) {
    let text: Uint8Array | undefined
    eachField(reader, (number, message) => {
      if (number !== RAW) return false
      text = message.bytes()
      return true
    })
    return text === undefined || text.length === 0 ? undefined : valueOf(text)
  },
  write(writer, number, value) {
    writer.message(() => {
      writer.bytes(encoder.encode(JSON.stringify(value)))
      writer.tag(RAW, WIRE.bytes)
    })
    writer.tag(number, WIRE.bytes)
  },
  writeZero: writeEmptyMessage,
}

/** Read as JSON from strangers is read, limits included. */
function valueOf(text: Uint8Array): unknown {
  try {
    return readJson(text).value
  } catch (cause) {
    throw new ProtobufError(messageOf(cause), { cause })
  }
}

/** Field numbers of the types that are a schema or something else; 0 where the type has no such form. */
interface Choice {
  readonly schema: number
  readonly schemas: number
  readonly allows: number
  readonly texts: number
}
const CHOICES: Readonly<Record<string, Choice>> = {
  JSONSchemaPropsOrArray: { schema: 1, schemas: 2, allows: 0, texts: 0 },
  JSONSchemaPropsOrBool: { schema: 2, schemas: 0, allows: 1, texts: 0 },
  JSONSchemaPropsOrStringArray: { schema: 1, schemas: 0, allows: 0, texts: 2 },
}

export function schemaChoiceCodec(type: AnySchema, schema: ObjectSchema, access: MessageAccess): ValueCodec {
  const choice = CHOICES[type.name ?? '']
  return choice === undefined
    ? jsonCodec
    : { read: (reader) => readChoice(reader, choice, schema, access), write: writeChoice, writeZero: writeEmptyMessage }

  function writeChoice(writer: Parameters<ValueCodec['write']>[0], number: number, value: unknown): void {
    const inner = (numberOf: number, item: unknown): void => {
      writer.message(() => access.writeMessage(schema, item as Record<string, unknown>, writer))
      writer.tag(numberOf, WIRE.bytes)
    }
    writer.message(() => {
      if (choice === undefined) return
      if (typeof value === 'boolean' || (isObject(value) && choice.allows > 0)) {
        if (isObject(value)) inner(choice.schema, value)
        writer.bool(value !== false)
        writer.tag(choice.allows, WIRE.varint)
      } else if (isObject(value)) inner(choice.schema, value)
      else if (Array.isArray(value)) {
        for (const item of [...(value as readonly unknown[])].reverse()) {
          if (choice.texts === 0) inner(choice.schemas, item)
          else {
            writer.string(String(item))
            writer.tag(choice.texts, WIRE.bytes)
          }
        }
      }
    })
    writer.tag(number, WIRE.bytes)
  }
}

function readChoice(reader: ProtobufReader, choice: Choice, schema: ObjectSchema, access: MessageAccess): unknown {
  let one: unknown
  let allows: boolean | undefined
  const many: unknown[] = []
  eachField(reader, (number, message) => {
    if (number === choice.schema) one = access.readMessage(schema, message.message())
    else if (number === choice.allows) allows = message.bool()
    else if (number === choice.schemas) many.push(access.readMessage(schema, message.message()))
    else if (number === choice.texts) many.push(message.string())
    else return false
    return true
  })
  return one ?? (choice.allows > 0 ? (allows ?? false) : many)
}
