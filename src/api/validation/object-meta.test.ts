import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldErrors } from '../meta/field-error.ts'
import type { ObjectMeta } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import { validateLabelSelector } from './label-selector.ts'
import { nameIsDnsLabel } from './names.ts'
import { type ObjectMetaOptions, validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts'
import { validateContainerResourceName, validateQuotaResourceName, validateResourceQuantity } from './resources.ts'
import { validateEnum, validateImmutable, validateRelativePath, validateRequiredEnum } from './values.ts'

const META = Path.of('metadata')
function lines(run: (errors: FieldErrors) => void): string[] {
  const errors: FieldErrors = []
  run(errors)
  return errors.map(({ field, message }) => `${field}: ${message}`)
}
const created = (meta: ObjectMeta, options: Partial<ObjectMetaOptions> = {}): string[] =>
  lines((errors) => validateObjectMeta(meta, { namespaced: true, ...options }, META, errors))
const OLD: ObjectMeta = { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: 't', generation: 2 }
const updated = (change: ObjectMeta, old: ObjectMeta = {}): string[] =>
  lines((errors) => validateObjectMetaUpdate({ ...OLD, ...change }, { ...OLD, ...old }, META, errors))

test('names and namespaces', () => {
  assert.deepEqual(created({ name: 'a', namespace: 'n' }), [])
  assert.deepEqual(created({}), ['metadata.name: Required value: name or generateName is required', 'metadata.namespace: Required value'])
  assert.deepEqual(created({ name: 'a', namespace: 'n' }, { namespaced: false }), [
    'metadata.namespace: Forbidden: not allowed on this type',
  ])
  assert.deepEqual(created({ name: 'a-1', generateName: 'a-', namespace: 'n' }), [])
  assert.equal(created({ name: 'a.b', namespace: 'n' }, { validateName: nameIsDnsLabel }).length, 1)
  assert.equal(created({ name: 'A', generateName: 'AA-', namespace: 'N' }).length, 3)
})

test('owners', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: 'u1', controller: true }
  assert.deepEqual(created({ name: 'a', namespace: 'n', ownerReferences: [owner, { ...owner, name: 'y', uid: 'u2' }] }), [
    'metadata.ownerReferences: Invalid value: [{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"x","uid":"u1","controller":true},{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"y","uid":"u2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for ReplicaSet/x and ReplicaSet/y',
  ])
  assert.deepEqual(created({ name: 'a', namespace: 'n', ownerReferences: [{ kind: '', uid: '', name: '', apiVersion: '' }] }), [
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
    'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
    'metadata.ownerReferences.name: Invalid value: "": must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ])
  assert.deepEqual(created({ name: 'a', namespace: 'n', ownerReferences: [{ uid: 'u1', name: 'x', kind: 'Event', apiVersion: 'v1' }] }), [
    'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"x","uid":"u1"}: /v1, Kind=Event is disallowed from being an owner',
  ])
})

test('finalizers, annotations and managedFields', () => {
  const meta = { name: 'a', namespace: 'n' }
  assert.deepEqual(created({ ...meta, finalizers: ['kubernetes', 'a.io/x', 'nodomain'] }), [
    'metadata.finalizers[2]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified',
  ])
  assert.deepEqual(created({ ...meta, finalizers: ['nodomain'] }, { standardFinalizers: false }), [])
  assert.deepEqual(created({ ...meta, finalizers: ['orphan', 'foregroundDeletion'] }), [
    'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
  ])
  assert.deepEqual(created({ ...meta, annotations: { 'Upper.io/Key': 'x'.repeat(262_132) } }), [])
  assert.deepEqual(created({ ...meta, annotations: { 'Upper.io/Key': 'x'.repeat(262_133) } }), [
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ])
  assert.deepEqual(created({ ...meta, managedFields: [{ operation: 'Nope', fieldsType: 'X', manager: 'a\tb' }] }), [
    'metadata.managedFields[0].operation: Invalid value: "Nope": must be `Apply` or `Update`',
    'metadata.managedFields[0].fieldsType: Invalid value: "X": must be `FieldsV1`',
    'metadata.managedFields[0].manager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)',
  ])
})

test('what an update must keep', () => {
  assert.deepEqual(updated({}), [])
  assert.deepEqual(updated({ uid: 'x', generation: 1, resourceVersion: '' }), [
    'metadata.resourceVersion: Invalid value: "": must be specified for an update',
    'metadata.generation: Invalid value: 1: must not be decremented',
    'metadata.uid: Invalid value: "x": field is immutable',
  ])
  const deleted = { deletionTimestamp: 't2' }
  assert.deepEqual(updated({ ...deleted, finalizers: ['a.io/g', 'a.io/f'] }, { ...deleted, finalizers: ['a.io/f'] }), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.io/g"}',
  ])
})

test('label selectors', () => {
  const path = Path.of('spec', 'selector')
  const selector = {
    matchExpressions: [
      { key: 'a', operator: 'In' },
      { key: 'b', operator: 'Exists', values: ['x'] },
      { key: 'c', operator: 'Z', values: ['!'] },
    ],
  }
  const errors = lines((all) => validateLabelSelector(selector, path, all))
  assert.deepEqual(errors.slice(0, 3), [
    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[2].operator: Invalid value: "Z": not a valid selector operator',
  ])
  assert.match(errors[3] ?? '', /^spec\.selector\.matchExpressions\[2\]\.values\[0\]: Invalid value: "!": a valid label must be/)
  assert.equal(lines((all) => validateLabelSelector(selector, path, all, { allowInvalidValues: true })).length, 3)
})

test('values', () => {
  const path = Path.of('f')
  assert.deepEqual(
    lines((errors) => validateImmutable({ a: 1 }, { a: 2 }, path, errors)),
    ['f: Invalid value: {"a":1}: field is immutable'],
  )
  assert.deepEqual(
    lines((errors) => validateImmutable(undefined, [], path, errors)),
    [],
  )
  assert.deepEqual(
    lines((errors) => validateEnum('x', ['b', 'a'], path, errors)),
    ['f: Unsupported value: "x": supported values: "b", "a"'],
  )
  assert.deepEqual(
    lines((errors) => validateRequiredEnum('', ['b'], path, errors)),
    ['f: Required value'],
  )
  assert.deepEqual(
    lines((errors) => validateRelativePath('/a/../b', path, errors)),
    ['f: Invalid value: "/a/../b": must be a relative path', 'f: Invalid value: "/a/../b": must not contain \'..\''],
  )
})

test('resources', () => {
  const path = Path.of('f')
  const container = (name: string): string[] => lines((errors) => validateContainerResourceName(name, path, errors))
  assert.deepEqual(container('cpu'), [])
  assert.deepEqual(container('hugepages-2Mi'), [])
  assert.deepEqual(container('a.io/gpu'), [])
  assert.deepEqual(container('pods'), ['f: Invalid value: "pods": must be a standard resource for containers'])
  assert.deepEqual(container('nope'), [
    'f: Invalid value: "nope": must be a standard resource type or fully qualified',
    'f: Invalid value: "nope": must be a standard resource for containers',
  ])
  assert.deepEqual(
    lines((errors) => validateQuotaResourceName('storage', path, errors)),
    ['f: Invalid value: "storage": must be a standard resource for quota'],
  )
  assert.deepEqual(
    lines((errors) => validateResourceQuantity('cpu', '-1', path, errors)),
    ['f: Invalid value: "-1": must be greater than or equal to 0'],
  )
  assert.deepEqual(
    lines((errors) => validateResourceQuantity('pods', '1500m', path, errors)),
    ['f: Invalid value: "1500m": must be an integer'],
  )
  assert.deepEqual(
    lines((errors) => validateResourceQuantity('a.io/gpu', '2k', path, errors)),
    [],
  )
})
