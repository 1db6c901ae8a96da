import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaOf } from './builtin.ts'
import { applySchemaDefaults } from './defaults.ts'
import { share } from '../meta/shared-parts.ts'
import { encodeObject, encodeText, storedForm } from './encode.ts'
import { withResourceVersion } from './resource-version.ts'
import type { Field, ObjectSchema, Schema } from './schema.ts'

function schemaFor(kind: string, group = '', version = 'v1'): ObjectSchema {
  const schema = schemaOf(group, version, kind)
  assert.ok(schema !== undefined)
  return schema
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('stored bytes begin with what the object is and have no resourceVersion', () => {
  const { bytes } = encodeObject(schemaFor('ConfigMap'), {
    data: { b: '2', a: '1' },
    metadata: { resourceVersion: '7', name: 'c' },
    apiVersion: 'v1',
    kind: 'ConfigMap',
  })
  assert.equal(text(bytes), '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c"},"data":{"a":"1","b":"2"}}')
  assert.equal(
    text(withResourceVersion(bytes, 12)),
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"12","name":"c"},"data":{"a":"1","b":"2"}}',
  )
})

test('a version goes into empty metadata too', () => {
  const { bytes } = encodeObject(schemaFor('ConfigMap'), { kind: 'ConfigMap', apiVersion: 'v1' })
  assert.equal(text(bytes), '{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}')
  assert.equal(text(withResourceVersion(bytes, 1)), '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"1"}}')
  assert.throws(() => withResourceVersion(new TextEncoder().encode('{}'), 1), RangeError)
})

test('what Go always writes is there, what it never writes is not', () => {
  const pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { labels: {}, finalizers: [] },
    spec: { hostNetwork: false, nodeName: '', automountServiceAccountToken: false, containers: [{ name: 'c', stdin: false }] },
  }
  assert.deepEqual(JSON.parse(encodeText(schemaFor('Pod'), pod)), {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {},
    spec: { automountServiceAccountToken: false, containers: [{ name: 'c', resources: {} }] },
    status: {},
  })
  assert.equal(
    encodeText(schemaFor('Role', 'rbac.authorization.k8s.io'), { kind: 'Role', rules: [] }),
    '{"kind":"Role","metadata":{},"rules":null}',
  )
  assert.equal(encodeText(schemaFor('PodList'), { kind: 'PodList', items: [] }), '{"kind":"PodList","metadata":{},"items":[]}')
  const env = {
    kind: 'Pod',
    spec: { containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }] }] },
  }
  assert.match(encodeText(schemaFor('Pod'), env), /"resourceFieldRef":\{"resource":"limits.cpu","divisor":"0"\}/)
})

test('the order of fields and keys does not show in the bytes', () => {
  const one = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'p', labels: { a: '1', b: '2' } },
    spec: { containers: [{ name: 'c', image: 'i' }], nodeName: 'n' },
  }
  const other = {
    spec: { nodeName: 'n', containers: [{ image: 'i', name: 'c' }] },
    metadata: { labels: { b: '2', a: '1' }, name: 'p' },
    apiVersion: 'v1',
    kind: 'Pod',
  }
  assert.equal(encodeText(schemaFor('Pod'), one), encodeText(schemaFor('Pod'), other))
})

test('the object is not changed', () => {
  const pod = Object.freeze({
    kind: 'Pod',
    metadata: Object.freeze({ name: 'p', resourceVersion: '1' }),
    spec: Object.freeze({ containers: Object.freeze([Object.freeze({ name: 'c' })]) }),
  })
  encodeText(schemaFor('Pod'), pod)
  assert.match(encodeText(schemaFor('Pod'), pod, { keepResourceVersion: true }), /"resourceVersion":"1"/)
})

test('keys called __proto__ survive', () => {
  const object: object = JSON.parse('{"kind":"ConfigMap","data":{"b":"1","__proto__":"x"}}') as object
  assert.match(encodeText(schemaFor('ConfigMap'), object), /"data":\{"__proto__":"x","b":"1"\}/)
})

const custom = (name: string, schema: Schema, preset?: unknown): [string, Field] => [
  name,
  { name, schema, required: false, ...(preset === undefined ? {} : { default: preset }) },
]
const object = (...fields: [string, Field][]): ObjectSchema => ({ kind: 'object', fields: new Map(fields) })
const metadata = (): Schema => schemaFor('Pod').fields.get('metadata')?.schema ?? { kind: 'any' }
const widget = (...spec: [string, Field][]): ObjectSchema =>
  object(
    custom('spec', object(...spec)),
    custom('metadata', metadata()),
    custom('kind', { kind: 'string' }),
    custom('apiVersion', { kind: 'string' }),
  )

test('custom resources keep empty values and nulls, sorted', () => {
  const schema = widget(
    custom('z', { kind: 'list', items: { kind: 'integer' }, listType: 'atomic', listKeys: [] }),
    custom('a', { kind: 'string', nullable: true }),
    custom('f', { ...object(), keepUnknown: true }),
  )
  const value = {
    spec: { z: [], f: { y: 1, x: { d: null, c: 0 } }, a: null, pruned: 1 },
    metadata: { name: 'w' },
    kind: 'Widget',
    apiVersion: 'example.com/v1',
  }
  assert.equal(
    encodeText(schema, value),
    '{"kind":"Widget","apiVersion":"example.com/v1","metadata":{"name":"w"},"spec":{"a":null,"f":{"x":{"c":0,"d":null},"y":1},"z":[]}}',
  )
})

test('defaults fill structs, required fields and what the schema says, once', () => {
  const service: { spec?: { ports?: unknown[] } } = { spec: { ports: [{ port: 80 }] } }
  applySchemaDefaults(schemaFor('Service'), service)
  assert.deepEqual(service, { metadata: {}, spec: { ports: [{ port: 80, protocol: 'TCP' }] }, status: { loadBalancer: {} } })
  const before = structuredClone(service)
  applySchemaDefaults(schemaFor('Service'), service)
  assert.deepEqual(service, before)
})

test('defaults of custom resources are copied, and stand for null unless null is allowed', () => {
  const preset = { deep: ['x'] }
  const schema = widget(
    custom('p', object(custom('deep', { kind: 'any' })), preset),
    custom('n', { kind: 'string', nullable: true }, 'd'),
    custom('s', { kind: 'string' }, 'd'),
  )
  const draft = { spec: { n: null, s: null } as Record<string, unknown> }
  applySchemaDefaults(schema, draft)
  assert.deepEqual(draft.spec, { p: { deep: ['x'] }, n: null, s: 'd' })
  assert.notEqual(draft.spec['p'], preset)
})

test('the text around shared parts is the text without them', () => {
  const schema = schemaFor('Pod')
  const spec = (): object => ({ volumes: [], nodeName: 'é"\\', containers: [{ image: 'i', name: 'c', env: [] }], bogus: 1 })
  const fields = (): Record<string, unknown> => ({ 'f:spec': { 'k:{"a":"b"}': {} } })
  const pod = (sharedSpec: object, ...sets: object[]): object => ({
    kind: 'Pod',
    apiVersion: 'v1',
    status: { phase: 'Running' },
    spec: sharedSpec,
    metadata: {
      managedFields: sets.map((fieldsV1, at) => ({ subresource: 'status', fieldsV1, manager: `m"${at}`, fieldsType: 'FieldsV1' })),
      ...(sets.length === 1 ? {} : { name: 'x', labels: { b: '', a: '' } }),
    },
  })
  for (const sets of [[], [fields()], [fields(), fields()]]) {
    const plain = encodeText(schema, pod(spec(), ...sets))
    for (let round = 0; round < 2; round++) {
      const form = storedForm(schema, pod(share(spec()), ...sets.map((set, at) => (at === 0 ? share(set) : set))))
      assert.equal(form.text, plain)
      assert.deepEqual(form.value, JSON.parse(plain))
      assert.equal(storedForm(schema, form.value).text, plain)
    }
  }
})
