import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { builtInSchema } from '../define.ts'
import { deepEqual, deepFreeze } from '../meta/deep.ts'
import type { KubeObject } from '../meta/object.ts'
import { StatusError } from '../meta/status.ts'
import type { Field, ObjectSchema, Schema } from '../schema/schema.ts'
import { type ApplyRequest, serverSideApply } from './server-side-apply.ts'
import { trackUpdate } from './track-update.ts'

const TEXT: Schema = { kind: 'string' }
const struct = (fields: Record<string, Schema | Field>): ObjectSchema => ({
  kind: 'object',
  fields: new Map(
    Object.entries(fields).map(([name, field]) => [name, 'schema' in field ? field : { name, schema: field, required: false }]),
  ),
})
const META = builtInSchema('', 'v1', 'ConfigMap').fields.get('metadata')?.schema ?? TEXT
const ITEM = struct({ k1: TEXT, k2: { name: 'k2', schema: { kind: 'integer' }, required: false, default: 1 }, v: TEXT })
const FOO = struct({
  apiVersion: TEXT,
  kind: TEXT,
  metadata: META,
  spec: struct({
    set: { kind: 'list', listType: 'set', listKeys: [], items: TEXT },
    map: { kind: 'list', listType: 'map', listKeys: ['k1', 'k2'], items: ITEM },
    atomic: { kind: 'list', listType: 'atomic', listKeys: [], items: TEXT },
    granular: { kind: 'map', values: TEXT },
    whole: { kind: 'map', values: TEXT, atomic: true },
    n: { kind: 'number' },
    free: { ...struct({}), keepUnknown: true },
  }),
  status: struct({ s: TEXT }),
})

interface Foo extends KubeObject {
  spec?: Record<string, unknown>
}
const foo = (spec?: Record<string, unknown>): Foo => ({
  apiVersion: 'e/v1',
  kind: 'Foo',
  metadata: { name: 'f' },
  ...(spec === undefined ? {} : { spec }),
})

function apply(live: Foo | undefined, manager: string, spec: Record<string, unknown> | undefined, more: Partial<ApplyRequest> = {}): Foo {
  const request: ApplyRequest = { schema: FOO, live, applied: foo(spec), manager, apiVersion: 'e/v1', force: false, now: 0, ...more }
  const result: Foo = serverSideApply(deepFreeze(request))
  return { ...result, metadata: { ...result.metadata, uid: 'u' } }
}
const fieldsOwned = (object: Foo): Record<string, unknown> =>
  Object.fromEntries(
    (object.metadata?.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [
      operation === 'Apply' ? manager : `${manager}/${operation}`,
      fieldsV1,
    ]),
  )

function refusal(run: () => unknown): { code: number; message: string | undefined } {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof StatusError)
    return { code: error.status.code, message: error.status.message }
  }
  return assert.fail('not refused')
}

test('lists and maps are joined by what the schema says of them', () => {
  const first = apply(undefined, 'a', {
    set: ['a', 'b'],
    map: [{ k1: 'x', v: '1' }],
    granular: { a: '1' },
    whole: { a: '1' },
    atomic: ['p'],
    free: { deep: { l: [1] } },
  })
  assert.deepEqual(fieldsOwned(first), {
    a: {
      'f:spec': {
        'f:atomic': {},
        'f:free': { 'f:deep': { '.': {}, 'f:l': {} } },
        'f:granular': { 'f:a': {} },
        'f:map': { 'k:{"k1":"x","k2":1}': { '.': {}, 'f:k1': {}, 'f:v': {} } },
        'f:set': { 'v:"a"': {}, 'v:"b"': {} },
        'f:whole': {},
      },
    },
  })
  const second = apply(first, 'b', { set: ['c', 'a'], map: [{ k1: 'x', k2: 2, v: '2' }], granular: { b: '2' }, free: { deep: { m: 1 } } })
  assert.deepEqual(second.spec, {
    set: ['c', 'a', 'b'],
    map: [
      { k1: 'x', v: '1' },
      { k1: 'x', k2: 2, v: '2' },
    ],
    granular: { a: '1', b: '2' },
    whole: { a: '1' },
    atomic: ['p'],
    free: { deep: { l: [1], m: 1 } },
  })
})

test('what is no longer applied goes, unless another manager owns it', () => {
  let object = apply(undefined, 'a', { set: ['a', 'b'], granular: { x: '1', y: '1' }, n: 1 })
  object = apply(object, 'b', { set: ['b'], granular: { y: '1' } })
  object = apply(object, 'a', { n: 1 })
  assert.deepEqual(object.spec, { set: ['b'], granular: { y: '1' }, n: 1 })
  object = apply(object, 'b', undefined)
  assert.deepEqual(object.spec, { n: 1 })
  object = apply(object, 'a', undefined)
  assert.equal(object.spec, undefined)
  assert.equal(object.metadata?.managedFields, undefined)
})

test('what somebody else owns with another value is a conflict', () => {
  const object = apply(undefined, 'a', { atomic: ['a'], map: [{ k1: 'x', v: '1' }], n: 1 })
  assert.deepEqual(
    refusal(() => apply(object, 'b', { atomic: ['b'] })),
    { code: 409, message: 'Apply failed with 1 conflict: conflict with "a": .spec.atomic' },
  )
  assert.deepEqual(
    refusal(() => apply(object, 'b', { map: [{ k1: 'x', v: '2' }] })),
    {
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "a": .spec.map[k1="x",k2=1].v',
    },
  )
  const shared = apply(object, 'c', { n: 1 })
  assert.deepEqual(
    refusal(() => apply(shared, 'b', { n: 2, atomic: ['b'] })),
    {
      code: 409,
      message: 'Apply failed with 3 conflicts: conflicts with "a":\n- .spec.atomic\n- .spec.n\nconflicts with "c":\n- .spec.n',
    },
  )
  assert.deepEqual(fieldsOwned(apply(shared, 'b', { n: 2 }, { force: true })), {
    a: { 'f:spec': { 'f:atomic': {}, 'f:map': { 'k:{"k1":"x","k2":1}': { '.': {}, 'f:k1': {}, 'f:v': {} } } } },
    b: { 'f:spec': { 'f:n': {} } },
  })
})

test('the first apply after updates meets their author, or before-first-apply', () => {
  const live = { ...foo({ n: 1 }), metadata: { name: 'f', uid: 'u' } }
  const managedFields = trackUpdate({ schema: FOO, live: undefined, updated: live, manager: 'u', apiVersion: 'e/v1', now: 0 })
  const tracked: Foo = { ...live, metadata: { ...live.metadata, managedFields } }
  assert.equal(refusal(() => apply(tracked, 'u', { n: 2 })).message, 'Apply failed with 1 conflict: conflict with "u" using e/v1: .spec.n')
  assert.equal(
    refusal(() => apply(live, 'm', { n: 2 })).message,
    'Apply failed with 1 conflict: conflict with "before-first-apply" using e/v1: .spec.n',
  )
  assert.deepEqual(Object.keys(fieldsOwned(apply(live, 'm', { n: 1 }))), ['m', 'before-first-apply/Update'])
  assert.match(
    refusal(() => apply(apply(live, 'h', { n: 1 }, { subresource: 'scale' }), 'm', { n: 3 })).message ?? '',
    /conflicts with "h" with subresource "scale":\n- .spec.n$/m,
  )
})

test('objects that do not fit are refused by name', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ nope: 1 }, '.spec.nope: field not declared in schema'],
    [{ set: 'x' }, '.spec.set: expected list, got &{x}'],
    [{ granular: 'x' }, '.spec.granular: expected map, got &{x}'],
    [{ n: 'x' }, '.spec.n: expected numeric (int or float), got string'],
    [{ set: [1] }, '.spec.set[=1]: expected string, got &value.valueUnstructured{Value:1}'],
    [{ set: ['c', 'c'] }, '.spec.set: duplicate entries for key [="c"]'],
    [{ map: [{ k1: 'z' }, { k1: 'z' }] }, '.spec.map: duplicate entries for key [k1="z",k2=1]'],
    [{ map: [{ k1: 'z', nope: 1 }] }, '.spec.map[k1="z",k2=1].nope: field not declared in schema'],
    [{ map: [null] }, '.spec.map: element 0: associative list with keys may not have a null element'],
    [{ n: 'x', set: 'y' }, 'errors:\n  .spec.n: expected numeric (int or float), got string\n  .spec.set: expected list, got &{y}'],
  ]
  for (const [spec, message] of cases) {
    assert.deepEqual(
      refusal(() => apply(undefined, 'm', spec)),
      { code: 500, message: `failed to create typed patch object (/f; e/v1, Kind=Foo): ${message}` },
    )
  }
  const wrong = (applied: KubeObject): string | undefined => refusal(() => apply(undefined, 'm', {}, { applied, kind: 'Foo' })).message
  assert.equal(wrong({ ...foo(), kind: 'Bar' }), 'invalid object type: e/v1, Kind=Bar')
  assert.equal(wrong({ ...foo(), apiVersion: 'v2' }), 'invalid object type: /v2, Kind=Foo')
  assert.equal(wrong({ ...foo(), metadata: { name: 'f', managedFields: [] } }), 'metadata.managedFields must be nil')
})

test('an apply that changes nothing keeps its time; a new owner of nothing new has none', () => {
  const object = apply(undefined, 'a', { n: 1 }, { now: 1000 })
  const again = apply(object, 'a', { n: 1 }, { now: 9000 })
  assert.ok(deepEqual(again, object))
  const times = apply(object, 'b', { n: 1 }, { now: 9000 }).metadata?.managedFields?.map(({ manager, time }) => [manager, time])
  assert.deepEqual(times, [
    ['b', undefined],
    ['a', '1970-01-01T00:00:01Z'],
  ])
})

test('kubectl may take over what it applied on the client side, and keeps the annotation right', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const live: Foo = {
    ...foo({ n: 1, set: ['<a>'] }),
    metadata: { name: 'f', uid: 'u', annotations: { [annotation]: JSON.stringify(foo({ n: 1 })) } },
  }
  const managedFields = trackUpdate({
    schema: FOO,
    live: undefined,
    updated: live,
    manager: 'kubectl-client-side-apply',
    apiVersion: 'e/v1',
    now: 0,
  })
  const tracked: Foo = { ...live, metadata: { ...live.metadata, managedFields } }
  const applied = apply(tracked, 'kubectl', { n: 2, set: ['<a>'] })
  assert.equal(applied.spec?.['n'], 2)
  assert.equal(
    applied.metadata?.annotations?.[annotation],
    '{"apiVersion":"e/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"n":2,"set":["\\u003ca\\u003e"]}}\n',
  )
  assert.equal(refusal(() => apply(tracked, 'other', { n: 2 })).code, 409)
})

test('managers of other versions are compared in theirs', () => {
  const v2 = struct({ apiVersion: TEXT, kind: TEXT, metadata: META, spec: struct({ number: { kind: 'number' }, other: TEXT }) })
  const versions: ApplyRequest['versions'] = (apiVersion) =>
    apiVersion !== 'e/v2'
      ? undefined
      : {
          schema: v2,
          convert: (object) => ({ ...object, spec: { number: (object as Foo).spec?.['n'] } }) as KubeObject,
          revert: (object) => ({ ...object, spec: { n: (object as Foo).spec?.['number'] } }) as KubeObject,
        }
  const live = apply(undefined, 'a', { n: 1 })
  const entries = [
    ...(live.metadata?.managedFields ?? []),
    { manager: 'b', operation: 'Apply', apiVersion: 'e/v2', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:number': {} } } },
    { manager: 'gone', operation: 'Apply', apiVersion: 'e/v0', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:old': {} } } },
  ]
  const both: Foo = { ...live, metadata: { ...live.metadata, managedFields: entries } }
  assert.match(
    refusal(() => apply(both, 'c', { n: 2 }, { versions })).message ?? '',
    /^Apply failed with 2 conflicts: conflicts with "a":\n- .spec.n\nconflicts with "b":\n- .spec.number$/,
  )
  const left = apply(both, 'a', {}, { versions })
  assert.deepEqual(left.spec, { n: 1 }, 'still owned in the other version')
  assert.deepEqual(Object.keys(fieldsOwned(left)).sort(), ['a', 'b'])
})

/** Not empty: an empty map that is left when its parts go becomes null, and comes back with the next apply of it. */
const specs = fc
  .record(
    {
      set: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
      granular: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { minKeys: 1 }),
      n: fc.constantFrom(1, 2),
      map: fc.uniqueArray(fc.record({ k1: fc.constantFrom('x', 'y', 'z'), v: fc.constantFrom('1', '2') }), {
        minLength: 1,
        selector: ({ k1 }) => k1,
      }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((spec) => Object.keys(spec).length > 0)

test('an apply gives its manager what it asks for, and applying twice is applying once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), specs), { minLength: 1, maxLength: 6 }), (applies) => {
      let object: Foo | undefined
      for (const [manager, spec] of applies) {
        object = apply(object, manager, spec, { force: true })
        for (const [key, value] of Object.entries(spec.granular ?? {}))
          assert.equal((object.spec?.['granular'] as Record<string, unknown> | undefined)?.[key], value)
        const set = object.spec?.['set'] as string[] | undefined
        assert.deepEqual(spec.set?.filter((item) => !set?.includes(item)) ?? [], [])
        assert.equal(new Set(set).size, set?.length ?? 0)
        assert.ok(deepEqual(apply(object, manager, spec), object))
      }
    }),
    propertyRuns(60),
  )
})
