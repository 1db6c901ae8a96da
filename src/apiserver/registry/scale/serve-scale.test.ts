import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type TestApiServer, testApiServer } from '#testing'
import { eventually } from '#testing/basics'

const SETS = '/apis/apps/v1/namespaces/default/replicasets'
const MERGE = { 'content-type': 'application/merge-patch+json' }

async function withSet(t: TestContext): Promise<TestApiServer> {
  const api = await testApiServer({})
  t.after(() => api.close())
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const made = await api.request('POST', SETS, {
    body: { metadata: { name: 's' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
  })
  assert.equal(made.status, 201, made.text)
  return api
}

test('nobody owns the replicas of an object that is to have none', async (t) => {
  const api = await withSet(t)
  const scaled = await api.request('PATCH', `${SETS}/s/scale?fieldManager=m`, { body: { spec: { replicas: 0 } }, headers: MERGE })
  assert.equal(scaled.status, 200, scaled.text)
  const { text } = await api.request('GET', `${SETS}/s`)
  assert.doesNotMatch(text, /"f:replicas"/)
})

test('a Scale is of the object and in the namespace that the path names', async (t) => {
  const api = await withSet(t)
  const told = async (metadata: object): Promise<string[]> => {
    const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 's', ...metadata }, spec: { replicas: 2 } }
    const patched = await api.request('PATCH', `${SETS}/s/scale`, { body, headers: MERGE })
    const put = await api.request('PUT', `${SETS}/s/scale`, { body })
    return [patched, put].map((answer) => `${answer.status} ${(answer.body as { message?: string }).message ?? ''}`)
  }
  const otherNamespace = '400 the namespace of the provided object does not match the namespace sent on the request'
  assert.deepEqual(await told({ namespace: 'other' }), [otherNamespace, otherNamespace])
  const otherName = '400 the name of the object (other) does not match the name on the URL (s)'
  assert.deepEqual(await told({ name: 'other' }), [otherName, otherName])
  const [patched, put] = await told({ uid: 'x' })
  assert.match(patched ?? '', /^409 .*replicasets\/scale\.apps "s": Precondition failed: UID in precondition: x/)
  assert.match(put ?? '', /^409 .*replicasets\.apps "s": StorageError: invalid object/)
})

test('who applies a status to a Scale that nobody has applied to is in conflict with who had it before', async (t) => {
  const api = await withSet(t)
  // Nobody owns any replicas now.
  await api.request('PATCH', `${SETS}/s/scale?fieldManager=m`, { body: { spec: { replicas: 0 } }, headers: MERGE })
  const body = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 's' },
    spec: { replicas: 3 },
    status: { replicas: 9, selector: 'x=y' },
  }
  const headers = { 'content-type': 'application/apply-patch+yaml' }
  const { status, text } = await api.request('PATCH', `${SETS}/s/scale?fieldManager=a`, { body, headers })
  assert.equal(status, 409, text)
  assert.match(text, /Apply failed with 1 conflict: conflict with \\"before-first-apply\\".*\.status\.selector/)
})

test('a custom resource, in no namespace as well, is scaled whichever object of its name is meant', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const schema = {
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } },
  }
  const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' }
  await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      metadata: { name: 'ws.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'ws', kind: 'W' },
        versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { scale } }],
      },
    },
  })
  const path = '/apis/example.com/v1/ws'
  await eventually('the kind is served', async () => (await api.request('GET', path)).status === 200)
  await api.request('POST', path, { body: { apiVersion: 'example.com/v1', kind: 'W', metadata: { name: 'w' }, spec: { size: 1 } } })
  const body = { metadata: { uid: 'x' }, spec: { replicas: 2 } }
  const { status, text } = await api.request('PATCH', `${path}/w/scale`, { body, headers: MERGE })
  assert.equal(status, 200, text)
})
