import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { type core, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { releaseRoutes } from './kernel-routes.ts'
import { startNodeNetwork } from './node-network.ts'

const PODS = ['10.244.0.0/16', 'fd00:244::/56']
const DEAD_ENDS = ['unreachable 10.244.0.0/16', 'unreachable fd00:244::/56']

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function why(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces'
  try {
    ip('-V')
    return false
  } catch {
    return 'needs iproute2'
  }
}

/** In a network that has a default route of both families, as nodes have. The tests build on each other, in this order. */
describe('routes to pods in a network of their own', { skip: why() }, () => {
  const name = `sampan-routes${process.pid}`
  const netns = `/run/netns/${name}`
  const inside = (...args: readonly string[]): string => ip('-n', name, ...args)
  let scope: CancellableScope
  let client: Client

  const node = (own: string, address: string, podCIDRs: readonly string[]): core.Node => ({
    metadata: { name: own },
    spec: { podCIDRs: [...podCIDRs] },
    status: { addresses: [{ type: 'InternalIP', address }] },
  })
  const ours = (): readonly string[] =>
    ['-4', '-6']
      .flatMap((family) => inside(family, 'route', 'show', 'proto', '201').split('\n'))
      .flatMap((line) => /^(?:unreachable )?\S+(?: via \S+)?/.exec(line)?.[0] ?? [])
      .sort()
  /** What a packet meets, in the kernel's words. */
  const wayTo = (address: string): string => {
    try {
      return inside('route', 'get', address)
    } catch (error) {
      return String((error as { readonly stderr?: unknown }).stderr)
    }
  }

  before(async () => {
    ip('netns', 'add', name)
    for (const line of [
      'link set lo up',
      'link add eth0 type veth peer name far',
      'address add 10.9.0.2/24 dev eth0',
      'address add fd00:9::2/64 dev eth0 nodad',
      'link set eth0 up',
      'link set far up',
      'route add default via 10.9.0.1',
      'route add default via fd00:9::1',
      // Of another cluster, which shares this network.
      'route add 10.128.0.0/24 via 10.9.0.9 proto 201',
      'route add unreachable 10.128.0.0/20 proto 201 metric 4000000000',
    ])
      inside(...line.split(' '))
    scope = rootScope()
    client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
    await client.resource(refs.nodes).create(scope, node('a', '10.9.0.2', ['10.244.0.0/24', 'fd00:244::/64']))
    await client.resource(refs.nodes).create(scope, node('b', '10.9.0.3', ['10.244.1.0/24']))
  })
  after(() => {
    scope.cancel()
    ip('netns', 'delete', name)
  })

  const OTHERS = ['10.128.0.0/24 via 10.9.0.9', 'unreachable 10.128.0.0/20']

  it('lead to the pods of other nodes; packets to pods that are nowhere do not leave', async () => {
    assert.match(wayTo('10.244.0.7'), /via 10\.9\.0\.1/)
    assert.match(wayTo('fd00:244::7'), /via fd00:9::1/)
    const informers = createInformers(client)
    const [families, podNetworks] = [['IPv4', 'IPv6'], PODS] as const
    startNodeNetwork(scope, {
      informers,
      nodeName: 'a',
      nodeAddress: '10.9.0.2',
      families,
      podNetworks,
      mode: 'route',
      netns,
      auditEveryMs: 50,
    })
    await informers.start(scope)
    await eventually('the routes', () => ours().length === 5)
    assert.deepEqual(ours(), ['10.244.1.0/24 via 10.9.0.3', ...OTHERS, ...DEAD_ENDS].sort())
    for (const address of ['10.244.0.7', '10.244.9.7', 'fd00:244::7']) assert.match(wayTo(address), /No route to host/)
    assert.match(wayTo('10.244.1.7'), /via 10\.9\.0\.3/)
    assert.match(wayTo('192.0.2.1'), /via 10\.9\.0\.1/)
    inside('route', 'add', '10.244.0.8/32', 'dev', 'far', 'metric', '4294967295')
    assert.match(wayTo('10.244.0.8'), /dev far/)
  })

  it('end with a node that goes: its pods are nowhere then', async () => {
    await client.resource(refs.nodes).delete(scope, { name: 'b' })
    await eventually('no route to it', () => ours().length === 4)
    assert.match(wayTo('10.244.1.7'), /No route to host/)
  })

  it('come back when somebody takes them away, and what others add under their mark goes', async () => {
    inside('route', 'del', 'unreachable', '10.244.0.0/16', 'metric', '4000000000')
    inside('route', 'add', '10.244.5.0/24', 'via', '10.9.0.5', 'proto', '201')
    await eventually('they are as they were', () => ours().join() === [...OTHERS, ...DEAD_ENDS].sort().join())
  })

  it('are taken away when the cluster goes, and no others', async () => {
    scope.cancel()
    for (let i = 0; i < 2; i++) await releaseRoutes(rootScope(), { podNetworks: PODS, netns })
    assert.deepEqual(ours(), OTHERS)
  })
})
