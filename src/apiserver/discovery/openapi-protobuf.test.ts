import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtobufReader } from '#base/pure'
import { openApiV2Protobuf } from './openapi-protobuf.ts'
import { openApiV3Protobuf } from './openapi-v3-protobuf.ts'

/** Fields of a message by number, each with the contents of its length-delimited values. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>()
  const reader = new ProtobufReader(bytes)
  while (!reader.done) {
    const { number, wire } = reader.tag()
    if (wire !== 2) reader.skip(wire)
    else fields.set(number, [...(fields.get(number) ?? []), new Uint8Array(reader.bytes())])
  }
  return fields
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

test('definitions and paths are named messages, extensions are texts in YAML', () => {
  const document = {
    swagger: '2.0',
    paths: { '/a': { get: { operationId: 'readA', responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/A' } } } } } },
    definitions: { A: { type: 'object', properties: { b: { type: 'string' } }, 'x-kubernetes-group-version-kind': [{ kind: 'A' }] } },
  }
  const root = fieldsOf(openApiV2Protobuf(document))
  assert.equal(text(root.get(1)?.[0]), '2.0')
  const path = fieldsOf(fieldsOf(root.get(8)?.[0] ?? new Uint8Array()).get(2)?.[0] ?? new Uint8Array())
  assert.equal(text(path.get(1)?.[0]), '/a')
  const operation = fieldsOf(fieldsOf(path.get(2)?.[0] ?? new Uint8Array()).get(2)?.[0] ?? new Uint8Array())
  assert.equal(text(operation.get(5)?.[0]), 'readA')
  const named = fieldsOf(fieldsOf(root.get(9)?.[0] ?? new Uint8Array()).get(1)?.[0] ?? new Uint8Array())
  assert.equal(text(named.get(1)?.[0]), 'A')
  const schema = fieldsOf(named.get(2)?.[0] ?? new Uint8Array())
  assert.equal(text(fieldsOf(schema.get(22)?.[0] ?? new Uint8Array()).get(1)?.[0]), 'object')
  const extension = fieldsOf(schema.get(31)?.[0] ?? new Uint8Array())
  assert.equal(text(extension.get(1)?.[0]), 'x-kubernetes-group-version-kind')
  assert.equal(text(fieldsOf(extension.get(2)?.[0] ?? new Uint8Array()).get(2)?.[0]), '[{"kind":"A"}]\n')
})

test('shared parameters are named, and referred to', () => {
  const empty = new Uint8Array()
  const limit = { name: 'limit', in: 'query', type: 'integer' }
  const document = {
    swagger: '2.0',
    paths: { '/a': { parameters: [{ $ref: '#/parameters/limit-1' }, limit] } },
    parameters: { 'limit-1': limit },
  }
  const root = fieldsOf(openApiV2Protobuf(document))
  const named = fieldsOf(fieldsOf(root.get(10)?.[0] ?? empty).get(1)?.[0] ?? empty)
  assert.equal(text(named.get(1)?.[0]), 'limit-1')
  const nameIn = (parameter: Uint8Array | undefined): string => {
    const query = fieldsOf(fieldsOf(parameter ?? empty).get(2)?.[0] ?? empty).get(3)?.[0]
    return text(fieldsOf(query ?? empty).get(4)?.[0])
  }
  assert.equal(nameIn(named.get(2)?.[0]), 'limit')
  const item = fieldsOf(fieldsOf(fieldsOf(root.get(8)?.[0] ?? empty).get(2)?.[0] ?? empty).get(2)?.[0] ?? empty)
  const [shared, own] = item.get(9) ?? []
  assert.equal(text(fieldsOf(fieldsOf(shared ?? empty).get(2)?.[0] ?? empty).get(1)?.[0]), '#/parameters/limit-1')
  assert.equal(nameIn(fieldsOf(own ?? empty).get(1)?.[0]), 'limit')
})

test('a document of version 3 has references, defaults and free members in their own messages', () => {
  const empty = new Uint8Array()
  const document = {
    openapi: '3.0.0',
    paths: {
      '/a': {
        get: {
          operationId: 'readA',
          responses: { 200: { description: 'OK', content: { 'application/json': { schema: { $ref: '#/components/schemas/A' } } } } },
        },
      },
    },
    components: {
      schemas: {
        A: {
          type: 'object',
          required: ['b'],
          properties: { b: { type: 'string', default: 'x' }, c: { default: {}, allOf: [{ $ref: '#/components/schemas/A' }] } },
          additionalProperties: { type: 'string' },
          'x-kubernetes-group-version-kind': [{ kind: 'A' }],
        },
      },
    },
  }
  const root = fieldsOf(openApiV3Protobuf(document))
  assert.equal(text(root.get(1)?.[0]), '3.0.0')
  const path = fieldsOf(fieldsOf(root.get(4)?.[0] ?? empty).get(1)?.[0] ?? empty)
  assert.equal(text(path.get(1)?.[0]), '/a')
  const operation = fieldsOf(fieldsOf(path.get(2)?.[0] ?? empty).get(4)?.[0] ?? empty)
  const response = fieldsOf(fieldsOf(operation.get(8)?.[0] ?? empty).get(2)?.[0] ?? empty)
  assert.equal(text(response.get(1)?.[0]), '200')
  const media = fieldsOf(
    fieldsOf(fieldsOf(fieldsOf(response.get(2)?.[0] ?? empty).get(1)?.[0] ?? empty).get(3)?.[0] ?? empty).get(1)?.[0] ?? empty,
  )
  const reference = fieldsOf(fieldsOf(fieldsOf(media.get(2)?.[0] ?? empty).get(1)?.[0] ?? empty).get(2)?.[0] ?? empty)
  assert.equal(text(reference.get(1)?.[0]), '#/components/schemas/A')
  const named = fieldsOf(fieldsOf(fieldsOf(root.get(5)?.[0] ?? empty).get(1)?.[0] ?? empty).get(1)?.[0] ?? empty)
  assert.equal(text(named.get(1)?.[0]), 'A')
  const schema = fieldsOf(fieldsOf(named.get(2)?.[0] ?? empty).get(1)?.[0] ?? empty)
  assert.equal(text(schema.get(25)?.[0]), 'object')
  assert.equal(text(schema.get(23)?.[0]), 'b')
  const b = fieldsOf(
    fieldsOf(fieldsOf(fieldsOf(schema.get(31)?.[0] ?? empty).get(1)?.[0] ?? empty).get(2)?.[0] ?? empty).get(1)?.[0] ?? empty,
  )
  assert.equal(text(fieldsOf(b.get(33)?.[0] ?? empty).get(3)?.[0]), 'x')
  const free = fieldsOf(fieldsOf(fieldsOf(schema.get(32)?.[0] ?? empty).get(1)?.[0] ?? empty).get(1)?.[0] ?? empty)
  assert.equal(text(free.get(25)?.[0]), 'string')
  assert.equal(text(fieldsOf(schema.get(36)?.[0] ?? empty).get(1)?.[0]), 'x-kubernetes-group-version-kind')
})
