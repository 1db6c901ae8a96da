import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type core, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi, eventually, manualClock } from '#testing'
import { withOthers } from './node-status.ts'
import { NodeRegistrar } from './registrar.ts'

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

test('a node that was taken for dead while it was silent says that it is ready as soon as it beats again', async () => {
  const api = createFakeApi()
  const clock = manualClock()
  using scope = rootScope({ clock })
  const client = createClient({ transport: inProcessTransport(api.handler) })
  const ready = async (before: core.NodeStatus | undefined): Promise<core.NodeStatus> => ({
    ...before,
    conditions: [{ type: 'Ready', status: 'True' }],
  })
  const options = { name: 'n', labels: {}, taints: [], podCidrs: undefined, leaseSeconds: 40, beatMs: 10_000, isRemoved: () => false }
  const registrar = new NodeRegistrar(client, { ...options, status: ready })
  await registrar.register(scope)
  void registrar.run(scope)
  const statusNow = async (): Promise<string | undefined> =>
    (await client.resource(refs.nodes).get(scope, { name: 'n' })).status?.conditions?.[0]?.status
  for (let beat = 0; beat < 6; beat++) {
    await settled()
    clock.advance(10_000)
  }
  await settled()
  const node = await client.resource(refs.nodes).get(scope, { name: 'n' })
  await client
    .resource(refs.nodes)
    .update(scope, { ...node, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, { subresource: 'status' })
  assert.equal(await statusNow(), 'Unknown')
  // The machine slept for a minute.
  clock.advance(60_000)
  await settled()
  assert.equal(await statusNow(), 'True')
})

test('what others write into the capacity is seen, and what is no more allocatable goes', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
  const resources = { capacity: { cpu: '4' }, allocatable: { cpu: '3' } }
  const status = async (before: core.NodeStatus | undefined): Promise<core.NodeStatus> => withOthers(resources, before?.capacity)
  const options = { name: 'n', labels: {}, taints: [], podCidrs: undefined, leaseSeconds: 40, beatMs: 10_000, isRemoved: () => false }
  const registrar = new NodeRegistrar(client, { ...options, status })
  await registrar.register(scope)
  void registrar.run(scope)
  const nodes = client.resource(refs.nodes)
  const comesToAllow = async (capacity: Record<string, string>, allocatable: Record<string, string>): Promise<void> => {
    const node = await nodes.get(scope, { name: 'n' })
    await nodes.update(scope, { ...node, status: { ...node.status, capacity: { cpu: '4', ...capacity } } }, { subresource: 'status' })
    await eventually('pods may ask for it', async () => {
      clock.advance(10_000)
      const now = await nodes.get(scope, { name: 'n' })
      assert.deepEqual(now.status?.allocatable, { cpu: '3', ...allocatable })
      return true
    })
  }
  const own = { 'example.com/seats': '7' }
  await comesToAllow({ ...own, 'hugepages-2Mi': '4Mi' }, own)
  await comesToAllow({}, {})
})

test('a node that is deleted comes back, but for one that has been told not to', async () => {
  for (const isRemoved of [false, true]) {
    const clock = manualClock()
    using scope = rootScope({ clock })
    const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    const status = async (): Promise<core.NodeStatus> => ({ conditions: [{ type: 'Ready', status: isRemoved ? 'True' : 'False' }] })
    const options = { name: 'n', labels: {}, taints: [], podCidrs: undefined, leaseSeconds: 1000, beatMs: 400_000 }
    const registrar = new NodeRegistrar(client, { ...options, isRemoved: () => isRemoved, status })
    await registrar.register(scope)
    void registrar.run(scope)
    await settled()
    await client.resource(refs.nodes).delete(scope, { name: 'n' })
    for (let step = 0; step < 3; step++) {
      clock.advance(400_000)
      await settled()
    }
    assert.equal((await client.resource(refs.nodes).list(scope)).items.length, isRemoved ? 0 : 1)
  }
})
