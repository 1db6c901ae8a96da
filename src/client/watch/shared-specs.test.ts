import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rootScope } from '#base'
import { type KubeObject, isShared } from '#api'
import { propertyRuns } from '#testing/basics'
import { SharedSpecs } from './shared-specs.ts'

const ENV = Array.from({ length: 8 }, (_, at) => ({ name: `SETTING_${at}`, value: '"quoted", {"spec":{"status":{' }))
const spec = (nodeName?: string, more: object = {}): object => ({
  ...more,
  containers: [{ name: 'main', image: 'app:1', env: ENV }],
  serviceAccountName: 'default',
  ...(nodeName === undefined ? {} : { nodeName }),
  schedulerName: 'default-scheduler',
})
const pod = (name: string, of: object, metadata: object = {}): object => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name, labels: { app: 'a' }, ...metadata },
  spec: of,
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
})
const managedFields = [{ manager: 'm', fieldsV1: { 'f:spec': { 'f:status': {} } } }]
const frameOf = (object: object): Uint8Array => Buffer.from(JSON.stringify({ type: 'MODIFIED', object }))
const specOf = (object: unknown): { readonly containers?: unknown } => (object as { readonly spec: { readonly containers?: unknown } }).spec

test('specs that differ in their node alone have one object in common, and nobody can tell otherwise', () => {
  using scope = rootScope()
  const specs = new SharedSpecs(scope)
  const read = ['n1', undefined, 'n2', 'n3', undefined, 'n1'].map((node, at) => {
    const { object } = specs.frame(frameOf(pod(`p${at}`, spec(node), { managedFields })))
    assert.deepEqual(specOf(object), spec(node))
    return object
  })
  assert.equal(isShared(specOf(read[4])), false, 'seen for the second time')
  assert.equal(specOf(read[3]).containers, specOf(read[5]).containers)
  const listed = pod('listed', spec('n9'))
  specs.settle(listed)
  assert.deepEqual(listed, pod('listed', spec('n9')))
  assert.equal(specOf(listed).containers, specOf(read[5]).containers)
  assert.equal(Object.isFrozen(specOf(listed).containers), true)
  assert.deepEqual(specs.frame(frameOf(pod('last', spec('n2'), { managedFields }))).object, pod('last', spec('n2')))
  const ownerReferences = [{ kind: 'A', name: 'a' }]
  const { metadata } = specs.frame(frameOf(pod('owned', spec('n2'), { managedFields, ownerReferences }))).object as KubeObject
  assert.deepEqual(metadata?.ownerReferences, ownerReferences)
})

test('a word that looks like the node is no node, and a text that looks like a spec is none', () => {
  using scope = rootScope()
  const specs = new SharedSpecs(scope)
  const odd = [
    pod('selects', spec(undefined, { nodeSelector: { a: 'b', nodeName: 'n1' } })),
    pod('both', spec('n2', { nodeSelector: { a: 'b', nodeName: 'n1' } })),
    pod('escaped', spec('n"2')),
    { kind: 'Other', x: { spec: spec('n1') }, status: {} },
    { kind: 'Other', x: { spec: spec('n1'), status: { a: 1 } } },
    {
      kind: 'Other',
      metadata: { annotations: { 'a","spec":{': ',"status":{' } },
      spec: spec('n1'),
      status: { deep: [{ a: 1, status: {} }] },
    },
  ]
  for (const object of [...odd, ...odd, ...odd]) assert.deepEqual(specs.frame(frameOf(object)).object, object)
})

test('objects of any form are read as JSON has them', () => {
  // No key of one character that is written with a backslash: JSON.parse of Node 26 may misread it.
  const word = fc.constantFrom('spec', 'status', 'nodeName', 'metadata', 'managedFields', 'a', '"a', '\\a', ',"nodeName":"', ',"status":{')
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, word, fc.constant(0), fc.array(tie('any'), { maxLength: 3 }), tie('object')),
    object: fc.dictionary(word, tie('any'), { maxKeys: 5, noNullPrototype: true }),
  }))
  const object = fc.record(
    {
      metadata: fc.record({ name: word, labels: value.object }),
      spec: fc.record({ pad: fc.constant('x'.repeat(200)), inner: value.any, nodeName: word }, { requiredKeys: ['pad'] }),
      status: value.object,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), (objects) => {
      using scope = rootScope()
      const specs = new SharedSpecs(scope)
      for (const one of [...objects, ...objects, ...objects]) {
        const text = JSON.stringify(one)
        assert.deepEqual(specs.frame(frameOf(one)).object, JSON.parse(text))
        const own = JSON.parse(text) as object
        specs.settle(own)
        assert.deepEqual(own, JSON.parse(text))
      }
    }),
    propertyRuns(60),
  )
})
