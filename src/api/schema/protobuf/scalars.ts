import { ProtobufError, type ProtobufReader, type ProtobufWriter, WIRE } from '#base/pure'
import { type ValueCodec, writeEmptyMessage } from './codec.ts'

/** Calls `field` for each field of a message. */
export function eachField(reader: ProtobufReader, field: (number: number, message: ProtobufReader) => boolean): void {
  for (const message = reader.message(); !message.done; ) {
    const { number, wire } = message.tag()
    if (!field(number, message)) message.skip(wire)
  }
}

/** `zero` is what was never set; a message without a field where there is no such value. */
function messageCodec(
  read: (reader: ProtobufReader) => unknown,
  write: (writer: ProtobufWriter, value: unknown) => void,
  zero?: unknown,
): ValueCodec {
  const writeWhole: ValueCodec['write'] = (writer, number, value) => {
    writer.message(() => write(writer, value))
    writer.tag(number, WIRE.bytes)
  }
  return {
    read: (reader) => read(reader),
    write: writeWhole,
    writeZero: zero === undefined ? writeEmptyMessage : (writer, number) => writeWhole(writer, number, zero),
  }
}

export const quantityCodec: ValueCodec = messageCodec(
  (reader) => {
    let text = '0'
    eachField(reader, (number, message) => {
      if (number !== 1) return false
      text = message.string()
      return true
    })
    return text === '' ? '0' : text
  },
  (writer, value) => {
    writer.string(String(value))
    writer.tag(1, WIRE.bytes)
  },
  '0',
)

const KINDS = { integer: 0, text: 1 } as const

export const intOrStringCodec: ValueCodec = messageCodec(
  (reader) => {
    let kind: number = KINDS.integer
    let integer = 0
    let text = ''
    eachField(reader, (number, message) => {
      if (number === 1) kind = message.int()
      else if (number === 2) integer = message.int()
      else if (number === 3) text = message.string()
      else return false
      return true
    })
    return kind === KINDS.text ? text : integer
  },
  (writer, value) => {
    writer.string(typeof value === 'string' ? value : '')
    writer.tag(3, WIRE.bytes)
    writer.int(typeof value === 'number' ? value : 0)
    writer.tag(2, WIRE.varint)
    writer.int(typeof value === 'string' ? KINDS.text : KINDS.integer)
    writer.tag(1, WIRE.varint)
  },
  0,
)

const MS_IN_S = 1000
const NANOS_IN_MICRO = 1000
const NANOS_IN_S = 1_000_000_000
/** Years 0 to 9999: what has a text in RFC 3339. */
const [FIRST_SECOND, LAST_SECOND] = [-62_167_219_200, 253_402_300_799]

/** To the second, and what is over. Undefined for the empty message, which is Go's time that was never set. */
function readTime(reader: ProtobufReader): { readonly text: string; readonly nanos: number } | undefined {
  let seconds: number | undefined
  let nanos = 0
  eachField(reader, (number, message) => {
    if (number === 1) seconds = message.int()
    else if (number === 2) nanos = message.int()
    else return false
    return true
  })
  if (seconds === undefined) return undefined
  const carried = Math.floor(nanos / NANOS_IN_S)
  const whole = seconds + carried
  if (!(whole >= FIRST_SECOND && whole <= LAST_SECOND)) throw new ProtobufError('a time is outside of the years 0 to 9999')
  return { text: new Date(whole * MS_IN_S).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length), nanos: nanos - carried * NANOS_IN_S }
}

function writeTime(writer: ProtobufWriter, seconds: number, nanos: number): void {
  writer.int(nanos)
  writer.tag(2, WIRE.varint)
  writer.int(seconds)
  writer.tag(1, WIRE.varint)
}

export const timeCodec: ValueCodec = messageCodec(
  (reader) => {
    const time = readTime(reader)
    return time === undefined ? undefined : `${time.text}Z`
  },
  (writer, value) => writeTime(writer, Math.floor(Date.parse(String(value)) / MS_IN_S), 0),
)

export const microTimeCodec: ValueCodec = messageCodec(
  (reader) => {
    const time = readTime(reader)
    if (time === undefined) return undefined
    const micros = String(Math.floor(time.nanos / NANOS_IN_MICRO)).padStart(6, '0')
    return `${time.text}.${micros}Z`
  },
  (writer, value) => {
    const text = String(value)
    const micros = /\.(\d{1,6})/.exec(text)?.[1]?.padEnd(6, '0') ?? '0'
    const seconds = Math.floor(Date.parse(text) / MS_IN_S)
    writeTime(writer, seconds, Number(micros) * NANOS_IN_MICRO)
  },
)
