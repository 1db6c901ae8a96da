import { ProtobufWriter, WIRE } from '#base/pure'

/** Writes documents of OpenAPI in the protobuf messages that gnostic defines, by tables of their fields. */

export type Values = Readonly<Record<string, unknown>>

/**
 * Field number and type by JSON name. `*` repeats; `@` is a message with one map-like field 1 of named values; `~` is the message or a
 * reference; a message in brackets is wrapped in others, whose field numbers stand before it. `x-` stands for all names that begin so.
 */
export type Fields = Readonly<Record<string, readonly [number: number, type: string]>>

export interface Dialect {
  readonly messages: Readonly<Record<string, Fields>>
  /** Messages that no table can tell of. */
  readonly special: Readonly<Record<string, (writer: GnosticWriter, value: unknown) => void>>
}

export function writeDocument(dialect: Dialect, document: object): Uint8Array {
  const bytes = new ProtobufWriter()
  new GnosticWriter(bytes, dialect).message('Document', document as Values)
  return bytes.finish()
}

/** Goes from the end to the beginning, as the bytes do. */
export class GnosticWriter {
  readonly #to: ProtobufWriter
  readonly #dialect: Dialect

  constructor(to: ProtobufWriter, dialect: Dialect) {
    this.#to = to
    this.#dialect = dialect
  }

  message(name: string, values: Values): void {
    const fields = this.#dialect.messages[name] ?? {}
    const known: (readonly [number: number, type: string, value: unknown])[] = []
    const extensions: (readonly [string, unknown])[] = []
    for (const [key, value] of Object.entries(values)) {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined
      if (field !== undefined) known.push([...field, value])
      else if (key.startsWith('x-')) extensions.push([key, value])
    }
    const [extensionNumber = 0] = fields['x-'] ?? []
    if (extensionNumber > 0) for (const [key, value] of extensions.toReversed()) this.named(extensionNumber, key, 'Any', value)
    known.sort(([a], [b]) => b - a)
    for (const [number, type, value] of known) this.field(number, type, value)
  }

  field(number: number, type: string, value: unknown): void {
    if (type.startsWith('*')) {
      for (const item of (value as readonly unknown[]).toReversed()) this.field(number, type.slice(1), item)
      return
    }
    switch (type) {
      case 'bool':
        this.#to.int(value === true ? 1 : 0)
        return this.#to.tag(number, WIRE.varint)
      case 'int':
        this.#to.int(value as number)
        return this.#to.tag(number, WIRE.varint)
      case 'double':
        this.#to.double(value as number)
        return this.#to.tag(number, WIRE.fixed64)
      case 'string':
        this.#to.string(String(value))
        return this.#to.tag(number, WIRE.bytes)
      default:
        this.#to.message(() => this.#body(type, value))
        return this.#to.tag(number, WIRE.bytes)
    }
  }

  /** One named value of each. */
  map(number: number, type: string, values: Values): void {
    for (const [name, value] of Object.entries(values).toReversed()) this.named(number, name, type, value)
  }
  named(number: number, name: string, type: string, value: unknown): void {
    this.#to.message(() => {
      this.field(2, type, value)
      this.field(1, 'string', name)
    })
    this.#to.tag(number, WIRE.bytes)
  }

  #body(type: string, value: unknown): void {
    const wrapped = /^\[(\d+)\](.*)$/.exec(type)
    if (wrapped !== null) return this.field(Number(wrapped[1]), wrapped[2] ?? '', value)
    if (type.startsWith('@')) return this.map(1, type.slice(1), value as Values)
    if (type.startsWith('~')) {
      const isReference = typeof (value as Values)['$ref'] === 'string'
      return isReference ? this.field(2, 'Reference', value) : this.field(1, type.slice(1), value)
    }
    const special = this.#dialect.special[type]
    if (special !== undefined) return special(this, value)
    // JSON is YAML.
    if (type === 'Any') return this.field(2, 'string', `${JSON.stringify(value)}\n`)
    return this.message(type, value as Values)
  }
}
