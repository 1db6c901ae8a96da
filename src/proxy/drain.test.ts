import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, rootScope } from '#base'
import { type discovery, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { type Drain, startDrain } from './drain.ts'
import type { Kernel } from './kernel/kernel.ts'
import { startProxy } from './proxy.ts'

/** A kernel whose transactions wait for permission. */
class SlowKernel implements Kernel {
  gate = Promise.resolve()
  async nft(): Promise<void> {
    await this.gate
  }
  async list(): Promise<string> {
    return '{"nftables": []}'
  }
  async conntrack(): Promise<string> {
    return ''
  }
  async setting(): Promise<string> {
    return '1'
  }
}

const ADDRESS = '10.1.0.5'

async function cluster(
  scope: Scope,
  nodes: readonly string[],
): Promise<{ client: Client; drains: readonly Drain[]; kernels: readonly SlowKernel[] }> {
  const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
  for (const name of nodes) {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    await client.resource(refs.nodes).create(scope, { metadata: { name }, status })
  }
  await client.resource(refs.services).create(scope, {
    metadata: { name: 'a', namespace: 'x' },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'TCP' }] },
  })
  await client.resource(refs.endpointslices).create(scope, slice({ ready: true }))
  const kernels = nodes.map(() => new SlowKernel())
  const drains = await Promise.all(
    nodes.map(async (nodeName, i) => {
      const informers = createInformers(client)
      const proxy = startProxy(scope, { informers, nodeName, table: 't', kernel: kernels[i] ?? new SlowKernel() })
      const drain = startDrain(scope, { informers, client, nodeName, proxy })
      await informers.start(scope)
      await proxy.settled()
      return drain
    }),
  )
  return { client, drains, kernels }
}

const slice = (conditions: discovery.EndpointConditions): discovery.EndpointSlice => ({
  metadata: { name: 'a', namespace: 'x', labels: { 'kubernetes.io/service-name': 'a' } },
  addressType: 'IPv4',
  ports: [{ port: 80, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.1.0.6'], conditions: { ready: true } },
    { addresses: [ADDRESS], conditions },
  ],
})

/** Whether it has resolved after everything that is under way has had its time. */
async function isDone(work: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending')
  const later = new Promise((resolve) => setTimeout(resolve, 50, pending))
  return (await Promise.race([work, later])) !== pending
}

test('an address that no Service leads to is out of use at once', async () => {
  using scope = rootScope()
  const { drains, client } = await cluster(scope, ['n1'])
  await drains[0]?.outOfUse(scope, ['10.1.0.99'])
  await client.resource(refs.endpointslices).update(scope, slice({ ready: false }))
  await eventually('not ready, so nobody is sent there', () => drains[0] !== undefined && isDone(drains[0].outOfUse(scope, [ADDRESS])))
})

test('waits until its slice says that it ends, and the kernel has that', async () => {
  using scope = rootScope()
  const { client, drains, kernels } = await cluster(scope, ['n1'])
  const gate = Promise.withResolvers<void>()
  if (kernels[0] !== undefined) kernels[0].gate = gate.promise
  const drained = drains[0]?.outOfUse(scope, [ADDRESS]) ?? Promise.reject(new Error('no drain'))
  assert.equal(await isDone(drained), false)
  await client.resource(refs.endpointslices).update(scope, slice({ ready: false, serving: true, terminating: true }))
  assert.equal(await isDone(drained), false)
  gate.resolve()
  await drained
})

test('waits for the kernels of all nodes', async () => {
  using scope = rootScope()
  const { client, drains, kernels } = await cluster(scope, ['n1', 'n2', 'n3'])
  await eventually(
    'all proxies are known',
    async () => (await client.resource(refs.leases).list(scope, { namespace: 'kube-system' })).items.length === 3,
  )
  const gate = Promise.withResolvers<void>()
  if (kernels[2] !== undefined) kernels[2].gate = gate.promise
  await client.resource(refs.endpointslices).update(scope, slice({ ready: false, serving: true, terminating: true }))
  const drained = drains[0]?.outOfUse(scope, [ADDRESS]) ?? Promise.reject(new Error('no drain'))
  const second = drains[0]?.outOfUse(scope, [ADDRESS]) ?? Promise.reject(new Error('no drain'))
  assert.equal(await isDone(drained), false)
  gate.resolve()
  await Promise.all([drained, second])
})

test('does not wait for a node that is not ready, nor longer than it is told', async () => {
  using scope = rootScope()
  const { client, drains, kernels } = await cluster(scope, ['n1', 'n2'])
  await eventually(
    'both proxies are known',
    async () => (await client.resource(refs.leases).list(scope, { namespace: 'kube-system' })).items.length === 2,
  )
  if (kernels[1] !== undefined) kernels[1].gate = new Promise(() => undefined)
  const drained = drains[0]?.outOfUse(scope, [ADDRESS]) ?? Promise.reject(new Error('no drain'))
  await client.resource(refs.endpointslices).update(scope, slice({ ready: false, terminating: true }))
  assert.equal(await isDone(drained), false)
  using hurried = scope.child({ timeoutMs: 20 })
  await assert.rejects(drains[0]?.outOfUse(hurried, [ADDRESS]) ?? Promise.resolve())
  const lost = { conditions: [{ type: 'Ready', status: 'Unknown' }] }
  await client.resource(refs.nodes).patch(scope, { name: 'n2' }, { type: 'merge', body: { status: lost } }, { subresource: 'status' })
  await client.resource(refs.nodes).patch(scope, { name: 'n2' }, { type: 'merge', body: { status: lost } })
  await drained
})
