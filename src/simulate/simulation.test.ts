import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'
import { eventually, manualClock } from '#testing/basics'
import type { HttpHandler } from '#base'
import { type core, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { DueList } from './due-list.ts'
import { startSimulation } from './simulation.ts'

const shape = { cpu: '4', memory: '8Gi', pods: 10, isTainted: true }
const pod = (name: string, nodeName: string): core.Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { nodeName, terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i' }] },
})

test('pretended nodes are ready, their pods run and go, and others are left alone', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  let isStuck = false
  const handler: HttpHandler = (request) =>
    isStuck && request.target.endsWith('/leases/simulated-1') ? new Promise(() => undefined) : api.server.handler(request)
  const client = createClient({ transport: inProcessTransport(handler) })
  using scope = api.scope.child()
  await client.resource(refs.namespaces).create(scope, { metadata: { name: 'kube-node-lease' } })
  await client.resource(refs.nodes).create(scope, { metadata: { name: 'real' } })
  const simulation = await startSimulation(scope, { client, nodes: 3, shape, jobMs: 10 })

  const nodes = (await client.resource(refs.nodes).list(scope, { labelSelector: 'sampan.dev/simulated=true' })).items
  assert.deepEqual(
    nodes.map(({ metadata, spec, status }) => [
      metadata?.name,
      spec?.taints?.some(({ key }) => key === 'kwok.x-k8s.io/node'),
      status?.capacity?.['pods'],
    ]),
    ['simulated-1', 'simulated-2', 'simulated-3'].map((name) => [name, true, '10']),
  )
  assert.equal((await client.resource(refs.leases).list(scope, { namespace: 'kube-node-lease' })).items.length, 3)

  const pods = client.resource(refs.pods)
  for (const [name, node] of [
    ['a', 'simulated-1'],
    ['b', 'simulated-2'],
    ['c', 'real'],
  ] as const)
    await pods.create(scope, pod(name, node))
  const phases = async (): Promise<string[]> =>
    (await pods.list(scope, { namespace: 'default' })).items.map(({ metadata, status }) => `${metadata?.name} ${status?.phase}`)
  await eventually('the pods run', async () => (await phases()).join() === 'a Running,b Running,c Pending')
  await pods.delete(scope, { namespace: 'default', name: 'a' })
  await eventually('the pod is gone', async () => (await phases()).join() === 'b Running,c Pending')
  assert.deepEqual(simulation.stats(), { nodes: 3, started: 2, ended: 0, removed: 1 })

  // Somebody thought that it was dead, or made one by hand.
  const status = { conditions: [{ type: 'Ready', status: 'Unknown' }] }
  await client.resource(refs.nodes).patch(scope, { name: 'simulated-3' }, { type: 'merge', body: { status } }, { subresource: 'status' })
  await client.resource(refs.nodes).create(scope, { metadata: { name: 'by-hand', annotations: { 'kwok.x-k8s.io/node': 'fake' } } })
  await eventually('both are well', async () => {
    const all = (await client.resource(refs.nodes).list(scope)).items
    const isReady = ({ status: now }: core.Node): boolean =>
      now?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
    return all.filter(isReady).length === 4
  })

  // The answer to one does not come: the others are none the worse for it.
  isStuck = true
  const renewed = async (): Promise<(string | undefined)[]> =>
    (await client.resource(refs.leases).list(scope, { namespace: 'kube-node-lease' })).items.map(({ spec }) => spec?.renewTime)
  const before = await renewed()
  await eventually('the leases of others are renewed', async () => {
    const now = await renewed()
    return now[1] !== before[1] && now[2] !== before[2]
  })
})

test('keys that are due come up together, those that were taken back do not', () => {
  const clock = manualClock()
  const seen: string[][] = []
  const due = new DueList(clock, (keys) => void seen.push([...keys].sort()))
  due.add('a', clock.now() + 1_000)
  due.add('b', clock.now() + 1_000)
  due.add('c', clock.now() + 1_000)
  due.add('later', clock.now() + 5_000)
  due.remove('c')
  clock.advance(2_000)
  assert.deepEqual(seen, [['a', 'b']])
  clock.advance(4_000)
  assert.deepEqual(seen.flat(), ['a', 'b', 'later'])
})
