import { type Dialect, type Fields, type Values, writeDocument } from './gnostic.ts'

/** A document of OpenAPI version 3 in the protobuf messages that gnostic defines (`openapi.v3.Document`). */
export function openApiV3Protobuf(document: object): Uint8Array {
  return writeDocument(V3, document)
}

const MESSAGES: Readonly<Record<string, Fields>> = {
  Document: { openapi: [1, 'string'], info: [2, 'Info'], paths: [4, 'Paths'], components: [5, 'Components'], security: [6, '*Security'] },
  Info: { title: [1, 'string'], description: [2, 'string'], version: [6, 'string'], 'x-': [7, ''] },
  Components: { schemas: [1, '@~Schema'], securitySchemes: [7, '@~SecurityScheme'], 'x-': [10, ''] },
  SecurityScheme: { type: [1, 'string'], description: [2, 'string'], name: [3, 'string'], in: [4, 'string'], 'x-': [9, ''] },
  Reference: { $ref: [1, 'string'], summary: [2, 'string'], description: [3, 'string'] },
  PathItem: {
    summary: [2, 'string'],
    description: [3, 'string'],
    get: [4, 'Operation'],
    put: [5, 'Operation'],
    post: [6, 'Operation'],
    delete: [7, 'Operation'],
    options: [8, 'Operation'],
    head: [9, 'Operation'],
    patch: [10, 'Operation'],
    parameters: [13, '*~Parameter'],
    'x-': [14, ''],
  },
  Operation: {
    tags: [1, '*string'],
    summary: [2, 'string'],
    description: [3, 'string'],
    operationId: [5, 'string'],
    parameters: [6, '*~Parameter'],
    requestBody: [7, '~RequestBody'],
    responses: [8, 'Responses'],
    deprecated: [10, 'bool'],
    security: [11, '*Security'],
    'x-': [13, ''],
  },
  Parameter: {
    name: [1, 'string'],
    in: [2, 'string'],
    description: [3, 'string'],
    required: [4, 'bool'],
    schema: [10, '~Schema'],
    'x-': [14, ''],
  },
  RequestBody: { description: [1, 'string'], content: [2, '@MediaType'], required: [3, 'bool'], 'x-': [4, ''] },
  MediaType: { schema: [1, '~Schema'], 'x-': [5, ''] },
  Response: { description: [1, 'string'], content: [3, '@MediaType'], 'x-': [5, ''] },
  Schema: {
    nullable: [1, 'bool'],
    externalDocs: [6, 'ExternalDocs'],
    example: [7, 'Any'],
    deprecated: [8, 'bool'],
    title: [9, 'string'],
    multipleOf: [10, 'double'],
    maximum: [11, 'double'],
    exclusiveMaximum: [12, 'bool'],
    minimum: [13, 'double'],
    exclusiveMinimum: [14, 'bool'],
    maxLength: [15, 'int'],
    minLength: [16, 'int'],
    pattern: [17, 'string'],
    maxItems: [18, 'int'],
    minItems: [19, 'int'],
    uniqueItems: [20, 'bool'],
    maxProperties: [21, 'int'],
    minProperties: [22, 'int'],
    required: [23, '*string'],
    enum: [24, '*Any'],
    type: [25, 'string'],
    allOf: [26, '*~Schema'],
    oneOf: [27, '*~Schema'],
    anyOf: [28, '*~Schema'],
    not: [29, 'Schema'],
    items: [30, '[1]~Schema'],
    properties: [31, '@~Schema'],
    additionalProperties: [32, 'AdditionalProperties'],
    default: [33, 'Default'],
    description: [34, 'string'],
    format: [35, 'string'],
    'x-': [36, ''],
  },
  ExternalDocs: { description: [1, 'string'], url: [2, 'string'] },
}

const V3: Dialect = {
  messages: MESSAGES,
  special: {
    Paths: (writer, value) => writer.map(1, 'PathItem', value as Values),
    Security: (writer, value) => writer.map(1, 'Names', value as Values),
    Names: (writer, value) => writer.field(1, '*string', value),
    Responses(writer, value) {
      const { default: usual, ...byCode } = value as Values
      writer.map(2, '~Response', byCode)
      if (usual !== undefined) writer.field(1, '~Response', usual)
    },
    AdditionalProperties: (writer, value) =>
      typeof value === 'boolean' ? writer.field(2, 'bool', value) : writer.field(1, '~Schema', value),
    /** What is no number, boolean or text has no form there: an empty message says that there is a default. */
    Default(writer, value) {
      if (typeof value === 'number') writer.field(1, 'double', value)
      else if (typeof value === 'boolean') writer.field(2, 'bool', value)
      else if (typeof value === 'string') writer.field(3, 'string', value)
    },
  },
}
