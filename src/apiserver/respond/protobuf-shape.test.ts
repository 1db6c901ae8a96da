import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInSchema, decodeProtobuf } from '#api'
import { protobufShape } from './protobuf-shape.ts'

test('an event is a length and a WatchEvent around the whole object', () => {
  const schema = builtInSchema('', 'v1', 'ConfigMap')
  const resource = { group: '', version: 'v1', kind: 'ConfigMap', schema }
  const shape = protobufShape({ resource } as unknown as Parameters<typeof protobufShape>[0])
  const data = { x: 'y'.repeat(300) }
  const stored = Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data }))
  const bytes = shape.event('ADDED', undefined as never, stored)
  assert.equal(bytes.readUInt32BE(0), bytes.length - 4)
  assert.equal(bytes.subarray(4, 11).toString(), '\n\x05ADDED')
  const { kind, object } = decodeProtobuf(schema, bytes.subarray(bytes.indexOf('k8s\0')))
  assert.equal(kind, 'ConfigMap')
  assert.deepEqual((object as { readonly data?: unknown }).data, data)
  assert.equal(shape.error({ kind: 'Status', apiVersion: 'v1', code: 410 }).subarray(4, 11).toString(), '\n\x05ERROR')
})
