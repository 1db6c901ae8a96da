import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Negotiator, WITHOUT_PROTOBUF, acceptClauses, routerTakes } from './media.ts'

const order = (header: string): string[] => acceptClauses(header).map(({ type }) => type)

test('clauses come by their weight, and names before the patterns that they follow', () => {
  assert.deepEqual(order('application/json;q=0.5, application/yaml'), ['application/yaml', 'application/json'])
  assert.deepEqual(order('*/*, application/yaml;q=0.1'), ['application/yaml', '*/*'])
  assert.deepEqual(order('application/*;q=1, application/json;q=x'), ['application/json', 'application/*'])
  assert.deepEqual(order('application/json;q=, a/b/c, garbage, *'), ['application/json', '*/*'])
})

test('types and parameters are read in their own letters', () => {
  const [clause] = acceptClauses('Application/JSON; as=Table ;g = meta.k8s.io;x;y=1=2')
  assert.equal(clause?.type, 'Application/JSON')
  assert.deepEqual(
    [...(clause?.params ?? [])],
    [
      ['as', 'Table'],
      ['g', 'meta.k8s.io'],
    ],
  )
  assert.equal(routerTakes('APPLICATION/JSON', ['application/json']), false)
  assert.equal(routerTakes('garbage, application/json;as=Nothing', ['application/json']), true)
})

test('a clause that asks for what there is not does not count', () => {
  const accept = (header: string, plain?: typeof WITHOUT_PROTOBUF): string => {
    try {
      const { encoding, form } = new Negotiator().accept(header, false, false, plain)
      return `${encoding} ${form}`
    } catch {
      return 'refused'
    }
  }
  assert.equal(accept('application/json;g=apps;v=v1, application/yaml'), 'yaml object')
  assert.equal(accept('application/json;stream=chat, application/yaml'), 'yaml object')
  assert.equal(accept('application/json;stream=watch'), 'json object')
  assert.equal(accept('application/vnd.kubernetes.protobuf', WITHOUT_PROTOBUF), 'refused')
  const table = 'application/json;as=Table;g=meta.k8s.io;v=v1'
  assert.equal(accept(`application/vnd.kubernetes.protobuf, ${table}`, WITHOUT_PROTOBUF), 'json Table')
  const metadata = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
  assert.equal(accept(metadata, WITHOUT_PROTOBUF), 'protobuf PartialObjectMetadata')
})
