import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { builtInSchema } from '../define.ts'
import { deepFreeze } from '../meta/deep.ts'
import { StatusError } from '../meta/status.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import { strategicMergePatch } from './strategic-merge.ts'

const schema: ObjectSchema = builtInSchema('', 'v1', 'Pod')
const POD = deepFreeze({
  metadata: { finalizers: ['a', 'b', 'c'], labels: { l: '1' } },
  spec: {
    containers: [
      { name: 'c', image: 'i', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80, name: 'h' }], command: ['a', 'b'] },
      { name: 'e', image: 'i' },
    ],
    nodeSelector: { a: '1', b: '2' },
    tolerations: [{ key: 'k' }],
    volumes: [
      { name: 'v', emptyDir: {} },
      { name: 'w', configMap: { name: 'm' } },
    ],
  },
})
const patched = (patch: object): typeof POD => strategicMergePatch(POD, deepFreeze(patch), schema) as typeof POD
const names = (patch: object): string[] => patched({ spec: patch }).spec.containers.map(({ name }) => name)

test('lists are merged by their key or replaced', () => {
  const { spec } = patched({
    spec: {
      containers: [
        {
          name: 'c',
          image: 'new',
          command: ['x'],
          env: [
            { name: 'B', value: '2' },
            { name: 'A', value: '9' },
          ],
          ports: [{ containerPort: 81 }],
        },
      ],
      tolerations: [{ key: 'z' }],
      nodeSelector: { a: null, c: '3', d: null },
    },
  })
  assert.deepEqual(spec.containers, [
    {
      name: 'c',
      image: 'new',
      command: ['x'],
      env: [
        { name: 'B', value: '2' },
        { name: 'A', value: '9' },
      ],
      ports: [{ containerPort: 81 }, { containerPort: 80, name: 'h' }],
    },
    { name: 'e', image: 'i' },
  ])
  assert.deepEqual(spec.tolerations, [{ key: 'z' }])
  assert.deepEqual(spec.nodeSelector, { b: '2', c: '3' })
})

test('the order of merged lists', () => {
  assert.deepEqual(names({ containers: [{ name: 'n' }] }), ['n', 'c', 'e'])
  assert.deepEqual(names({ containers: [{ name: 'e' }, { name: 'n' }] }), ['c', 'e', 'n'])
  assert.deepEqual(names({ containers: [{ name: 'e' }, { name: 'c' }] }), ['e', 'c'])
  assert.deepEqual(names({ '$setElementOrder/containers': [{ name: 'c' }, { name: 'n' }, { name: 'e' }], containers: [{ name: 'n' }] }), [
    'c',
    'n',
    'e',
  ])
  assert.deepEqual(names({ '$setElementOrder/containers': [{ name: 'e' }, { name: 'c' }] }), ['e', 'c'])
  assert.deepEqual(names({ '$setElementOrder/containers': [{ name: 'e' }] }), ['c', 'e'])
})

test('directives', () => {
  assert.deepEqual(names({ containers: [{ name: 'e', $patch: 'delete' }] }), ['c'])
  assert.deepEqual(names({ containers: [{ name: 'only' }, { $patch: 'replace' }] }), ['only'])
  assert.deepEqual(names({ containers: [] }), ['c', 'e'])
  assert.deepEqual(patched({ spec: { nodeSelector: { $patch: 'replace', z: '9' } } }).spec.nodeSelector, { z: '9' })
  assert.deepEqual(patched({ spec: { nodeSelector: { $patch: 'delete' } } }).spec.nodeSelector, {})
  assert.deepEqual(
    patched({ spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } }] } }).spec.volumes[0],
    {
      name: 'v',
      hostPath: { path: '/' },
    },
  )
  assert.deepEqual(patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } }).metadata.finalizers, ['a', 'c'])
  assert.deepEqual(patched({ metadata: { finalizers: ['d', 'a'] } }).metadata.finalizers, ['d', 'a', 'b', 'c'])
  assert.deepEqual(
    patched({
      metadata: { '$setElementOrder/finalizers': ['d', 'c', 'a'], '$deleteFromPrimitiveList/finalizers': ['b'], finalizers: ['d'] },
    }).metadata.finalizers,
    ['d', 'c', 'a'],
  )
})

test('directives do not get into what is new', () => {
  const result = strategicMergePatch(
    {},
    {
      spec: {
        containers: [
          { name: 'c', image: 'i' },
          { name: 'x', $patch: 'delete' },
          { name: 'y', $patch: 'merge' },
        ],
        nodeSelector: { a: null },
      },
    },
    schema,
  )
  assert.deepEqual(result, { spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: {} } })
})

test('what has another type than what is there takes its place, and an instruction takes it away', () => {
  const merged = (restartPolicy: unknown): unknown =>
    strategicMergePatch({ spec: { restartPolicy: 'Always' } }, { spec: { restartPolicy } }, schema)
  assert.deepEqual(merged({ a: 1, b: null }), { spec: { restartPolicy: { a: 1 } } })
  assert.deepEqual(merged({ $patch: 'delete' }), { spec: {} })
})

test('lists that are merged have items of one type', () => {
  const add = (patch: object): unknown => strategicMergePatch({ metadata: { finalizers: ['a.b/c'] } }, { metadata: patch }, schema)
  assert.throws(() => add({ finalizers: ['a.b/d', ['x']] }), /list element types are not identical: \[\[a\.b\/c\] \[a\.b\/d \[x\]\]\]/)
  assert.throws(() => add({ finalizers: [1] }), /not identical/)
  assert.throws(() => add({ '$deleteFromPrimitiveList/finalizers': [{}] }), /not identical/)
})

test('a list of maps has an order by its key, and nothing to be taken out by its value', () => {
  const put = (spec: object): unknown => strategicMergePatch(POD, { spec }, schema)
  assert.throws(() => put({ '$setElementOrder/containers': ['x'] }), /value for key 0 is not a map/)
  assert.throws(
    () => put({ '$setElementOrder/containers': ['x'], containers: [{ name: 'c' }] }),
    /expected a map\[string\]interface \{\}, but received a string/,
  )
  assert.throws(() => put({ '$deleteFromPrimitiveList/tolerations': [{}] }), /cannot merge lists without merge key for struct/)
})

test('maps and what is kept as it came have no lists to be put in order', () => {
  const put = (document: object, patch: object, kind: string, group = ''): unknown =>
    strategicMergePatch(document, patch, builtInSchema(group, 'v1', kind))
  assert.throws(
    () => put({ data: { a: 'b' } }, { data: { '$setElementOrder/c': ['b'] } }, 'ConfigMap'),
    /data type is not struct, instead is: map/,
  )
  assert.throws(
    () => put({ data: { a: { b: 1 } } }, { data: { a: { c: 2 } } }, 'ControllerRevision', 'apps'),
    /in struct RawExtension for the json field "a"/,
  )
})

test('nothing is a patch that changes nothing', () => {
  assert.deepEqual(strategicMergePatch(POD, null, schema), POD)
  assert.deepEqual(strategicMergePatch(POD, {}, schema), POD)
})

test('what cannot be carried out', () => {
  const cases: [unknown, number, string][] = [
    [[], 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    [{ spec: { nodeSelector: { z: '9', $patch: 'frob' } } }, 500, 'unknown patch type: frob in map: map[$patch:frob z:9]'],
    [{ spec: { nodeSelector: { $patch: 'merge' } } }, 500, 'unknown patch type: merge in map: map[$patch:merge]'],
    [{ spec: { containers: [{ name: 'c', $patch: 'frob' }] } }, 500, 'unknown patch type: frob in map: map[$patch:frob name:c]'],
    [{ spec: { containers: [{ name: 'c', $patch: true }] } }, 500, 'unknown patch type: %!s(bool=true) in map: map[$patch:true name:c]'],
    [{ spec: { '$setElementOrder/containers': 'c' } }, 500, 'expected a []interface {}, but received a string'],
    [{ spec: { '$setElementOrder/containers': 5 } }, 500, 'expected a []interface {}, but received a int64'],
    [{ spec: { '$setElementOrder/containers': null } }, 500, 'expected a []interface {}, but received a %!s(<nil>)'],
    [{ spec: { volumes: [{ name: 'v', $retainKeys: 'name' }] } }, 400, 'invalid patch format of retainKeys'],
    [{ spec: { containers: [{ image: 'x' }] } }, 500, 'map: map[image:x] does not contain declared merge key: name'],
    [
      { spec: { '$setElementOrder/containers': [{ name: 'e' }], containers: [{ name: 'c', image: 'x' }] } },
      500,
      "The order in patch list:\n[map[image:x name:c]]\n doesn't match $setElementOrder list:\n[map[name:e]]\n",
    ],
    [{ spec: { '$setElementOrder/nope': ['a'] } }, 500, 'unable to find api field in struct PodSpec for the json field "nope"'],
    [{ spec: { volumes: [{ name: 'v', $retainKeys: ['name'], hostPath: {} }] } }, 400, 'invalid patch format of retainKeys'],
  ]
  for (const [patch, code, message] of cases) {
    assert.throws(
      () => strategicMergePatch(POD, patch, schema),
      (error: unknown) => {
        assert.ok(error instanceof StatusError)
        assert.deepEqual(
          [error.status.code, error.status.message, error.status.reason],
          [code, message, code === 400 ? 'BadRequest' : undefined],
        )
        return true
      },
      JSON.stringify(patch),
    )
  }
})

test('keys with a meaning in JavaScript are ordinary', () => {
  const result = strategicMergePatch(
    { data: {} },
    JSON.parse('{"data":{"__proto__":"x","constructor":"y"}}'),
    builtInSchema('', 'v1', 'ConfigMap'),
  )
  assert.equal(JSON.stringify(result), '{"data":{"__proto__":"x","constructor":"y"}}')
})

const containers = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), image: fc.constantFrom('1', '2') }, { noNullPrototype: true }),
  { selector: ({ name }) => name },
)

test('a merged list has every item once, those of the patch in its order, the others in theirs', () => {
  fc.assert(
    fc.property(containers, containers, (original, patch) => {
      const result = strategicMergePatch(
        deepFreeze({ spec: { containers: original } }),
        deepFreeze({ spec: { containers: patch } }),
        schema,
      ) as {
        spec: { containers: { name: string; image: string }[] }
      }
      const merged = result.spec.containers
      const inPatch = ({ name }: { name: string }): boolean => patch.some((item) => item.name === name)
      assert.deepEqual(merged.filter(inPatch), patch)
      assert.deepEqual(
        merged.filter((item) => !inPatch(item)),
        original.filter((item) => !inPatch(item)),
      )
    }),
    propertyRuns(100),
  )
})

test('an order that names nothing orders nothing', () => {
  const patched = strategicMergePatch(
    { spec: { containers: [{ name: 'a' }] } },
    { spec: { '$setElementOrder/containers': [], containers: [{ name: 'a', image: 'x' }] } },
    schema,
  )
  assert.deepEqual(patched, { spec: { containers: [{ name: 'a', image: 'x' }] } })
})

test('the selector of a disruption budget is replaced as a whole', () => {
  const patched = strategicMergePatch(
    { spec: { selector: { matchLabels: { a: 'b' } } } },
    { spec: { selector: { matchExpressions: [{ key: 'k', operator: 'Exists' }] } } },
    builtInSchema('policy', 'v1', 'PodDisruptionBudget'),
  )
  assert.deepEqual(patched, { spec: { selector: { matchExpressions: [{ key: 'k', operator: 'Exists' }] } } })
})
