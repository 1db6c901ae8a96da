import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ObjectSchema, type Schema, builtInResources, trackUpdate } from '#api'
import { propertyRuns } from '#testing/basics'
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

const owned = (object: object, of: ObjectSchema = schema): string =>
  JSON.stringify(
    trackUpdate({ schema: of, live: undefined, updated: structuredClone(object), manager: 'm', apiVersion: 'v1', now: 0 })[0]?.fieldsV1,
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
  assert.ok(ownedAt.size >= new Set(OBJECTS.map((object) => owned(object))).size)
})

/** An object of a type, as the numbers want it: few fields, and values that stand for none among the others. */
function sampleOf(of: ObjectSchema, next: () => number, depth: number): object {
  const made: Record<string, unknown> = {}
  const fields = [...of.fields.values()]
  for (let count = next() % 4; count > 0 && fields.length > 0; count--) {
    const field = fields[(next() * 7 + next()) % fields.length]
    if (field !== undefined) made[field.name] = valueOf(field.schema, next, depth - 1)
  }
  return made
}

function valueOf(of: Schema, next: () => number, depth: number): unknown {
  const choice = next()
  switch (of.kind) {
    case 'object':
      return depth <= 0 ? {} : sampleOf(of, next, depth)
    case 'map':
      return choice % 2 === 0 ? {} : { [`k${choice % 3}`]: valueOf(of.values, next, depth - 1) }
    case 'list':
      if (choice % 3 === 0 || depth <= 0) return choice === 0 ? null : []
      return [{ ...Object.fromEntries(of.listKeys.map((key) => [key, next()])), ...asObject(valueOf(of.items, next, depth - 1)) }]
    case 'integer':
    case 'number':
      return choice % 2
    case 'boolean':
      return choice % 2 === 0
    case 'any':
      return choice
    default:
      return choice % 2 === 0 ? '' : 'x'
  }
}
const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {})

test('objects of any kind that have one shape own the same', () => {
  const kinds = builtInResources()
  const tape = fc.array(fc.nat({ max: 11 }), { minLength: 20, maxLength: 60 })
  fc.assert(
    fc.property(fc.nat(), fc.array(tape, { minLength: 2, maxLength: 12 }), (kind, tapes) => {
      const of = kinds[kind % kinds.length]?.schema ?? schema
      const tree = new ShapeTree(100_000)
      const ownedAt = new Map<unknown, string>()
      for (const numbers of tapes) {
        let at = 0
        const object = sampleOf(of, () => numbers[at++ % numbers.length] ?? 0, 4)
        const shape = fieldShape(tree, of, object)
        if (shape === undefined) continue
        const own = owned(object, of)
        assert.equal(ownedAt.get(shape) ?? own, own)
        ownedAt.set(shape, own)
      }
    }),
    propertyRuns(400),
  )
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
