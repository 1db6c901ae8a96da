import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, rootScope, runProgram } from '#base'
import { type core, type networking, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { type RunningPolicies, releasePolicies, startPolicies } from '#network'
import { type Informer, createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { type Host, type Network, OUTSIDE_ADDRESS, makeNetwork, noNetwork } from './proxy/network.ts'

/** Real rules, real packets: a node, three pods and a client outside, each in a network namespace of its own. */
const TABLE = 'sampan-test-policies'
const PORT = 8080
const skip = noNetwork()
/** What is let through is answered within a few; what is not, never. */
const BLOCKED_MS = 400

describe('network policies in a network of namespaces', { skip: skip ?? false }, () => {
  let network: Network
  let policies: RunningPolicies
  let client: Client
  let scope: CancellableScope
  let seen: Informer<networking.NetworkPolicy>

  before(async () => {
    network = await makeNetwork(3)
    await Promise.all([...network.pods, network.outside, network.node].map((host) => host.serve(PORT)))
    scope = rootScope()
    client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    for (const name of ['x', 'y']) await client.resource(refs.namespaces).create(scope, { metadata: { name, labels: { team: name } } })
    for (const [i, namespace] of ['x', 'x', 'y'].entries()) await client.resource(refs.pods).create(scope, podOf(i + 1, namespace))
    const informers = createInformers(client)
    policies = startPolicies(scope, { informers, nodeName: 'here', table: TABLE, netns: network.netns, families: ['IPv4', 'IPv6'] })
    seen = informers.informer(refs.networkpolicies)
    await informers.start(scope)
  })

  after(async () => {
    scope.cancel()
    const after = rootScope()
    await releasePolicies(after, TABLE, network.netns, ['IPv4', 'IPv6'])
    const { stdout } = await runProgram(after, ['nsenter', `--net=${network.netns}`, 'nft', 'list', 'tables'])
    assert.equal(stdout.trim(), '')
    network.close()
  })

  const host = (i: number): Host => network.pods[i - 1] ?? assert.fail(`pod ${i}`)
  const podOf = (i: number, namespace: string): core.Pod => ({
    metadata: { name: `pod${i}`, namespace, labels: { pod: String(i) } },
    spec: { nodeName: 'here', containers: [{ name: 'main', image: 'x', ports: [{ name: 'web', containerPort: PORT }] }] },
    status: { podIP: host(i).address, podIPs: [{ ip: host(i).address }, { ip: host(i).address6 }], phase: 'Running' },
  })

  /** The only policy there is. */
  async function only(spec: networking.NetworkPolicySpec): Promise<void> {
    const all = client.resource(refs.networkpolicies)
    for (const { metadata } of (await all.list(scope, { namespace: 'x' })).items)
      await all.delete(scope, { namespace: 'x', name: metadata?.name ?? '' })
    const { metadata } = await all.create(scope, { metadata: { generateName: 'p-', namespace: 'x' }, spec })
    await eventually('the policy is in the cache, alone', () => seen.list().length === 1 && seen.get(`x/${metadata?.name}`) !== undefined)
    await policies.settled()
  }
  const ask = (from: Host, to: Host, port = PORT): Promise<readonly string[]> => from.tcp(to.address, port)
  const blocked = async (from: Host, to: Host, port = PORT, address = to.address): Promise<void> =>
    assert.deepEqual(await from.tcp(address, port, 1, BLOCKED_MS), ['timeout'])
  const first = { matchLabels: { pod: '1' } }

  test('without a policy everybody reaches everybody', async () => {
    assert.deepEqual(await ask(host(2), host(1)), ['pod1 10.244.2.2'])
  })

  test('a selected pod takes nothing, but its node still reaches it and it reaches others and itself', async () => {
    await only({ podSelector: first, policyTypes: ['Ingress'] })
    await blocked(host(2), host(1))
    await blocked(network.outside, host(1))
    assert.match((await ask(network.node, host(1)))[0] ?? '', /^pod1 /)
    assert.deepEqual(await ask(host(1), host(2)), ['pod2 10.244.1.2'])
    assert.deepEqual(await ask(host(1), host(1)), ['pod1 10.244.1.2'])
    assert.deepEqual(await ask(host(3), host(2)), ['pod2 10.244.3.2'])
  })

  test('it takes what a peer of its namespace sends, to the named port', async () => {
    await only({ podSelector: first, ingress: [{ from: [{ podSelector: { matchLabels: { pod: '2' } } }], ports: [{ port: 'web' }] }] })
    assert.deepEqual(await ask(host(2), host(1)), ['pod1 10.244.2.2'])
    await blocked(host(2), host(1), 81)
    await blocked(host(3), host(1))
  })

  test('namespaces are chosen by their labels', async () => {
    await only({ podSelector: first, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'y' } } }] }] })
    assert.deepEqual(await ask(host(3), host(1)), ['pod1 10.244.3.2'])
    await blocked(host(2), host(1))
  })

  test('a block lets in addresses, without those that it excepts', async () => {
    await only({ podSelector: first, ingress: [{ from: [{ ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.2.0/24'] } }] }] })
    assert.deepEqual(await ask(host(3), host(1)), ['pod1 10.244.3.2'])
    await blocked(host(2), host(1))
    await blocked(network.outside, host(1))
  })

  test('IPv6: blocks, peers by their labels, named ports, and what a pod may send', async () => {
    const six = (from: Host, to: Host): Promise<readonly string[]> => from.tcp(to.address6, PORT)
    const blockedSix = (from: Host, to: Host): Promise<void> => blocked(from, to, PORT, to.address6)
    await only({ podSelector: first, ingress: [{ from: [{ ipBlock: { cidr: 'fd00:244::/32', except: ['fd00:244:2::/48'] } }] }] })
    assert.deepEqual(await six(host(3), host(1)), [`pod1 ${host(3).address6}`])
    await blockedSix(host(2), host(1))
    await blockedSix(network.outside, host(1))
    await blocked(host(3), host(1))
    await only({ podSelector: first, ingress: [{ from: [{ podSelector: { matchLabels: { pod: '2' } } }], ports: [{ port: 'web' }] }] })
    assert.deepEqual(await six(host(2), host(1)), [`pod1 ${host(2).address6}`])
    await blockedSix(host(3), host(1))
    await only({ podSelector: first, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { pod: '2' } } }] }] })
    assert.deepEqual(await six(host(1), host(2)), [`pod2 ${host(1).address6}`])
    await blockedSix(host(1), host(3))
    await blockedSix(host(1), network.node)
    assert.deepEqual(await six(host(3), host(1)), [`pod1 ${host(3).address6}`])
  })

  test('ranges of ports, and protocols apart', async () => {
    await only({ podSelector: first, ingress: [{ ports: [{ port: PORT - 10, endPort: PORT + 10, protocol: 'UDP' }] }] })
    await blocked(host(2), host(1))
    assert.equal(await host(2).udp(host(1).address, PORT, 40_001), 'pod1 10.244.2.2')
    await only({ podSelector: first, ingress: [{ ports: [{ port: PORT - 10, endPort: PORT + 10 }] }] })
    assert.deepEqual(await ask(host(2), host(1)), ['pod1 10.244.2.2'])
    assert.equal(await host(2).udp(host(1).address, PORT, 40_002, BLOCKED_MS), 'timeout')
  })

  test('what a pod may send is kept in the same way, its own node included; answers to others are not', async () => {
    await only({ podSelector: first, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { pod: '2' } } }] }] })
    assert.deepEqual(await ask(host(1), host(2)), ['pod2 10.244.1.2'])
    await blocked(host(1), host(3))
    await blocked(host(1), network.node)
    await blocked(host(1), network.outside, PORT, OUTSIDE_ADDRESS)
    assert.deepEqual(await ask(host(3), host(1)), ['pod1 10.244.3.2'])
  })

  test('a pod that comes to be a peer is let in without new rules', async () => {
    await only({ podSelector: first, ingress: [{ from: [{ podSelector: { matchLabels: { friend: 'yes' } } }] }] })
    await blocked(host(2), host(1))
    const before = policies.stats.transactions
    const pods = client.resource(refs.pods)
    await pods.patch(scope, { namespace: 'x', name: 'pod2' }, { type: 'merge', body: { metadata: { labels: { friend: 'yes' } } } })
    await eventually('one more transaction', () => policies.stats.transactions > before)
    await policies.settled()
    assert.deepEqual(await ask(host(2), host(1)), ['pod1 10.244.2.2'])
  })

  test('when the last policy goes, everything is open', async () => {
    const all = client.resource(refs.networkpolicies)
    for (const { metadata } of seen.list()) await all.delete(scope, { namespace: 'x', name: metadata?.name ?? '' })
    await eventually('no policy is left', () => seen.list().length === 0)
    await policies.settled()
    assert.deepEqual(await ask(network.outside, host(1)), ['pod1 192.168.77.2'])
  })
})
