import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type KubeObject, isShared, refs } from '#api'
import { testApiServer } from '#testing'
import type { AdmissionStep } from '../../contract.ts'

const PODS = '/api/v1/namespaces/n/pods'
const container = {
  name: 'c',
  image: `registry.example.com/${'é/'.repeat(40)}image:1`,
  resources: { limits: { cpu: '1', memory: '1Gi' } },
  ports: [{ containerPort: 80 }],
  readinessProbe: { httpGet: { port: 80 } },
  env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
}
const SPEC = { containers: [container], volumes: [{ name: 'v', configMap: { name: 'x' } }] }
const body = (name: string, spec: unknown = SPEC, metadata: object = {}): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { name }, ...metadata }, spec })

type Api = Awaited<ReturnType<typeof testApiServer>>
async function start(t: TestContext, admission: readonly AdmissionStep[] = []): Promise<Api> {
  const api = await testApiServer({ admission })
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  return api
}
const specOf = (api: Api, name: string): unknown => (api.server.reader.get(refs.pods, 'n', name) as { spec?: unknown }).spec

/** What is the pod's own, taken out. */
function common(pod: { metadata: Record<string, unknown> }): unknown {
  const { name: _, uid: _u, resourceVersion: _r, creationTimestamp: _c, labels: _l, managedFields, ...metadata } = pod.metadata
  const owned = (managedFields as { fieldsV1: unknown }[]).map(({ fieldsV1 }) => fieldsV1)
  return { ...pod, metadata: { ...metadata, owned } }
}

test('pods with the same spec are stored as the first one was, and share it', async (t) => {
  const api = await start(t)
  const created = []
  for (const name of ['a', 'b', 'c', 'd']) {
    const answer = await api.request('POST', PODS, { body: body(name) })
    assert.equal(answer.status, 201, answer.text)
    assert.equal(answer.body.metadata.name, name)
    assert.equal((await api.request('GET', `${PODS}/${name}`)).text, answer.text)
    created.push(common(answer.body))
  }
  for (const pod of created) assert.deepEqual(pod, created[0])
  assert.equal(isShared(specOf(api, 'c')), true)
  assert.equal(specOf(api, 'c'), specOf(api, 'd'))
})

test('what differs beside the spec is seen: annotations, warnings, unknown and repeated fields, mistakes', async (t) => {
  const api = await start(t)
  for (const name of ['a', 'b', 'c']) await api.request('POST', PODS, { body: body(name) })
  const profiled = await api.request('POST', PODS, {
    body: body('profile', SPEC, { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default' } }),
  })
  assert.deepEqual(profiled.body.spec.containers[0].securityContext, { appArmorProfile: { type: 'RuntimeDefault' } })
  assert.match(String(profiled.headers['warning']), /deprecated since v1\.30/)
  const strict = await api.request('POST', `${PODS}?fieldValidation=Strict`, { body: body('strict', SPEC, { bogus: 1 }) })
  assert.match(strict.body.message, /strict decoding error: unknown field "metadata.bogus"/)
  const twice = await api.request('POST', `${PODS}?fieldValidation=Strict`, {
    body: body('twice').replace('"kind"', '"kind":"Pod","kind"'),
  })
  assert.match(twice.body.message, /duplicate field "kind"/)
  const double = body('double').replace(/}$/, ',"spec":{"containers":[]}}')
  assert.equal((await api.request('POST', PODS, { body: double })).status, 422)
  const invalid = await api.request('POST', PODS, { body: body('Not A Name') })
  assert.equal(invalid.status, 422)
  const plain = await api.request('POST', PODS, { body: body('plain') })
  assert.equal(plain.body.spec.containers[0].securityContext, undefined)
})

test('a spec that is not stored as it is sent is brought into its form each time', async (t) => {
  const api = await start(t)
  const spec = { ...SPEC, terminationGracePeriodSeconds: -3, containers: [{ ...container, lifecycle: { stopSignal: 'SIGTERM' } }] }
  for (const name of ['a', 'b', 'c', 'd']) {
    const { body: pod } = await api.request('POST', PODS, { body: body(name, spec) })
    assert.equal(pod.spec.terminationGracePeriodSeconds, 1)
    assert.equal(pod.spec.containers[0].lifecycle, undefined)
    const again = { ...pod, spec: { ...pod.spec, terminationGracePeriodSeconds: -3 } }
    const updated = await api.request('PUT', `${PODS}/${name}`, { body: JSON.stringify(again) })
    assert.deepEqual([updated.status, updated.body.spec.terminationGracePeriodSeconds], [200, 1])
  }
})

test('a spec that is wrong is refused each time, in the same words', async (t) => {
  const api = await start(t)
  const wrong = { ...SPEC, restartPolicy: 'Sometimes', unknown: 1 }
  const answers = []
  for (const _ of [1, 2, 3, 4]) {
    const { status, text, headers } = await api.request('POST', PODS, { body: body('a', wrong) })
    answers.push({ status, text, warning: headers['warning'] })
  }
  assert.equal(answers[0]?.status, 422)
  assert.match(String(answers[0]?.warning), /unknown field \\"spec.unknown\\"/)
  for (const answer of answers) assert.deepEqual(answer, answers[0])
})

test('admission that puts new values in place of old ones is shared, and what writes anywhere gets a copy', async (t) => {
  let label = 'one'
  const replacing: AdmissionStep = {
    name: 'Replacing',
    handles: ({ resource, operation }) => resource.plural === 'pods' && operation === 'CREATE',
    replaces: true,
    mutate: (_scope, { object }) => {
      const pod = object as { spec: Record<string, unknown> }
      pod.spec['nodeSelector'] = { label }
    },
  }
  const writing: AdmissionStep = {
    name: 'Writing',
    handles: ({ object, operation }) => operation === 'CREATE' && object?.metadata?.labels?.['name'] === 'written',
    mutate: (_scope, { object }) => {
      const pod = object as KubeObject & { spec: { containers: { image: string }[] } }
      for (const one of pod.spec.containers) one.image = 'other'
    },
  }
  const api = await start(t, [replacing, writing])
  const create = async (name: string): Promise<{ nodeSelector: unknown; containers: { image: string }[] }> => {
    const answer = await api.request('POST', PODS, { body: body(name) })
    assert.equal(answer.status, 201, answer.text)
    return answer.body.spec
  }
  for (const name of ['a', 'b', 'c', 'd']) assert.deepEqual((await create(name)).nodeSelector, { label: 'one' })
  assert.equal(specOf(api, 'c'), specOf(api, 'd'))
  label = 'two'
  assert.deepEqual((await create('e')).nodeSelector, { label: 'two' })
  assert.equal((await create('written')).containers[0]?.image, 'other')
  assert.equal((await create('f')).containers[0]?.image, container.image)
  assert.deepEqual((api.server.reader.get(refs.pods, 'n', 'd') as unknown as { spec: { nodeSelector: unknown } }).spec.nodeSelector, {
    label: 'one',
  })
})

test('a shared pod can be changed on every path, alone', async (t) => {
  const api = await start(t)
  for (const name of ['a', 'b', 'c', 'd']) await api.request('POST', PODS, { body: body(name) })
  const merge = { 'content-type': 'application/merge-patch+json' }
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  const image = { spec: { containers: [{ name: 'c', image: 'new' }] } }
  const changed = await api.request('PATCH', `${PODS}/c`, { body: image, headers: strategic })
  assert.equal(changed.status, 200, changed.text)
  assert.equal(changed.body.spec.containers[0].image, 'new')
  const status = await api.request('PATCH', `${PODS}/d/status`, { body: { status: { phase: 'Running' } }, headers: strategic })
  assert.equal(status.body.status.phase, 'Running', status.text)
  // Its list of sources is stored as null.
  const empty = { ...SPEC, volumes: [{ name: 'p', projected: {} }] }
  for (const name of ['w', 'x', 'y', 'z']) assert.equal((await api.request('POST', PODS, { body: body(name, empty) })).status, 201)
  assert.equal(isShared(specOf(api, 'z')), true)
  const json = { 'content-type': 'application/json-patch+json' }
  for (const [patch, headers] of [
    [{ ...image, status: { phase: 'Pending' } }, strategic],
    [{ ...image, status: { phase: 'Running' } }, merge],
    [[{ op: 'replace', path: '/spec/containers/0/image', value: 'new' }], json],
  ] as const) {
    const kept = await api.request('PATCH', `${PODS}/z/status`, { body: patch, headers })
    assert.equal(kept.status, 200, kept.text)
    assert.equal(kept.body.spec.containers[0].image, container.image)
  }
  const labels = await api.request('PATCH', `${PODS}/d`, { body: { metadata: { labels: { more: '1' } } }, headers: merge })
  assert.equal(labels.body.metadata.labels.more, '1', labels.text)
  const { body: whole } = await api.request('GET', `${PODS}/d`)
  whole.spec.activeDeadlineSeconds = 7
  assert.equal((await api.request('PUT', `${PODS}/d`, { body: whole })).body.spec.activeDeadlineSeconds, 7)
  assert.equal((await api.request('GET', `${PODS}/b`)).body.spec.containers[0].image, container.image)
  const last = await api.request('POST', PODS, { body: body('e') })
  assert.equal(last.body.spec.activeDeadlineSeconds, undefined)
  assert.equal(last.body.spec.containers[0].image, container.image)
})
