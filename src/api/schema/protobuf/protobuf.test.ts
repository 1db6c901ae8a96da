import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtobufError } from '#base/pure'
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
  const expected = '6b387300 0a0f 0a027631 12094e616d657370616365 1209 0a03 0a0161 1200 1a00 1a00 2200'.replaceAll(' ', '')
  assert.equal(Buffer.from(made).toString('hex'), expected)
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

test('a watch frame has its length in front', () => {
  const frame = encodeWatchFrame('ADDED', Uint8Array.of(1, 2))
  assert.equal(Buffer.from(frame).toString('hex'), '0000000d' + '0a054144444544' + '1204' + '0a020102')
})
