import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInResources, trackUpdate } from '#api'
import { fieldShape } from './field-shape.ts'
import { ShapeTree } from './shape-tree.ts'

const pods = builtInResources().find(({ plural }) => plural === 'pods')
assert.ok(pods !== undefined)
const { schema } = pods

const container = { name: 'c', image: 'i', ports: [{ containerPort: 80, protocol: 'TCP' }], env: [{ name: 'A', value: '1' }] }
const pod = (spec: object, metadata: object = {}): object => ({
  metadata: { name: 'x', ...metadata },
  spec: { containers: [container], ...spec },
})

/** Objects that differ in something that may make a difference to who owns what. */
const OBJECTS: readonly object[] = [
  pod({}),
  pod({}, { labels: { a: 'b' } }),
  pod({}, { labels: { a: 'b', c: 'd' } }),
  pod({}, { labels: { a: 'b', containers: 'd' } }),
  pod({}, { labels: {} }),
  pod({}, { annotations: { a: 'b' } }),
  pod({}, { finalizers: ['a/b'] }),
  pod({}, { finalizers: ['a/c'] }),
  pod({}, { finalizers: ['a/b', 'a/c'] }),
  pod({ containers: [] }),
  pod({ containers: [{ ...container, name: 'd' }] }),
  pod({ containers: [container, { ...container, name: 'd' }] }),
  pod({ containers: [{ ...container, ports: [{ containerPort: 81, protocol: 'TCP' }] }] }),
  pod({ containers: [{ ...container, ports: [{ containerPort: 80, protocol: 'UDP' }] }] }),
  pod({ containers: [{ ...container, ports: [{ containerPort: 80 }] }] }),
  pod({ containers: [{ ...container, env: [{ name: 'A', value: '1' }, { name: 'B' }] }] }),
  pod({ containers: [{ ...container, resources: { limits: { cpu: '1' } } }] }),
  pod({ containers: [{ ...container, resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }] }),
  pod({ nodeSelector: { a: 'b' } }),
  pod({ nodeSelector: {} }),
  pod({ tolerations: [{ key: 'a' }] }),
  pod({ tolerations: [] }),
  pod({ volumes: [{ name: 'v', emptyDir: {} }] }),
  pod({ volumes: [{ name: 'v', emptyDir: null }] }),
  pod({ volumes: [{ name: 'v' }] }),
  pod({ hostname: 'h' }),
]

const owned = (object: object): string =>
  JSON.stringify(
    trackUpdate({ schema, live: undefined, updated: structuredClone(object), manager: 'm', apiVersion: 'v1', now: 0 })[0]?.fieldsV1,
  )

test('objects of one shape own the same fields, whatever their values', () => {
  const tree = new ShapeTree(100_000)
  const ownedAt = new Map<unknown, string>()
  for (const object of OBJECTS) {
    const shape = fieldShape(tree, schema, object)
    assert.ok(shape !== undefined)
    const before = ownedAt.get(shape)
    if (before !== undefined) assert.equal(owned(object), before)
    ownedAt.set(shape, owned(object))
  }
  // Among those that own something else, none share a shape.
  assert.ok(ownedAt.size >= new Set(OBJECTS.map(owned)).size)
})

test('a copy with other values has the same shape, an object with free-form parts has none', () => {
  const tree = new ShapeTree(100_000)
  const shape = fieldShape(tree, schema, pod({ hostname: 'h' }, { labels: { a: 'b' } }))
  assert.equal(fieldShape(tree, schema, pod({ hostname: 'other' }, { labels: { a: 'c' }, name: 'y' })), shape)
  const definitions = builtInResources().find(({ plural }) => plural === 'controllerrevisions')
  assert.ok(definitions !== undefined)
  assert.equal(fieldShape(tree, definitions.schema, { metadata: { name: 'x' }, data: { any: 'thing' } }), undefined)
})

test('the tree forgets when it has grown too large, and finds shapes anew', () => {
  const tree = new ShapeTree(50)
  const first = fieldShape(tree, schema, pod({}, { labels: { a: 'b' } }))
  assert.ok(first !== undefined)
  first.fields = {}
  for (let at = 0; at < 20; at++) fieldShape(tree, schema, pod({}, { labels: { [`l${at}`]: 'b' } }))
  const again = fieldShape(tree, schema, pod({}, { labels: { a: 'b' } }))
  assert.notEqual(again, first)
  assert.equal(again?.fields, undefined)
})
