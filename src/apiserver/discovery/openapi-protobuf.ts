import { type Dialect, type Fields, type Values, writeDocument } from './gnostic.ts'

/**
 * A document of OpenAPI version 2 in the protobuf messages that gnostic defines (`openapi.v2.Document`), which kubectl asks for when it
 * meets a kind that no document of version 3 has.
 */
export function openApiV2Protobuf(document: object): Uint8Array {
  return writeDocument(V2, document)
}

const MESSAGES: Readonly<Record<string, Fields>> = {
  Document: {
    swagger: [1, 'string'],
    info: [2, 'Info'],
    paths: [8, 'Paths'],
    definitions: [9, '@Schema'],
    parameters: [10, '@DefinedParameter'],
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

const V2: Dialect = {
  messages: MESSAGES,
  special: {
    Paths: (writer, value) => writer.map(2, 'PathItem', value as Values),
    SecurityRequirement: (writer, value) => writer.map(1, 'Names', value as Values),
    Names: (writer, value) => writer.field(1, '*string', value),
    // `ParametersItem { parameter = 1 | reference = 2 { ref = 1 } }`.
    Parameter(writer, value) {
      const { $ref } = value as Values
      if ($ref === undefined) writer.field(1, 'DefinedParameter', value)
      else writer.field(2, '[1]string', $ref)
    },
    // `Parameter { body = 1 | other = 2 { query = 3 | path = 4 } }`.
    DefinedParameter(writer, value) {
      const { in: place } = value as Values
      if (place === 'body') writer.field(1, 'BodyParameter', value)
      else writer.field(2, place === 'path' ? '[4]PathParameter' : '[3]QueryParameter', value)
    },
  },
}
