import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeObject } from '#api'
import { claim, deployment, password, service, settings } from './application.fixture.ts'
import { bundleOf, objectsOfBundle, readManifests } from './manifests.ts'
import { planChange, warningsOf } from './plan/plan-change.ts'

const read = (...brought: readonly unknown[]) => readManifests(brought, 'web', 'n')

describe('manifests of an application', () => {
  test('come back from a revision as they were brought, and no text of a Secret is in them', () => {
    const { objects, refusals } = read(deployment('a', 'i'), password('a secret text'), settings('yes'), claim('data'))
    assert.deepEqual(refusals, [])
    const bundle = bundleOf(objects)
    assert.deepEqual(objectsOfBundle(bundle), objects)
    assert.equal(bundle.manifests.includes(Buffer.from('a secret text').toString('base64')), false)
    assert.deepEqual(Object.keys(bundle.sealed), ['password'])
    assert.equal(bundleOf(objectsOfBundle(bundle)).digest, bundle.digest)
    assert.notEqual(bundleOf(read(deployment('a', 'i'), password('another'), settings('yes'), claim('data')).objects).digest, bundle.digest)
  })

  test('are told all reasons at once', () => {
    const { refusals } = read(
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'c-' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'other' } },
      { apiVersion: 'example.com/v1', kind: 'Deployment', metadata: { name: 'd' } },
      deployment('twice', 'i'),
      deployment('twice', 'i'),
      deployment('x', 'i', 1, { 'sampan.io/depends-on': 'Deployment/y' }),
      'a text',
      { ...service('s'), metadata: { name: 's', labels: { 'sampan.io/application': 'other' } } },
    )
    assert.deepEqual(refusals, [
      'document 1: Role of rbac.authorization.k8s.io/v1 is no part of applications: rights are given by an administrator, not with an application',
      'document 2: Pod of v1 is no part of applications: a pod cannot be suspended and comes back nowhere: use a Deployment',
      'document 3: ConfigMap without a name: generateName makes another one each time',
      'document 4: ConfigMap/c is in namespace other, the application in n',
      'document 5: Deployment of example.com/v1 is no part of applications: apply it beside the application',
      'document 7: Deployment/twice is there twice',
      'document 9: not an object with apiVersion, kind and metadata.name',
      'document 10: Service/s is labelled as part of application other',
      'Deployment/x depends on Deployment/y, which is not there',
    ])
  })

  test('may be lists, and lose what the server fills in', () => {
    const made = { ...settings('1'), metadata: { name: 'settings', uid: 'u', resourceVersion: '7', managedFields: [] }, status: {} }
    const { objects, refusals } = read({ apiVersion: 'v1', kind: 'List', items: [made, service('a')] })
    assert.deepEqual([refusals, objects], [[], [settings('1'), service('a')]])
  })

  test('may not wait for each other in a circle', () => {
    const after = (name: string, other: string): KubeObject => deployment(name, 'i', 1, { 'sampan.io/depends-on': `Deployment/${other}` })
    assert.deepEqual(read(after('a', 'b'), after('b', 'c'), after('c', 'a')).refusals, [
      'a cycle of dependencies: Deployment/a -> Deployment/b -> Deployment/c -> Deployment/a',
    ])
  })

  test('are no application when they are too large', () => {
    assert.throws(() => bundleOf([settings('x'.repeat(1_000_001))]), /an application has at most 1000000/)
    assert.throws(() => bundleOf(read(password('x'.repeat(1_000_001))).objects), /contents of the Secrets/)
  })
})

test('what changes between two revisions is told by field, without what is secret, and with what does not come back', () => {
  const job = (image: string): KubeObject =>
    ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate' }, spec: { image } }) as KubeObject
  const from = read(deployment('a', 'a:1'), password('one'), claim('old'), job('1')).objects
  const to = read(deployment('a', 'a:2', 3), password('two'), claim('data'), job('2'), service('a')).objects
  const changes = planChange(from, to)
  assert.deepEqual(changes, [
    { kind: 'change', part: 'Secret/password', details: ['data.password: differs'] },
    { kind: 'add', part: 'PersistentVolumeClaim/data', details: [] },
    { kind: 'add', part: 'Service/a', details: [] },
    { kind: 'change', part: 'Deployment/a', details: ['spec.replicas: 2 -> 3', 'spec.template.spec.containers[0].image: a:1 -> a:2'] },
    { kind: 'change', part: 'Job/migrate', details: ['spec.image: 1 -> 2'] },
    { kind: 'keep', part: 'PersistentVolumeClaim/old', details: ['it holds data: it stays, as it is'] },
  ])
  assert.deepEqual(warningsOf(changes, to), [
    'volumes are not touched: what is in PersistentVolumeClaim/data stays as it is now',
    'Job/migrate runs again',
  ])
})
