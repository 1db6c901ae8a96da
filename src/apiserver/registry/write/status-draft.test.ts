import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type KubeObject, type ResourceRef, deepFreeze, refs } from '#api'
import { testApiServer } from '#testing'
import type { AdmissionStep } from '../../contract.ts'

const TEMPLATE = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const WORKLOAD = { selector: { matchLabels: { a: 'b' } }, template: TEMPLATE }
const CASES: readonly (readonly [ref: ResourceRef, body: object, status: object])[] = [
  [refs.pods, { spec: TEMPLATE.spec }, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }],
  [refs.deployments, { spec: WORKLOAD }, { replicas: 1 }],
  [refs.services, { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }, { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }],
  [refs.jobs, { spec: { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } }, { ready: 0 }],
  [
    refs.persistentvolumeclaims,
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    { phase: 'Bound' },
  ],
]

async function stored(
  t: TestContext,
  ref: ResourceRef,
  body: object,
  admission: readonly AdmissionStep[] = [],
): Promise<{ readonly path: string; readonly object: () => KubeObject; readonly api: Awaited<ReturnType<typeof testApiServer>> }> {
  const api = await testApiServer({ admission })
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const path = `/${ref.group === '' ? 'api' : `apis/${ref.group}`}/${ref.version}/namespaces/n/${ref.plural}`
  const created = await api.request('POST', path, { body: { metadata: { name: 'x' }, ...body } })
  assert.equal(created.status, 201, created.text)
  const object = (): KubeObject => {
    const found = api.server.reader.get(ref, 'n', 'x')
    assert.ok(found !== undefined)
    return found
  }
  return { path: `${path}/x/status`, object, api }
}

const patchType = { 'content-type': 'application/strategic-merge-patch+json' }

for (const [ref, body, status] of CASES) {
  test(`a patch of the status of ${ref.plural} writes nothing to the object that everyone reads`, async (t) => {
    const { path, object, api } = await stored(t, ref, body)
    const before = deepFreeze(object())
    const patched = await api.request('PATCH', path, { body: { status, metadata: { labels: { more: 'labels' } } }, headers: patchType })

    assert.equal(patched.status, 200, patched.text)
    const again = await api.request('PATCH', path, { body: { status }, headers: patchType })
    assert.equal(again.status, 200, again.text)
    assert.deepEqual(again.body.spec, (before as { spec?: unknown }).spec)
    for (const [name, value] of Object.entries(status)) {
      if (typeof value !== 'object') assert.equal(again.body.status[name], value)
    }
  })
}

test('an admission step that changes a draft in place changes that draft only', async (t) => {
  const step: AdmissionStep = {
    name: 'writer',
    handles: ({ subresource }) => subresource === 'status',
    mutate: (_scope, { object }) => {
      const { spec, metadata } = object as { spec: { containers: { image: string }[] }; metadata: { labels?: Record<string, string> } }
      for (const container of spec.containers) container.image = 'changed'
      metadata.labels = { ...metadata.labels, seen: 'yes' }
    },
  }
  const { path, object, api } = await stored(t, refs.pods, { spec: TEMPLATE.spec }, [step])
  deepFreeze(object())
  const patched = await api.request('PATCH', path, { body: { status: { phase: 'Running' } }, headers: patchType })
  assert.equal(patched.status, 200, patched.text)
  assert.equal(patched.body.spec.containers[0].image, 'i')
  assert.equal(patched.body.status.phase, 'Running')
})
