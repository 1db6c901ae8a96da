import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, createLogger, rootScope } from '#base'
import { type core, type discovery, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { type RunningProxy, auditProxy, releaseProxy, startProxy, systemKernel } from '#proxy'
import { type Informer, createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { type Host, NODE_ADDRESS, NODE_ADDRESS6, type Network, OUTSIDE_ADDRESS, makeNetwork, noNetwork } from './proxy/network.ts'

/** Real rules, real connections: a node, three pods and a client outside, each in a network namespace of its own. */
const NODE = 'node-1'
const TABLE = 'sampan-test'
const POD_PORT = 8080
const PODS = ['10.244.0.0/16', 'fd00:244::/32']
const skip = noNetwork()

describe('the service proxy in a network of namespaces', { skip: skip ?? false }, () => {
  let network: Network
  let proxy: RunningProxy
  let client: Client
  let scope: CancellableScope
  let slicesOf: () => Informer<discovery.EndpointSlice>
  let lastAddress = 0

  before(async () => {
    network = await makeNetwork(3)
    await Promise.all(network.pods.map((pod) => pod.serve(POD_PORT)))
    scope = rootScope(process.env['SAMPAN_TEST_LOG'] === undefined ? {} : { log: createLogger({ component: 'test', level: 'debug' }) })
    client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    const informers = createInformers(client)
    proxy = startProxy(scope, {
      informers,
      nodeName: NODE,
      table: TABLE,
      kernel: systemKernel(network.netns),
      podNetworks: PODS,
      // The tests change the kernel's rules, and look themselves.
      auditEveryMs: 3_600_000,
    })
    slicesOf = () => informers.informer(refs.endpointslices)
    await informers.start(scope)
    await proxy.settled()
  })

  after(async () => {
    await releaseProxy(rootScope(), systemKernel(network.netns), TABLE, ['IPv4', 'IPv6'])
    for (const family of ['IPv4', 'IPv6'] as const)
      assert.equal(await systemKernel(network.netns).list(rootScope(), TABLE, family), undefined)
    scope.cancel()
    network.close()
  })

  const pod = (i: number): Host => network.pods[i - 1] ?? assert.fail(`pod ${i}`)

  interface Made {
    readonly name: string
    readonly address: string
  }

  async function service(spec: core.ServiceSpec, status: core.ServiceStatus = {}): Promise<Made> {
    const name = `s${++lastAddress}`
    const address = `10.96.${lastAddress >> 8}.${lastAddress & 255}`
    const ports = [{ name: 'web', port: 80, protocol: 'TCP', ...spec.ports?.[0] }]
    const made = {
      metadata: { name, namespace: 'x' },
      spec: { type: 'ClusterIP', clusterIP: address, clusterIPs: [address], ...spec, ports },
      status,
    }
    await client.resource(refs.services).create(scope, made)
    return { name, address }
  }

  interface Member {
    readonly pod: number
    readonly conditions?: discovery.EndpointConditions
    readonly nodeName?: string
  }

  async function writeEndpoints(
    { name: service }: Made,
    members: readonly (number | Member)[],
    protocol = 'TCP',
    addressType: 'IPv4' | 'IPv6' = 'IPv4',
  ): Promise<string> {
    const name = addressType === 'IPv4' ? service : `${service}-6`
    const slices = client.resource(refs.endpointslices)
    const slice: discovery.EndpointSlice = {
      metadata: { name, namespace: 'x', labels: { 'kubernetes.io/service-name': service } },
      addressType,
      ports: [{ name: 'web', port: POD_PORT, protocol }],
      endpoints: members.map((member) => {
        const { pod: i, conditions = { ready: true }, nodeName = NODE } = typeof member === 'number' ? { pod: member } : member
        return { addresses: [addressType === 'IPv4' ? pod(i).address : pod(i).address6], conditions, nodeName }
      }),
    }
    const known = (await slices.list(scope, { namespace: 'x' })).items.some(({ metadata }) => metadata?.name === name)
    const { metadata } = known ? await slices.update(scope, slice) : await slices.create(scope, slice)
    return metadata?.resourceVersion ?? ''
  }

  async function endpoints(
    made: Made,
    members: readonly (number | Member)[],
    protocol = 'TCP',
    addressType: 'IPv4' | 'IPv6' = 'IPv4',
  ): Promise<void> {
    await seen(await writeEndpoints(made, members, protocol, addressType))
  }

  /** Until the proxy's caches have it is the API's affair; from then on it is the proxy's. */
  async function seen(version: string): Promise<void> {
    await eventually(`version ${version} in the caches`, () => Number(slicesOf().version) >= Number(version))
    await proxy.settled()
  }

  const hosts = (answers: readonly string[]): readonly string[] => [...new Set(answers.map((answer) => answer.split(' ')[0] ?? ''))].sort()

  test('a cluster address leads to all endpoints, from pods, the node and outside', async () => {
    const made = await service({})
    await endpoints(made, [1, 2, 3])
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 40)), ['pod1', 'pod2', 'pod3'])
    assert.deepEqual(hosts(await network.node.tcp(made.address, 80, 40)), ['pod1', 'pod2', 'pod3'])
    assert.deepEqual(hosts(await network.outside.tcp(made.address, 80, 40)), ['pod1', 'pod2', 'pod3'])
    await endpoints(made, [2])
    assert.deepEqual(await pod(1).tcp(made.address, 80, 5), Array(5).fill(`pod2 ${pod(1).address}`))
    assert.deepEqual(await pod(1).tcp(made.address, 81), ['ECONNREFUSED'])
  })

  test('IPv6: cluster addresses, node ports, sources, affinity, UDP, refusal, and a pod that reaches itself', async () => {
    const six = 'fd00:10:96::7'
    const { address: four } = await service({})
    const dual = await service({
      type: 'NodePort',
      clusterIP: six,
      clusterIPs: [six, '10.96.77.1'],
      ipFamilies: ['IPv6', 'IPv4'],
      ports: [{ port: 80, nodePort: 30_666 }],
    })
    await endpoints(dual, [3])
    for (const host of [pod(1), network.node, network.outside]) assert.deepEqual(await host.tcp(six, 80), ['ECONNREFUSED'])
    assert.deepEqual(await network.outside.tcp(NODE_ADDRESS6, 30_666), ['ECONNREFUSED'])
    await endpoints(dual, [1, 2], 'TCP', 'IPv6')
    for (const host of [pod(3), network.node, network.outside]) assert.deepEqual(hosts(await host.tcp(six, 80, 30)), ['pod1', 'pod2'])
    assert.deepEqual(hosts(await pod(1).tcp('10.96.77.1', 80, 5)), ['pod3'])
    const seen = [...new Set(await network.outside.tcp(NODE_ADDRESS6, 30_666, 20))].sort()
    assert.deepEqual(seen, ['pod1 fd00:244:1::1', 'pod2 fd00:244:2::1'])
    assert.deepEqual(hosts(await network.outside.tcp(NODE_ADDRESS, 30_666, 5)), ['pod3'])
    assert.deepEqual(await network.node.tcp('::1', 30_666), ['ECONNREFUSED'])
    await endpoints(dual, [1], 'TCP', 'IPv6')
    assert.deepEqual(await pod(1).tcp(six, 80), ['pod1 fd00:244:1::1'])
    assert.deepEqual(await pod(2).tcp(six, 80), [`pod1 ${pod(2).address6}`])
    assert.deepEqual(await pod(2).tcp(four, 80), ['ECONNREFUSED'])

    const sticky = await service({ clusterIP: 'fd00:10:96::8', clusterIPs: ['fd00:10:96::8'], sessionAffinity: 'ClientIP' })
    await endpoints(sticky, [1, 2, 3], 'TCP', 'IPv6')
    for (const host of [pod(1), pod(2), pod(3), network.node, network.outside])
      assert.equal(hosts(await host.tcp('fd00:10:96::8', 80, 12)).length, 1)

    const udp = await service({ clusterIP: 'fd00:10:96::9', clusterIPs: ['fd00:10:96::9'], ports: [{ port: 53, protocol: 'UDP' }] })
    await endpoints(udp, [1], 'UDP', 'IPv6')
    assert.equal(await network.outside.udp('fd00:10:96::9', 53, 40_123), 'pod1 fd00:244:1::1')
    await endpoints(udp, [2], 'UDP', 'IPv6')
    assert.equal(await network.outside.udp('fd00:10:96::9', 53, 40_123), 'pod2 fd00:244:2::1')
    assert.equal((await proxy.audit(scope)).count, 0)
  })

  test('a pod reaches itself through its Service', async () => {
    const made = await service({})
    await endpoints(made, [1])
    assert.deepEqual(await pod(1).tcp(made.address, 80, 3), Array(3).fill('pod1 10.244.1.1'))
  })

  test('without an endpoint connections are refused at once', async () => {
    const made = await service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_100 }] })
    await endpoints(made, [])
    for (const host of [pod(1), network.node, network.outside])
      assert.deepEqual([host.name, ...(await host.tcp(made.address, 80))], [host.name, 'ECONNREFUSED'])
    assert.deepEqual(await network.outside.tcp(NODE_ADDRESS, 30_100), ['ECONNREFUSED'])
    await endpoints(made, [2])
    assert.deepEqual(hosts(await network.outside.tcp(NODE_ADDRESS, 30_100, 3)), ['pod2'])
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 3)), ['pod2'])
  })

  test('an address of Services that no Service has leads to nobody, whoever would answer beyond the node', async () => {
    const [address, address6] = ['10.96.200.1', 'fd00:10:96::c8']
    for (const one of [`${address}/32`, `${address6}/128`])
      execFileSync('ip', ['-n', basename(network.netns).replace(/node$/, 'outside'), 'address', 'add', one, 'dev', 'lo'])
    await network.outside.serve(80)
    for (const host of [pod(1), network.node]) {
      assert.deepEqual(hosts(await host.tcp(address, 80)), ['outside'])
      assert.deepEqual(hosts(await host.tcp(address6, 80)), ['outside'])
    }
    const { replacements } = proxy.stats()
    const ranges = { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] } }
    await client.resource(refs.servicecidrs).create(scope, ranges)
    await eventually('the proxy knows the ranges', () => proxy.stats().replacements === replacements + 1)
    for (const host of [pod(1), network.node]) {
      assert.deepEqual(await host.tcp(address, 80, 1, 300), ['timeout'])
      assert.deepEqual(await host.tcp(address6, 80, 1, 300), ['timeout'])
    }
    const made = await service({ clusterIP: address, clusterIPs: [address] })
    await endpoints(made, [2])
    assert.deepEqual(hosts(await pod(1).tcp(address, 80, 3)), ['pod2'])
    assert.equal((await proxy.audit(scope)).count, 0)
  })

  test('a node port hides the client, answers on every address of the node, and not on its loopback', async () => {
    const made = await service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_101 }] })
    await endpoints(made, [1, 2])
    const answers = await network.outside.tcp(NODE_ADDRESS, 30_101, 20)
    assert.deepEqual([...new Set(answers)].sort(), ['pod1 10.244.1.1', 'pod2 10.244.2.1'])
    assert.deepEqual(hosts(await network.node.tcp(NODE_ADDRESS, 30_101, 10)), ['pod1', 'pod2'])
    assert.deepEqual(hosts(await pod(1).tcp('10.244.1.1', 30_101, 10)), ['pod1', 'pod2'])
    assert.deepEqual(await network.node.tcp('127.0.0.1', 30_101), ['ECONNREFUSED'])
  })

  test('externalTrafficPolicy Local keeps the client and uses the endpoints of this node; clients of the cluster use all', async () => {
    const made = await service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30_102 }] })
    await endpoints(made, [1, { pod: 2, nodeName: 'node-2' }])
    assert.deepEqual([...new Set(await network.outside.tcp(NODE_ADDRESS, 30_102, 10))], [`pod1 ${OUTSIDE_ADDRESS}`])
    assert.deepEqual(hosts(await pod(3).tcp(NODE_ADDRESS, 30_102, 20)), ['pod1', 'pod2'])
    assert.deepEqual(hosts(await network.node.tcp(NODE_ADDRESS, 30_102, 20)), ['pod1', 'pod2'])
    await endpoints(made, [
      { pod: 1, nodeName: 'node-2' },
      { pod: 2, nodeName: 'node-2' },
    ])
    assert.deepEqual(await network.outside.tcp(NODE_ADDRESS, 30_102, 1, 300), ['timeout'])
    assert.deepEqual(hosts(await pod(3).tcp(NODE_ADDRESS, 30_102, 20)), ['pod1', 'pod2'])
  })

  test('internalTrafficPolicy Local uses the endpoints of this node', async () => {
    const made = await service({ internalTrafficPolicy: 'Local' })
    await endpoints(made, [{ pod: 1, nodeName: 'node-2' }, 2])
    assert.deepEqual(hosts(await pod(3).tcp(made.address, 80, 10)), ['pod2'])
  })

  test('session affinity holds over many connections, for each client, and while other endpoints come and go', async () => {
    const made = await service({ type: 'NodePort', sessionAffinity: 'ClientIP', ports: [{ port: 80, nodePort: 30_103 }] })
    await endpoints(made, [1, 2, 3])
    const clients = [pod(1), pod(2), network.node]
    const first = await Promise.all(clients.map(async (host) => hosts(await host.tcp(made.address, 80, 12))))
    for (const found of first) assert.equal(found.length, 1)
    const outside = hosts(await network.outside.tcp(NODE_ADDRESS, 30_103, 12))
    assert.equal(outside.length, 1)
    const [kept] = first[0] ?? []
    const another = [1, 2, 3].find((i) => `pod${i}` !== kept) ?? 0
    await endpoints(
      made,
      [1, 2, 3].filter((i) => i !== another),
    )
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 12)), [kept])
    await endpoints(made, [1, 2, 3])
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 12)), [kept])
    await endpoints(made, [another])
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 3)), [`pod${another}`])
  })

  test('UDP: a client whose endpoint goes is led to another with its next packet, and so is one that found none', async () => {
    const made = await service({ ports: [{ port: 80, protocol: 'UDP' }] })
    await endpoints(made, [1], 'UDP')
    assert.equal(await pod(3).udp(made.address, 80, 40_001), `pod1 ${pod(3).address}`)
    await endpoints(made, [2], 'UDP')
    assert.equal(await pod(3).udp(made.address, 80, 40_001), `pod2 ${pod(3).address}`)
    await endpoints(made, [], 'UDP')
    assert.equal(await pod(3).udp(made.address, 80, 40_001), 'ECONNREFUSED')
    await endpoints(made, [1], 'UDP')
    assert.equal(await pod(3).udp(made.address, 80, 40_001), `pod1 ${pod(3).address}`)
  })

  test('endpoints that end are used when there is no other, as long as they serve', async () => {
    const made = await service({})
    const ending = { ready: false, serving: true, terminating: true }
    await endpoints(made, [
      { pod: 1, conditions: ending },
      { pod: 2, conditions: { ready: false, serving: false, terminating: false } },
    ])
    assert.deepEqual(hosts(await pod(3).tcp(made.address, 80, 10)), ['pod1'])
    await endpoints(made, [{ pod: 1, conditions: ending }, 2, 3])
    assert.deepEqual(hosts(await pod(1).tcp(made.address, 80, 20)), ['pod2', 'pod3'])
    await endpoints(made, [{ pod: 1, conditions: { ...ending, serving: false } }])
    assert.deepEqual(await pod(3).tcp(made.address, 80), ['ECONNREFUSED'])
  })

  test('a load balancer address admits the source ranges and nobody else', async () => {
    const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.244.1.0/24', '10.244.1.2/32'] }
    const made = await service(spec, { loadBalancer: { ingress: [{ ip: '192.0.2.10' }] } })
    await endpoints(made, [2])
    assert.deepEqual(hosts(await pod(1).tcp('192.0.2.10', 80, 3)), ['pod2'])
    assert.deepEqual(await pod(3).tcp('192.0.2.10', 80, 1, 300), ['timeout'])
    assert.deepEqual(await network.outside.tcp('192.0.2.10', 80, 1, 300), ['timeout'])
    assert.deepEqual(hosts(await network.outside.tcp(made.address, 80, 3)), ['pod2'])
  })

  test('the audit finds nothing, then finds what somebody changed', async () => {
    assert.deepEqual((await proxy.audit(scope)).count, 0)
    const made = await service({})
    await endpoints(made, [1, 2])
    const kernel = systemKernel(network.netns)
    await kernel.nft(
      scope,
      `delete element ip ${TABLE} n2 { ${made.address} . tcp . 80 . 1 }
add element ip ${TABLE} cluster-addresses { 10.96.77.77 }
`,
    )
    const drift = await proxy.audit(scope)
    assert.deepEqual(
      [drift.count, drift.missing, drift.unexpected],
      [2, [`n2 ${made.address} . tcp . 80 . 1`], ['cluster-addresses 10.96.77.77']],
    )
    const other = await auditProxy(scope, {
      informers: createInformers(client),
      nodeName: NODE,
      table: TABLE,
      kernel,
      podNetworks: PODS,
    })
    assert.deepEqual(other, drift)
    await kernel.nft(
      scope,
      `add element ip ${TABLE} n2 { ${made.address} . tcp . 80 . 1 : ${pod(2).address} . ${POD_PORT} }
delete element ip ${TABLE} cluster-addresses { 10.96.77.77 }
`,
    )
    assert.equal((await proxy.audit(scope)).count, 0)
  })

  test('a transaction that the kernel refuses is followed by a replacement of all', async () => {
    const made = await service({})
    await endpoints(made, [1])
    const { replacements, failures } = proxy.stats()
    await systemKernel(network.netns).nft(scope, `delete table ip ${TABLE}\n`)
    await endpoints(made, [1, 2])
    assert.deepEqual([proxy.stats().replacements, proxy.stats().failures], [replacements + 1, failures + 1])
    assert.equal((await proxy.audit(scope)).count, 0)
    assert.deepEqual(hosts(await pod(3).tcp(made.address, 80, 20)), ['pod1', 'pod2'])
  })

  /** Milliseconds from the word to the API to the first answer through the rules; what cannot be asked yet is asked again at once. */
  async function firstAnswer(act: () => Promise<string>, wanted: string): Promise<number> {
    const start = performance.now()
    const address = await act()
    for (let i = 0; i < 1000; i++) {
      const [answer = ''] = await pod(3).tcp(address, 80, 1, 5)
      if (answer.startsWith(wanted)) return performance.now() - start
    }
    return assert.fail(`no answer of ${wanted}`)
  }

  async function changeTimes(): Promise<{
    readonly made: readonly number[]
    readonly changed: readonly number[]
    readonly last: readonly number[]
  }> {
    const made: number[] = []
    const changed: number[] = []
    const last: number[] = []
    for (let i = 0; i < 20; i++) {
      let service1: Made = { name: '', address: '' }
      const both = async (): Promise<string> => {
        service1 = await service({})
        await writeEndpoints(service1, [1])
        return service1.address
      }
      made.push(await firstAnswer(both, 'pod1'))
      const other = async (): Promise<string> => {
        await writeEndpoints(service1, [2])
        return service1.address
      }
      changed.push(await firstAnswer(other, 'pod2'))
      last.push(proxy.stats().lastMs)
    }
    return { made, changed, last }
  }

  const middle = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
  const summary = (times: readonly number[]): string => `p50 ${middle(times).toFixed(1)} ms, most ${Math.max(...times).toFixed(1)} ms`

  test('ten thousand Services: loaded in one transaction, and a change costs little more than without them', {
    timeout: 120_000,
  }, async (t) => {
    const few = await changeTimes()
    const table = `${TABLE}-many`
    const api = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    const services = api.resource(refs.services)
    const slices = api.resource(refs.endpointslices)
    for (let i = 0; i < 10_000; i++) {
      const address = `10.97.${i >> 8}.${i & 255}`
      const metadata = { name: `m${i}`, namespace: 'many' }
      await services.create(scope, {
        metadata,
        spec: { clusterIP: address, clusterIPs: [address], ports: [{ name: 'web', port: 80, protocol: 'TCP' }] },
      })
      await slices.create(scope, {
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': `m${i}` } },
        addressType: 'IPv4',
        ports: [{ name: 'web', port: POD_PORT, protocol: 'TCP' }],
        endpoints: [1, 2, 3].map((n) => ({ addresses: [pod(n).address], conditions: { ready: true }, nodeName: NODE })),
      })
    }
    const informers = createInformers(api)
    const kernel = systemKernel(network.netns)
    using within = scope.child()
    const many = startProxy(within, { informers, nodeName: NODE, table, kernel })
    await informers.start(within)
    await many.settled()
    const load = many.stats().lastMs
    assert.equal(many.stats().services, 10_000)
    assert.deepEqual(hosts(await pod(1).tcp('10.97.39.15', 80, 20)), ['pod1', 'pod2', 'pod3'])
    const changes: number[] = []
    for (let i = 0; i < 20; i++) {
      const name = `m${i * 499}`
      const metadata = { name, namespace: 'many', labels: { 'kubernetes.io/service-name': name } }
      const { metadata: written } = await slices.update(scope, {
        metadata,
        addressType: 'IPv4',
        ports: [{ name: 'web', port: POD_PORT, protocol: 'TCP' }],
        endpoints: [{ addresses: [pod(1).address], conditions: { ready: true }, nodeName: NODE }],
      })
      await eventually('the change', () => Number(informers.informer(refs.endpointslices).version) >= Number(written?.resourceVersion))
      await many.settled()
      changes.push(many.stats().lastMs)
    }
    assert.deepEqual(hosts(await pod(2).tcp('10.97.0.0', 80, 6)), ['pod1'])
    const before = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const idle = process.cpuUsage(before)
    const startAudit = performance.now()
    const drift = await many.audit(scope)
    const auditMs = performance.now() - startAudit
    await releaseProxy(scope, kernel, table)
    t.diagnostic(
      `new Service and endpoints to first answer: ${summary(few.made)}; endpoint change to first answer: ${summary(few.changed)}`,
    )
    t.diagnostic(
      `transaction with few Services: ${summary(few.last)}; with 10,000: ${summary(changes)}; loading 10,000: ${load.toFixed(0)} ms`,
    )
    t.diagnostic(
      `idle second with 10,000 Services: ${((idle.user + idle.system) / 1000).toFixed(1)} ms of CPU; audit of ${drift.elements} elements: ${auditMs.toFixed(0)} ms`,
    )
    assert.equal(drift.count, 0)
    assert.ok(
      middle(changes) < Math.max(middle(few.last) * 10, 50),
      `a change takes ${middle(changes)} ms with 10,000 Services and ${middle(few.last)} ms with few`,
    )
  })
})
