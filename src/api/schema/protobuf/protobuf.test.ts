import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtobufError } from '#base/pure'
import { propertyRuns } from '#testing/basics'
import { schemaOf } from '../builtin.ts'
import { encodeText } from '../encode.ts'
import { decodeProtobuf, encodeProtobuf, encodeWatchFrame } from './protobuf.ts'
import type { ObjectSchema } from '../schema.ts'

function schemaFor(kind: string, group = ''): ObjectSchema {
  const schema = schemaOf(group, 'v1', kind)
  assert.ok(schema !== undefined)
  return schema
}

function roundTrip(group: string, object: Record<string, unknown> & { kind: string; apiVersion: string }): void {
  const schema = schemaFor(object.kind, group)
  const whole = { keepResourceVersion: true }
  const back = decodeProtobuf(schema, encodeProtobuf(schema, object))
  assert.deepEqual([back.kind, back.apiVersion], [object.kind, object.apiVersion])
  assert.deepEqual(JSON.parse(encodeText(schema, back.object, whole)), JSON.parse(encodeText(schema, object, whole)))
}

test('objects come back as they went', () => {
  roundTrip('', {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: 'p',
      generation: 3,
      labels: { b: '2', a: '1', '': '' },
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': {} } }],
    },
    spec: {
      terminationGracePeriodSeconds: -1,
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'ü',
          resources: { limits: { cpu: '500m', memory: '1Gi' } },
          livenessProbe: { httpGet: { port: 'http', path: '/' } },
          readinessProbe: { tcpSocket: { port: 80 } },
        },
      ],
      volumes: [
        { name: 'v', configMap: { name: 'c', defaultMode: 420 } },
        { name: 'e', emptyDir: { sizeLimit: '1Gi' } },
      ],
      securityContext: { supplementalGroups: [1, 2 ** 40, 3] },
    },
    status: { conditions: [{ type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: '1969-12-31T23:59:59Z' }] },
  })
  roundTrip('', { kind: 'Secret', apiVersion: 'v1', data: { k: 'AAH/' }, type: 'Opaque' })
  roundTrip('coordination.k8s.io', {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    spec: { renewTime: '2026-01-01T00:00:00.000123Z', leaseDurationSeconds: 0 },
  })
  roundTrip('authorization.k8s.io', {
    kind: 'SubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    spec: { extra: { a: ['1', '2'], b: [] } },
  })
  roundTrip('', {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'no',
    details: { causes: [{ message: 'x', field: 'y' }] },
    code: 404,
  })
  roundTrip('', {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '5' },
    items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
  })
})

test('schemas of custom resources come back in each of their forms', () => {
  const schema = {
    items: { type: 'string' },
    additionalProperties: false,
    not: { enum: ['a', 1, null] },
    properties: { x: { additionalProperties: { type: 'integer' } } },
    default: { a: [1] },
  }
  roundTrip('apiextensions.k8s.io', {
    kind: 'CustomResourceDefinition',
    apiVersion: 'apiextensions.k8s.io/v1',
    spec: {
      group: 'g',
      names: { plural: 'p', kind: 'K' },
      scope: 'Cluster',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  })
})

test('the bytes are those of Go', () => {
  const made = encodeProtobuf(schemaFor('Namespace'), { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'a' }, spec: {} } as object)
  // magic; type meta; raw (metadata, spec, status); content encoding; content type
  const metadata = '0a0161 1200 1a00 2200 2a00 3200 3800 4200'
  const expected = `6b387300 0a0f 0a027631 12094e616d657370616365 1219 0a11 ${metadata} 1200 1a02 0a00 1a00 2200`
  assert.equal(Buffer.from(made).toString('hex'), expected.replaceAll(' ', ''))
})

test('what Go holds by value is sent though it was never set, what it points to is not', () => {
  const made = (kind: string, object: object, group = ''): string => {
    const bytes = encodeProtobuf(schemaFor(kind, group), { kind, apiVersion: 'v1', ...object } as never)
    return Buffer.from(bytes).toString('hex')
  }
  const sent = (bytes: string): string => bytes.replaceAll(' ', '')
  // A target port of none is the number 0, a divisor is the quantity 0, a time is a message with nothing in it.
  assert.ok(made('Service', { spec: { ports: [{ port: 1 }] } }).includes(sent('0a00 1200 1801 2206 0800 1000 1a00 2800')))
  const reference = { resourceFieldRef: { resource: 'r' } }
  assert.ok(made('Pod', { spec: { containers: [{ env: [{ valueFrom: reference }] }] } }).includes(sent('0a00 120172 1a03 0a0130')))
  assert.ok(made('Event', { series: {} }).includes(sent('5a04 0800 1200')))
  assert.ok(!made('Event', {}).includes('5a'))
  assert.ok(made('ControllerRevision', {}, 'apps').endsWith(sent('1200 1800 1a00 2200')))
})

test('empty values that Go always sends are absent in the object', () => {
  // A container with name "c", image "" and stdin false, as Go sends it.
  const pod = encodeProtobuf(schemaFor('Pod'), {
    kind: 'Pod',
    apiVersion: 'v1',
    spec: { hostname: '', hostNetwork: false, containers: [{ name: 'c', image: '', stdin: false }] },
  } as object)
  const { object } = decodeProtobuf(schemaFor('Pod'), pod)
  assert.deepEqual((object as { spec?: unknown }).spec, { containers: [{ name: 'c', resources: {} }] })
})

test('what is not protobuf, or ends too early, is refused', () => {
  const bytes = encodeProtobuf(schemaFor('ConfigMap'), { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c' } })
  assert.throws(() => decodeProtobuf(schemaFor('ConfigMap'), new TextEncoder().encode('{}')), ProtobufError)
  for (let end = 5; end < bytes.length - 4; end++) {
    try {
      decodeProtobuf(schemaFor('ConfigMap'), bytes.subarray(0, end))
    } catch (error) {
      assert.ok(error instanceof ProtobufError, String(error))
    }
  }
})

test('JSON inside that is none, and nesting without end, are refused', () => {
  const text = (value: string): Uint8Array => {
    const bytes = Buffer.from(
      encodeProtobuf(schemaFor('ConfigMap'), {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: { managedFields: [{ fieldsV1: { 'f:data': {} } }] },
      } as never),
    )
    const at = bytes.indexOf('{"f:data":{}}')
    bytes.write(value.padEnd(13), at)
    return bytes
  }
  assert.throws(() => decodeProtobuf(schemaFor('ConfigMap'), text('{"f:data":')), ProtobufError)
  const schema = schemaFor('CustomResourceDefinition', 'apiextensions.k8s.io')
  const nested = (depth: number): Record<string, unknown> => (depth === 0 ? { type: 'object' } : { not: nested(depth - 1) })
  const definition = (depth: number): Uint8Array =>
    encodeProtobuf(schema, {
      kind: 'CustomResourceDefinition',
      apiVersion: 'apiextensions.k8s.io/v1',
      spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: nested(depth) } }] },
    } as never)
  assert.ok(decodeProtobuf(schema, definition(500)))
  assert.throws(() => decodeProtobuf(schema, definition(1500)), ProtobufError)
})

test('a watch frame has its length in front', () => {
  const frame = encodeWatchFrame('ADDED', Uint8Array.of(1, 2))
  assert.equal(Buffer.from(frame).toString('hex'), '0000000d' + '0a054144444544' + '1204' + '0a020102')
})

test('a time outside of the years that a text can say is refused', () => {
  const part = (field: number, bytes: readonly number[]): readonly number[] => [field * 8 + 2, bytes.length, ...bytes]
  const word = (field: number, text: string): readonly number[] => part(field, [...Buffer.from(text)])
  const podMadeAt = (seconds: readonly number[]): Uint8Array =>
    Uint8Array.from([
      ...Buffer.from('k8s\0'),
      ...part(1, [...word(1, 'v1'), ...word(2, 'Pod')]),
      ...part(2, part(1, part(8, [8, ...seconds]))),
    ])
  const schema = schemaFor('Pod')
  assert.deepEqual(decodeProtobuf(schema, podMadeAt([1])).object.metadata, { creationTimestamp: '1970-01-01T00:00:01Z' })
  const afterYear9999 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]
  const beforeYear0 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xff, 0x01]
  for (const seconds of [afterYear9999, beforeYear0]) assert.throws(() => decodeProtobuf(schema, podMadeAt(seconds)), ProtobufError)
})

/** Bytes of an object with something of everything, cut, changed and put together anew. */
const damaged = fc
  .record({
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
    cut: fc.option(fc.nat()),
    inserted: fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 12 })),
  })
  .map(({ changes, cut, inserted: [at, more] }) => {
    const whole = encodeProtobuf(schemaFor('Pod'), {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        name: 'p',
        labels: { a: '1' },
        creationTimestamp: '2026-01-01T00:00:00Z',
        managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': {} } }],
      },
      spec: {
        containers: [{ name: 'c', resources: { limits: { cpu: '500m' } }, livenessProbe: { httpGet: { port: 'http', path: '/' } } }],
      },
    } as never)
    const bytes = Buffer.concat([whole.subarray(0, at % whole.length), more, whole.subarray(at % whole.length)])
    // The mark at the front stays: without it nothing is read.
    for (const [place, value] of changes) bytes[4 + (place % (bytes.length - 4))] = value
    return cut === null ? bytes : bytes.subarray(0, cut % bytes.length)
  })

test('whatever bytes are read as protobuf give an object that can be written again, or say what is wrong', () => {
  fc.assert(
    fc.property(damaged, (bytes) => {
      let object: ReturnType<typeof decodeProtobuf>
      try {
        object = decodeProtobuf(schemaFor('Pod'), bytes)
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error))
        return
      }
      encodeText(schemaFor('Pod'), object.object, { keepResourceVersion: true })
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
    propertyRuns(300),
  )
})
