import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '#base'
import { encodeProtobuf, schemaOf } from '#api'
import { readForeignValue } from './etcd.ts'

const read = (value: Uint8Array): string => Buffer.from(readForeignValue('/registry/configmaps/default/a', value)).toString()
const schema = schemaOf('', 'v1', 'ConfigMap')
const configMap = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', labels: { b: 'c' } }, data: { text: '<ü>' } }

test('our own values stay as they are', () => {
  const own = Buffer.from(JSON.stringify(configMap))
  assert.equal(readForeignValue('/registry/configmaps/default/a', own), own)
})

test('protobuf of a built-in kind is read', () => {
  assert.ok(schema)
  assert.equal(read(encodeProtobuf(schema, configMap)), JSON.stringify(configMap))
})

test('JSON that ends in a newline gets kind, apiVersion and metadata first', () => {
  const theirs = Buffer.from(
    `${JSON.stringify({ apiVersion: 'example.com/v1', data: { metadata: {} }, kind: 'Widget', metadata: { name: 'w' } })}\n`,
  )
  assert.equal(read(theirs), '{"kind":"Widget","apiVersion":"example.com/v1","metadata":{"name":"w"},"data":{"metadata":{}}}')
})

test('protobuf of an unknown kind is refused by its name', () => {
  assert.ok(schema)
  const unknown = encodeProtobuf(schema, { ...configMap, kind: 'Surprise' })
  assert.throws(
    () => read(unknown),
    (error: unknown) => error instanceof UserError && /\/registry\/configmaps\/default\/a .* v1 Surprise/.test(error.message),
  )
})
