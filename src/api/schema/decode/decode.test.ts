import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJson } from '#base/pure'
import { schemaOf } from '../builtin.ts'
import { DecodeError, decodeObject } from './decode.ts'
import type { Field, ObjectSchema, Schema } from '../schema.ts'

function schemaFor(kind: string, group = '', version = 'v1'): ObjectSchema {
  const schema = schemaOf(group, version, kind)
  assert.ok(schema !== undefined)
  return schema
}

function decode(kind: string, value: unknown, group = ''): ReturnType<typeof decodeObject> {
  return decodeObject(schemaFor(kind, group), structuredClone(value))
}

const pod = (spec: unknown): unknown => ({ metadata: { name: 'p' }, spec })

test('fields that are not known are dropped and named in the order of the document', () => {
  const { object, unknown } = decode('Pod', {
    metadata: { name: 'p', nope2: true },
    spec: { containers: [{ name: 'c', imag: 'x', ports: [{ containerPort: 80, prot: 'x' }] }], nope: [] },
    more: 1,
  })
  assert.deepEqual(unknown, ['metadata.nope2', 'spec.containers[0].imag', 'spec.containers[0].ports[0].prot', 'spec.nope', 'more'])
  assert.deepEqual(object, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] } })
})

test('a wrong JSON type names the Go field without places and keys', () => {
  const cases: readonly (readonly [kind: string, group: string, value: unknown, message: string])[] = [
    [
      'Deployment',
      'apps',
      { spec: { replicas: '2' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    ['ConfigMap', '', { data: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    ['ConfigMap', '', { data: ['x'] }, 'json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string'],
    [
      'ConfigMap',
      '',
      { metadata: { labels: { a: true } } },
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      'Pod',
      '',
      pod({ containers: [5] }),
      'json: cannot unmarshal number into Go struct field PodSpec.spec.containers of type v1.Container',
    ],
    [
      'Pod',
      '',
      pod({ containers: {} }),
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    ['Pod', '', pod({ dnsPolicy: 1 }), 'json: cannot unmarshal number into Go struct field PodSpec.spec.dnsPolicy of type v1.DNSPolicy'],
    [
      'Pod',
      '',
      pod({ volumes: [{ configMap: { optional: 'x' } }] }),
      'json: cannot unmarshal string into Go struct field ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.optional of type bool',
    ],
    [
      'Service',
      '',
      { spec: { ports: [{ port: 80, targetPort: true }] } },
      'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    ['Secret', '', { data: { a: 1 } }, 'json: cannot unmarshal number into Go struct field Secret.data of type []uint8'],
  ]
  for (const [kind, group, value, message] of cases)
    assert.throws(
      () => decode(kind, value, group),
      (error) => error instanceof DecodeError && error.message === message,
      message,
    )
})

test('the first wrong type is told, unless a value that reads itself is wrong too', () => {
  assert.throws(() => decode('Pod', pod({ hostname: 1, nodeName: 2 })), /PodSpec\.spec\.hostname/)
  assert.throws(() => decode('Pod', pod({ hostname: 1, overhead: { cpu: 'lots' } })), /quantities must match the regular expression/)
})

test('whole numbers are numbers that are written as such and fit', () => {
  const schema = schemaFor('Deployment', 'apps')
  const read = (number: string): unknown => {
    const { value, literals } = readJson(new TextEncoder().encode(`{"spec":{"replicas":${number}}}`))
    return decodeObject(schema, value, literals).object
  }
  assert.deepEqual(read('3'), { spec: { replicas: 3 } })
  assert.deepEqual(read('-2147483648'), { spec: { replicas: -2147483648 } })
  for (const number of ['3.0', '1e1', '1.5', '2147483648', '12345678901234567890']) {
    assert.throws(
      () => read(number),
      new RegExp(
        `cannot unmarshal number ${number.replace('.', '\\.')} into Go struct field DeploymentSpec\\.spec\\.replicas of type int32`,
      ),
    )
  }
})

test('a number of 64 bits that JavaScript cannot hold is refused and not rounded', () => {
  const read = (number: string): unknown => {
    const { value, literals } = readJson(new TextEncoder().encode(`{"metadata":{"generation":${number}}}`))
    return decodeObject(schemaFor('ConfigMap'), value, literals).object
  }
  assert.deepEqual(read('9007199254740991'), { metadata: { generation: 9007199254740991 } })
  assert.throws(() => read('9007199254740993'), /number 9007199254740993 is beyond 2\^53/)
})

test('null is absence in a field and emptiness in a list or map', () => {
  const { object } = decode('Pod', {
    metadata: { name: null, labels: { a: null } },
    spec: { containers: [null, { name: 'c', args: [null, 'x'] }], hostNetwork: null },
  })
  assert.deepEqual(object, { metadata: { labels: { a: '' } }, spec: { containers: [{}, { name: 'c', args: ['', 'x'] }] } })
})

test('quantities, times and bytes are brought to their one form', () => {
  const { object } = decode('Pod', {
    metadata: { creationTimestamp: '2026-01-02T03:04:05.678+02:00' },
    spec: { overhead: { cpu: '1000m', memory: '1024Ki', x: 2000 } },
  })
  assert.deepEqual(object, {
    metadata: { creationTimestamp: '2026-01-02T01:04:05Z' },
    spec: { overhead: { cpu: '1', memory: '1Mi', x: '2k' } },
  })
  assert.deepEqual(decode('Secret', { data: { a: 'YQ\n==', b: 'YR==' } }).object, { data: { a: 'YQ==', b: 'YQ==' } })
  assert.throws(() => decode('Secret', { data: { a: 'a?==' } }), /^DecodeError: illegal base64 data at input byte 1$/)
})

test('times are refused in the words of Go', () => {
  const lease = (renewTime: unknown): unknown => ({ spec: { renewTime } })
  assert.deepEqual(decode('Lease', lease('2026-01-02T03:04:05.000600+01:00'), 'coordination.k8s.io').object, {
    spec: { renewTime: '2026-01-02T02:04:05.000600Z' },
  })
  const cases: readonly (readonly [time: unknown, message: string])[] = [
    ['2020-01-01T00:00:00Z', 'parsing time "2020-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'],
    ['tomorrow', 'parsing time "tomorrow" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "tomorrow" as "2006"'],
    ['2020-13-01T00:00:00.000000Z', 'parsing time "2020-13-01T00:00:00.000000Z": month out of range'],
    ['2021-02-29T00:00:00.000000Z', 'parsing time "2021-02-29T00:00:00.000000Z": day out of range'],
    ['2021-02-28T00:00:00.000000Zx', 'parsing time "2021-02-28T00:00:00.000000Zx": extra text: "x"'],
    [5, 'json: cannot unmarshal number into Go struct field LeaseSpec.spec.renewTime of type string'],
  ]
  for (const [time, message] of cases)
    assert.throws(
      () => decode('Lease', lease(time), 'coordination.k8s.io'),
      (error) => error instanceof DecodeError && error.message === message,
      message,
    )
})

test('__proto__ is a key of a map and no field of a struct', () => {
  const value: unknown = JSON.parse('{"__proto__":{"x":1},"data":{"__proto__":"v"}}')
  const { object, unknown } = decodeObject(schemaFor('ConfigMap'), value)
  assert.deepEqual(unknown, ['__proto__'])
  assert.equal(Object.getOwnPropertyDescriptor((object as { data: object }).data, '__proto__')?.value, 'v')
  assert.equal(({} as { x?: unknown }).x, undefined)
})

test('schemas inside of a CustomResourceDefinition drop what they do not know without a word', () => {
  const version = {
    name: 'v1',
    schema: { openAPIV3Schema: { type: 'object', nope: 1, properties: { a: { items: { type: 'string', nope: 1 } } } } },
  }
  const { unknown, object } = decode('CustomResourceDefinition', { spec: { versions: [version] } }, 'apiextensions.k8s.io')
  assert.deepEqual(unknown, ['spec.versions[0].schema.openAPIV3Schema.nope'])
  assert.equal(JSON.stringify(object).includes('nope'), false)
})

const custom = (name: string, schema: Schema): [string, Field] => [name, { name, schema, required: false }]
const object = (...fields: [string, Field][]): ObjectSchema => ({ kind: 'object', fields: new Map(fields) })

test('custom resources are pruned, metadata first, and nothing else is refused', () => {
  const metadata = schemaFor('Pod').fields.get('metadata')?.schema
  assert.ok(metadata !== undefined)
  const widget = object(
    custom('apiVersion', { kind: 'string' }),
    custom('kind', { kind: 'string' }),
    custom('metadata', metadata),
    custom(
      'spec',
      object(
        custom('a', { kind: 'integer' }),
        custom('free', { ...object(), keepUnknown: true }),
        custom('m', { kind: 'map', values: object(custom('d', { kind: 'string' })) }),
      ),
    ),
  )
  const value = {
    spec: { zz: 1, m: { k: { y: 1, d: 's' } }, a: 'no number', free: { x: [1] } },
    metadata: { name: 'w', bogus: 1 },
    extra: 1,
  }
  const { unknown, object: pruned } = decodeObject(widget, value)
  assert.deepEqual(unknown, ['metadata.bogus', 'extra', 'spec.m.k.y', 'spec.zz'])
  assert.deepEqual(pruned, { spec: { m: { k: { d: 's' } }, a: 'no number', free: { x: [1] } }, metadata: { name: 'w' } })
  assert.throws(
    () => decodeObject(widget, { metadata: { name: true } }),
    /^DecodeError: json: cannot unmarshal bool into Go struct field ObjectMeta\.name of type string$/,
  )
})

test('in a custom resource nothing is known below a value of another type than its schema has', () => {
  const metadata = schemaFor('Pod').fields.get('metadata')?.schema
  assert.ok(metadata !== undefined)
  const widget = object(
    custom('metadata', metadata),
    custom('text', { kind: 'string' }),
    custom('list', { kind: 'list', items: { kind: 'string' }, listType: 'atomic', listKeys: [] }),
    custom('spec', object()),
    custom('free', { ...object(), keepUnknown: true }),
  )
  const { unknown, object: pruned } = decodeObject(widget, {
    text: [{ a: 1 }],
    list: { b: 1 },
    spec: [{ c: 1 }],
    free: [{ d: 1 }],
  })
  assert.deepEqual(unknown, ['list.b', 'spec[0].c', 'text[0].a'])
  assert.deepEqual(pruned, { text: [{}], list: {}, spec: [{}], free: [{ d: 1 }] })
  assert.throws(
    () => decodeObject(widget, { metadata: [] }),
    /^DecodeError: json: cannot unmarshal array into Go value of type v1\.ObjectMeta$/,
  )
})

test('a whole object inside of a custom resource says what it is in texts, and has metadata', () => {
  const metadata = schemaFor('Pod').fields.get('metadata')?.schema
  assert.ok(metadata !== undefined)
  const text: Schema = { kind: 'string' }
  const whole: ObjectSchema = {
    ...object(custom('apiVersion', text), custom('kind', text), custom('metadata', metadata)),
    embeddedResource: true,
  }
  const widget = object(custom('spec', object(custom('em', whole))))
  const read = (em: object): unknown => decodeObject<{ spec: { em: unknown } }>(widget, { spec: { em } }).object.spec.em
  assert.deepEqual(read({ apiVersion: 'v1', kind: 'X', metadata: null }), { apiVersion: 'v1', kind: 'X', metadata: {} })
  assert.throws(() => read({ kind: null }), /^DecodeError: spec\.em\.kind: Invalid value: null: must be a string$/)
  assert.throws(
    () => read({ metadata: 5 }),
    /^DecodeError: spec\.em\.metadata: Invalid value: 5: json: cannot unmarshal number into Go value of type v1\.ObjectMeta$/,
  )
})

test('what a server has put together is read as Go converts it: numbers are cut off, and places are not told', () => {
  const read = (spec: object): object => decodeObject(schemaFor('Pod'), { spec }, undefined, undefined, true).object
  assert.deepEqual(read({ activeDeadlineSeconds: 7, priority: 2147483648 }), { spec: { activeDeadlineSeconds: 7, priority: -2147483648 } })
  const probe = (port: unknown): object => ({ containers: [{ livenessProbe: { tcpSocket: { port } } }] })
  assert.throws(() => read(probe(true)), /^DecodeError: json: cannot unmarshal bool into Go value of type int32$/)
  assert.throws(() => read(probe(2147483648)), /^DecodeError: json: cannot unmarshal number 2147483648 into Go value of type int32$/)
})

test('what an object inside of another says of itself is reached through its TypeMeta', () => {
  assert.throws(
    () => decode('StatefulSet', { spec: { volumeClaimTemplates: [{ kind: [] }] } }, 'apps'),
    /Go struct field PersistentVolumeClaim\.spec\.volumeClaimTemplates\.TypeMeta\.kind of type string$/,
  )
})
