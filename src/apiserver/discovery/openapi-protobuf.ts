import { ProtobufWriter, WIRE } from '#base/pure'

/**
 * A document of OpenAPI version 2 in the protobuf messages that gnostic defines (`openapi.v2.Document`), which kubectl asks for when it
 * meets a kind that no document of version 3 has.
 */
export function openApiV2Protobuf(document: object): Uint8Array {
  const writer = new ProtobufWriter()
  writeMessage(writer, 'Document', document as Values)
  return writer.finish()
}

type Values = Readonly<Record<string, unknown>>

/**
 * Field number and type by JSON name. `*` repeats; `@` is a message with one map-like field 1 of named values; a message in brackets is
 * wrapped in others, whose field numbers stand before it.
 */
type Fields = Readonly<Record<string, readonly [number: number, type: string]>>
const MESSAGES: Readonly<Record<string, Fields>> = {
  Document: {
    swagger: [1, 'string'],
    info: [2, 'Info'],
    paths: [8, 'Paths'],
    definitions: [9, '@Schema'],
    security: [12, '*SecurityRequirement'],
    securityDefinitions: [13, '@[2]ApiKeySecurity'],
  },
  Info: { title: [1, 'string'], version: [2, 'string'] },
  ApiKeySecurity: { type: [1, 'string'], name: [2, 'string'], in: [3, 'string'], description: [4, 'string'] },
  PathItem: {
    get: [2, 'Operation'],
    put: [3, 'Operation'],
    post: [4, 'Operation'],
    delete: [5, 'Operation'],
    options: [6, 'Operation'],
    head: [7, 'Operation'],
    patch: [8, 'Operation'],
    parameters: [9, '*Parameter'],
    'x-': [10, ''],
  },
  Operation: {
    tags: [1, '*string'],
    description: [3, 'string'],
    operationId: [5, 'string'],
    produces: [6, '*string'],
    consumes: [7, '*string'],
    parameters: [8, '*Parameter'],
    responses: [9, '@[1]Response'],
    schemes: [10, '*string'],
    'x-': [13, ''],
  },
  Response: { description: [1, 'string'], schema: [2, '[1]Schema'] },
  BodyParameter: { description: [1, 'string'], name: [2, 'string'], in: [3, 'string'], required: [4, 'bool'], schema: [5, 'Schema'] },
  QueryParameter: {
    required: [1, 'bool'],
    in: [2, 'string'],
    description: [3, 'string'],
    name: [4, 'string'],
    type: [6, 'string'],
    format: [7, 'string'],
    uniqueItems: [20, 'bool'],
  },
  PathParameter: {
    required: [1, 'bool'],
    in: [2, 'string'],
    description: [3, 'string'],
    name: [4, 'string'],
    type: [5, 'string'],
    format: [6, 'string'],
    uniqueItems: [19, 'bool'],
  },
  Schema: {
    $ref: [1, 'string'],
    format: [2, 'string'],
    title: [3, 'string'],
    description: [4, 'string'],
    multipleOf: [6, 'double'],
    maximum: [7, 'double'],
    exclusiveMaximum: [8, 'bool'],
    minimum: [9, 'double'],
    exclusiveMinimum: [10, 'bool'],
    maxLength: [11, 'int'],
    minLength: [12, 'int'],
    pattern: [13, 'string'],
    maxItems: [14, 'int'],
    minItems: [15, 'int'],
    uniqueItems: [16, 'bool'],
    maxProperties: [17, 'int'],
    minProperties: [18, 'int'],
    required: [19, '*string'],
    enum: [20, '*Any'],
    additionalProperties: [21, '[1]Schema'],
    type: [22, '[1]string'],
    items: [23, '[1]Schema'],
    properties: [25, '@Schema'],
    'x-': [31, ''],
  },
}

/** The writer goes from the end to the beginning. */
function writeMessage(writer: ProtobufWriter, name: string, values: Values): void {
  const fields = MESSAGES[name] ?? {}
  const known: (readonly [number: number, type: string, value: unknown])[] = []
  const extensions: (readonly [string, unknown])[] = []
  for (const [key, value] of Object.entries(values)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    if (field !== undefined) known.push([...field, value])
    else if (key.startsWith('x-')) extensions.push([key, value])
  }
  const [extensionNumber = 0] = fields['x-'] ?? []
  if (extensionNumber > 0) for (const [key, value] of extensions.toReversed()) writeNamed(writer, extensionNumber, key, 'Any', value)
  known.sort(([a], [b]) => b - a)
  for (const [number, type, value] of known) writeField(writer, number, type, value)
}

function writeField(writer: ProtobufWriter, number: number, type: string, value: unknown): void {
  if (type.startsWith('*')) {
    for (const item of (value as readonly unknown[]).toReversed()) writeField(writer, number, type.slice(1), item)
    return
  }
  switch (type) {
    case 'bool':
      writer.int(value === true ? 1 : 0)
      return writer.tag(number, WIRE.varint)
    case 'int':
      writer.int(value as number)
      return writer.tag(number, WIRE.varint)
    case 'double':
      writer.double(value as number)
      return writer.tag(number, WIRE.fixed64)
    case 'string':
      writer.string(String(value))
      return writer.tag(number, WIRE.bytes)
    default:
      writer.message(() => writeBody(writer, type, value))
      return writer.tag(number, WIRE.bytes)
  }
}

function writeBody(writer: ProtobufWriter, type: string, value: unknown): void {
  const wrapped = /^\[(\d+)\](.*)$/.exec(type)
  if (wrapped !== null) return writeField(writer, Number(wrapped[1]), wrapped[2] ?? '', value)
  if (type.startsWith('@')) return writeMap(writer, 1, type.slice(1), value as Values)
  switch (type) {
    case 'Any':
      // JSON is YAML.
      return writeField(writer, 2, 'string', `${JSON.stringify(value)}\n`)
    case 'Paths':
      return writeMap(writer, 2, 'PathItem', value as Values)
    case 'SecurityRequirement':
      return writeMap(writer, 1, 'Names', value as Values)
    case 'Names':
      return writeField(writer, 1, '*string', value)
    case 'Parameter':
      return writeParameter(writer, value as Values)
    default:
      return writeMessage(writer, type, value as Values)
  }
}

function writeMap(writer: ProtobufWriter, number: number, type: string, values: Values): void {
  for (const [name, value] of Object.entries(values).toReversed()) writeNamed(writer, number, name, type, value)
}

function writeNamed(writer: ProtobufWriter, number: number, name: string, type: string, value: unknown): void {
  writer.message(() => {
    writeField(writer, 2, type, value)
    writeField(writer, 1, 'string', name)
  })
  writer.tag(number, WIRE.bytes)
}

/** `ParametersItem { parameter = 1 { body = 1 | other = 2 { query = 3 | path = 4 } } }`. */
function writeParameter(writer: ProtobufWriter, parameter: Values): void {
  const type = parameter['in'] === 'body' ? '[1]BodyParameter' : parameter['in'] === 'path' ? '[2][4]PathParameter' : '[2][3]QueryParameter'
  writeField(writer, 1, type, parameter)
}
