import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type TestAnswer, testApiServer } from '#testing'
import { podSpecials } from './pod-specials.ts'

const PODS = '/api/v1/namespaces/default/pods'
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const POD = { metadata: { name: 'p', labels: { app: 'x' } }, spec: { containers: [{ name: 'a', image: 'nginx:1' }] } }

type Ask = (method: string, target: string, body?: unknown) => Promise<TestAnswer>

async function server(t: TestContext): Promise<Ask> {
  const api = await testApiServer({ specials: podSpecials() })
  t.after(() => api.close())
  return (method, target, body) =>
    api.request(method, target, { ...(body === undefined ? {} : { body }), ...(method === 'PATCH' ? { headers: MERGE } : {}) })
}

const bindTo = (node: string): unknown => ({ metadata: { name: 'p', annotations: { why: 'fits' } }, target: { kind: 'Node', name: node } })

test('a binding gives a pod its node once', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const bound = await ask('POST', `${PODS}/p/binding`, bindTo('n1'))
  assert.equal(bound.status, 201, bound.text)
  assert.deepEqual(bound.body, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
  const { body } = await ask('GET', `${PODS}/p`)
  assert.equal(body.spec.nodeName, 'n1')
  assert.deepEqual(body.metadata.annotations, { why: 'fits' })
  assert.equal(body.metadata.generation, 1)
  assert.deepEqual([body.status.conditions[0].type, body.status.conditions[0].status], ['PodScheduled', 'True'])
  const again = await ask('POST', `${PODS}/p/binding`, bindTo('n2'))
  assert.equal(again.status, 409)
  assert.equal(again.body.message, 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"')
})

test('of bindings that arrive together one wins', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const answers = await Promise.all(['n1', 'n2', 'n3', 'n4'].map((node) => ask('POST', `${PODS}/p/binding`, bindTo(node))))
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [201, 409, 409, 409],
  )
})

test('a binding to nothing is refused and changes nothing', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const refused = await ask('POST', `${PODS}/p/binding`, { metadata: { name: 'p' }, target: { kind: 'Pod' } })
  assert.equal(refused.status, 500)
  assert.equal(
    refused.body.message,
    '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]',
  )
  assert.equal((await ask('GET', `${PODS}/p`)).body.spec.nodeName, undefined)
})

test('among the bindings one names its pod, and its own uid says nothing of that', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const target = { kind: 'Node', name: 'n1' }
  const nameless = await ask('POST', '/api/v1/namespaces/default/bindings', { metadata: {}, target })
  assert.deepEqual([nameless.status, nameless.body.message], [400, 'Name parameter required.'])
  const uid = '00000000-0000-0000-0000-000000000000'
  assert.equal((await ask('POST', `${PODS}/p/binding`, { metadata: { name: 'p', uid }, target })).status, 409)
  assert.equal((await ask('POST', '/api/v1/namespaces/default/bindings', { metadata: { name: 'p', uid }, target })).status, 201)
  const nominated = await ask('PATCH', `${PODS}/p/status`, { status: { nominatedNodeName: 'n2', observedGeneration: -1 } })
  assert.deepEqual(
    nominated.body.details.causes.map(({ message }: { message: string }) => message),
    ['Forbidden: may not be set on pods that are already bound to a node', 'Invalid value: -1: must be a non-negative integer'],
  )
})

test('a pod is told of its eviction before what is wrong with its deletion is found', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const evict = (deleteOptions: object): Promise<TestAnswer> =>
    ask('POST', `${PODS}/p/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' }, deleteOptions })
  assert.equal((await evict({ dryRun: ['x'] })).status, 422)
  assert.equal((await ask('GET', `${PODS}/p`)).body.status.conditions, undefined)
  const refused = await evict({ propagationPolicy: 'Sideways' })
  assert.equal(refused.status, 422)
  assert.match(refused.body.message, /propagationPolicy: Unsupported value: "Sideways"/)
  assert.equal((await ask('GET', `${PODS}/p`)).body.status.conditions[0].reason, 'EvictionByEvictionAPI')
})

async function runningPod(ask: Ask, name: string): Promise<void> {
  await ask('POST', PODS, { ...POD, metadata: { ...POD.metadata, name }, spec: { ...POD.spec, nodeName: 'n1' } })
  await ask('PATCH', `${PODS}/${name}/status`, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
}

test('an eviction takes from the budget, and is refused when nothing is left', async (t) => {
  const ask = await server(t)
  await runningPod(ask, 'p')
  await runningPod(ask, 'q')
  const budget = await ask('POST', BUDGETS, {
    metadata: { name: 'b' },
    spec: { selector: { matchLabels: { app: 'x' } }, maxUnavailable: 1 },
  })
  assert.equal(budget.status, 201, budget.text)
  const early = await ask('POST', `${PODS}/p/eviction`, { metadata: { name: 'p' } })
  assert.equal(early.status, 429)
  assert.equal(early.headers['retry-after'], '10')
  await ask('PATCH', `${BUDGETS}/b/status`, {
    status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 },
  })
  const answers = await Promise.all(['p', 'q'].map((name) => ask('POST', `${PODS}/${name}/eviction`, { metadata: { name } })))
  assert.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [201, 429],
  )
  const after = await ask('GET', `${BUDGETS}/b`)
  assert.equal(after.body.status.disruptionsAllowed, 0)
  assert.equal(Object.keys(after.body.status.disruptedPods).length, 1)
  const ending = (await ask('GET', PODS)).body.items.filter(
    (pod: { metadata: { deletionTimestamp?: string } }) => pod.metadata.deletionTimestamp !== undefined,
  )
  assert.equal(ending.length, 1)
  assert.equal(ending[0].status.conditions.at(-1).reason, 'EvictionByEvictionAPI')
})

test('a budget that allows nothing says why where its condition does', async (t) => {
  const ask = await server(t)
  await runningPod(ask, 'p')
  await ask('POST', BUDGETS, { metadata: { name: 'b' }, spec: { selector: { matchLabels: { app: 'x' } }, maxUnavailable: 1 } })
  const refusal = async (currentHealthy: number, reason: string, message: string): Promise<string> => {
    const condition = { type: 'DisruptionAllowed', status: 'False', reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' }
    const status = { disruptionsAllowed: 0, currentHealthy, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 }
    await ask('PATCH', `${BUDGETS}/b/status`, { status: { ...status, conditions: [condition] } })
    return (await ask('POST', `${PODS}/p/eviction`, { metadata: { name: 'p' } })).body.details.causes[0].message
  }
  const none = 'The disruption budget b does not allow evicting pods currently'
  assert.equal(await refusal(2, 'SyncFailed', 'why'), `${none} because it failed sync: why`)
  assert.equal(await refusal(1, 'Other', 'why'), 'The disruption budget b needs 1 healthy pods and has 1 currently')
  assert.equal(await refusal(2, 'Other', 'why'), `${none} (Other): why`)
  assert.equal(await refusal(2, 'InsufficientPods', ''), none)
})

test('a resize changes amounts and nothing else', async (t) => {
  const ask = await server(t)
  const container = { name: 'a', image: 'nginx:1', resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } }
  await ask('POST', PODS, { ...POD, spec: { containers: [container] } })
  const resized = await ask('PATCH', `${PODS}/p/resize`, {
    spec: { containers: [{ ...container, image: 'other', resources: { requests: { cpu: '1500m' }, limits: { cpu: '2' } } }] },
  })
  assert.equal(resized.status, 200, resized.text)
  assert.equal(resized.body.spec.containers[0].image, 'nginx:1')
  assert.deepEqual(resized.body.spec.containers[0].resources.requests, { cpu: '1500m' })
  assert.equal(resized.body.metadata.generation, 2)
  const removed = await ask('PATCH', `${PODS}/p/resize`, {
    spec: { containers: [{ ...container, resources: { requests: { cpu: '1500m' } } }] },
  })
  assert.equal(removed.status, 422)
  assert.equal(removed.body.details.causes[0].message, 'Forbidden: resource limits cannot be removed')
})

test('containers to look into a pod are added and stay', async (t) => {
  const ask = await server(t)
  await ask('POST', PODS, POD)
  const debug = { name: 'debug', image: 'busybox' }
  assert.equal((await ask('PATCH', `${PODS}/p/ephemeralcontainers`, { spec: { ephemeralContainers: [debug] } })).status, 200)
  const gone = await ask('PATCH', `${PODS}/p/ephemeralcontainers`, { spec: { ephemeralContainers: [] } })
  assert.equal(gone.body.details.causes[0].message, 'Forbidden: existing ephemeral containers "debug" may not be removed\n')
  const read = await ask('GET', `${PODS}/p/ephemeralcontainers`)
  assert.deepEqual(
    read.body.spec.ephemeralContainers.map((one: { name: string }) => one.name),
    ['debug'],
  )
})
