import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepFreeze } from '../meta/deep.ts'
import type { KubeObject, ManagedFieldsEntry } from '../meta/object.ts'
import { builtInSchema } from '../define.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import { fieldSetOf } from './set/field-set.ts'
import { keepUnchangedTimes } from './keep-times.ts'
import { managedFieldsAfterScale, scaleManagedFields } from './scale-fields.ts'
import { trackUpdate, type UpdateRequest } from './track-update.ts'

const CONFIG_MAP = builtInSchema('', 'v1', 'ConfigMap')
const DEPLOYMENT = builtInSchema('apps', 'v1', 'Deployment')
const STATUS = fieldSetOf(['status'])
const NOT_STATUS = fieldSetOf(['spec'], ['metadata', 'labels'])
const START = Date.parse('2024-01-01T00:00:00Z')

const configMap = (data: Record<string, unknown>, metadata: KubeObject['metadata'] = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', uid: 'u', ...metadata }, data }) as KubeObject

/** The object after a write, with its managedFields. */
function write(live: KubeObject | undefined, updated: KubeObject, manager: string, more: Partial<UpdateRequest> = {}): KubeObject {
  const schema: ObjectSchema = updated.kind === 'Deployment' ? DEPLOYMENT : CONFIG_MAP
  const request = { schema, live, updated, manager, apiVersion: updated.apiVersion ?? '', now: START, ...more }
  const managedFields = trackUpdate(deepFreeze(request))
  const { managedFields: _, ...metadata } = updated.metadata ?? {}
  return { ...updated, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } }
}

const change = (live: KubeObject, data: Record<string, unknown>): KubeObject => ({ ...live, data }) as KubeObject
const owners = (object: KubeObject): [string | undefined, unknown][] =>
  (object.metadata?.managedFields ?? []).map((entry) => [entry.manager, entry.fieldsV1])

test('the creator owns what it set, not what the wire format fills in', () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 1, creationTimestamp: 't', labels: { x: 'y' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'c', image: 'i', resources: {} }], securityContext: {} },
      },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
    },
    status: { replicas: 3 },
  } as KubeObject
  assert.equal(
    JSON.stringify(write(undefined, deployment, 'm', { resetFields: STATUS }).metadata?.managedFields),
    JSON.stringify([
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: '2024-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
              'f:spec': {
                'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} } },
                'f:securityContext': {},
              },
            },
          },
        },
      },
    ]),
  )
})

test('who changes a field takes it, and nobody owns what is gone', () => {
  const created = write(undefined, configMap({ x: '1', y: '1', z: '1' }), 'a')
  const changed = write(created, change(created, { x: '2', y: '1' }), 'b', { now: START + 5000 })
  assert.deepEqual(owners(changed), [
    ['a', { 'f:data': { '.': {}, 'f:y': {} } }],
    ['b', { 'f:data': { 'f:x': {} } }],
  ])
  assert.equal(changed.metadata?.managedFields?.[0]?.time, '2024-01-01T00:00:00Z')
  assert.equal(changed.metadata?.managedFields?.[1]?.time, '2024-01-01T00:00:05Z')
  assert.deepEqual(owners(write(changed, change(changed, { y: '1' }), 'c')), [['a', { 'f:data': { '.': {}, 'f:y': {} } }]])
})

test('a write that changes nothing keeps the entries themselves', () => {
  const created = write(undefined, configMap({ x: '1' }), 'a')
  const again = write(created, structuredClone(created), 'b', { now: START + 9000 })
  assert.equal(again.metadata?.managedFields?.[0], created.metadata?.managedFields?.[0])
  assert.equal(again.metadata?.managedFields?.length, 1)
})

test('the server-written metadata is never owned', () => {
  const created = write(undefined, configMap({}), 'a')
  const touched = { ...created, metadata: { ...created.metadata, resourceVersion: '9', generation: 4, selfLink: 's' } }
  assert.deepEqual(owners(write(created, touched, 'b')), owners(created))
})

test('status and spec are tracked by subresource', () => {
  const deployment = (replicas: number, status: object): KubeObject =>
    ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', uid: 'u' }, spec: { replicas }, status }) as KubeObject
  const created = write(undefined, deployment(1, {}), 'c', { resetFields: STATUS })
  const updated = { ...deployment(2, { replicas: 4 }), metadata: created.metadata }
  const status = write(created, updated, 's', { subresource: 'status', resetFields: NOT_STATUS, now: START + 1000 })
  assert.deepEqual(
    status.metadata?.managedFields?.map(({ manager, subresource, fieldsV1 }) => [manager, subresource, fieldsV1]),
    [
      ['c', undefined, { 'f:spec': { 'f:replicas': {} } }],
      ['s', 'status', { 'f:status': { 'f:replicas': {} } }],
    ],
  )
})

test('managedFields that a client sends', () => {
  const created = write(undefined, configMap({ a: '1' }), 'm')
  const send = (managedFields: unknown, more: Partial<UpdateRequest> = {}): KubeObject =>
    write(created, { ...created, metadata: { ...created.metadata, managedFields: managedFields as ManagedFieldsEntry[] } }, 'u', more)
  const own = {
    manager: 'x',
    operation: 'Apply',
    apiVersion: 'v1',
    time: '2020-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:data': { 'f:a': {} } },
  }
  assert.deepEqual(send([own]).metadata?.managedFields, [own], 'valid ones are taken')
  assert.deepEqual(owners(send([])), [], 'an empty list forgets everything')
  assert.deepEqual(owners(send([{}])), [], 'so does one empty entry')
  for (const bad of [{ operation: 'Nope' }, { fieldsType: 'Nope' }, { fieldsV1: { bad: {} } }, { apiVersion: '' }]) {
    assert.deepEqual(owners(send([{ ...own, ...bad }])), owners(created), JSON.stringify(bad))
  }
  assert.deepEqual(owners(send(undefined)), owners(created), 'leaving them out changes nothing')
  assert.deepEqual(owners(send([], { subresource: 'status' })), owners(created), 'a subresource does not change them')
})

test('without managedFields updates are not tracked', () => {
  assert.deepEqual(owners(write(configMap({ a: '1' }), configMap({ a: '2' }), 'u')), [])
})

test('the oldest of more than ten updaters are joined', () => {
  let object = write(undefined, configMap({ k0: '' }), 'm-00')
  for (let at = 1; at <= 12; at++) {
    const data = (object as { data?: Record<string, unknown> }).data
    object = write(object, change(object, { ...data, [`k${at}`]: '' }), `m-${String(at).padStart(2, '0')}`, { now: START + at * 1000 })
  }
  const [oldest, ...others] = object.metadata?.managedFields ?? []
  assert.equal(oldest?.manager, 'ancient-changes')
  assert.equal(oldest.time, '2024-01-01T00:00:03Z')
  assert.deepEqual(oldest.fieldsV1, { 'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} } })
  assert.deepEqual(
    others.map(({ manager }) => manager),
    ['m-04', 'm-05', 'm-06', 'm-07', 'm-08', 'm-09', 'm-10', 'm-11', 'm-12'],
  )
})

test('items that are there twice are owned as one', () => {
  const deployment = (env: object[]): KubeObject =>
    ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', uid: 'u' },
      spec: { template: { spec: { containers: [{ name: 'c', env }] } } },
    }) as KubeObject
  const container = 'k:{"name":"c"}'
  const envOf = (object: KubeObject): unknown => {
    let node = object.metadata?.managedFields?.[0]?.fieldsV1 as Record<string, unknown>
    for (const element of ['f:spec', 'f:template', 'f:spec', 'f:containers', container, 'f:env'])
      node = node[element] as Record<string, unknown>
    return node
  }
  const value1 = { name: 'A', value: '1' }
  const two = write(undefined, deployment([value1, { name: 'A', value: '2' }]), 'm')
  assert.deepEqual(envOf(two), { '.': {}, 'k:{"name":"A"}': {} })
  const one = write(two, { ...deployment([value1]), metadata: two.metadata }, 'm')
  assert.deepEqual(envOf(one), { '.': {}, 'k:{"name":"A"}': { '.': {}, 'f:name': {}, 'f:value': {} } })
})

test('times stay as they were when nothing else changed', () => {
  const old = write(undefined, configMap({ a: '1' }), 'm')
  const later = structuredClone(old)
  for (const entry of later.metadata?.managedFields ?? []) entry.time = '2030-01-01T00:00:00Z'
  assert.deepEqual(keepUnchangedTimes(later, old), old)
  const changed = change(later, { a: '2' })
  assert.equal(keepUnchangedTimes(changed, old), changed)
})

test('the owners of replicas move between an object and its Scale', () => {
  const paths = { 'apps/v1': ['spec', 'replicas'] }
  const entries: ManagedFieldsEntry[] = [
    {
      manager: 'm',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: '2024-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } },
    },
  ]
  const scale = scaleManagedFields(entries, paths)
  assert.deepEqual(
    scale.map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, fieldsV1]),
    [['m', 'autoscaling/v1', { 'f:spec': { 'f:replicas': {} } }]],
  )
  const taken = [
    {
      manager: 'h',
      operation: 'Update',
      apiVersion: 'autoscaling/v1',
      time: '2024-01-02T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      subresource: 'scale',
    },
  ]
  assert.deepEqual(managedFieldsAfterScale(entries, taken, paths, 'apps/v1'), [
    { ...entries[0], fieldsV1: { 'f:spec': { 'f:paused': {} } } },
    {
      manager: 'h',
      operation: 'Update',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      subresource: 'scale',
    },
  ])
  assert.deepEqual(managedFieldsAfterScale(entries, scale, paths, 'apps/v1'), entries)
})

test('an updater of replicas is a second one in the version of a Scale', () => {
  const paths = { 'apps/v1': ['spec', 'replicas'] }
  const entries: ManagedFieldsEntry[] = [
    {
      manager: 'm',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: '2024-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } },
    },
  ]
  const scale = scaleManagedFields(entries, paths)
  assert.deepEqual(managedFieldsAfterScale(entries, scale, paths, 'apps/v1'), [
    { manager: 'm', operation: 'Update', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    { ...entries[0], fieldsV1: { 'f:spec': { 'f:paused': {} } } },
  ])
})

test('who adds an empty struct owns the fields of it that are written though they were never set', () => {
  const event = (more: object): KubeObject => ({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, ...more }) as KubeObject
  const owned = (updated: KubeObject): unknown =>
    trackUpdate({
      schema: builtInSchema('', 'v1', 'Event'),
      live: undefined,
      updated,
      manager: 'm',
      apiVersion: 'v1',
      now: START,
    })[0]?.fieldsV1
  const series = { '.': {}, 'f:lastObservedTime': {} }
  assert.deepEqual(owned(event({ series: {} })), { 'f:series': series })
  assert.deepEqual(owned(event({ series: { count: 2 } })), { 'f:series': { ...series, 'f:count': {} } })
})
