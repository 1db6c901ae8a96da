import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core, discovery } from '#api'
import { type AnnounceWorld, planAnnouncements } from './plan-announce.ts'

const node = (name: string, ready = 'True', labels: Record<string, string> = {}): core.Node => ({
  metadata: { name, labels },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})
const service = (ip: string, spec: core.ServiceSpec = {}): core.Service => ({
  metadata: { name: ip, namespace: 'x' },
  spec: { type: 'LoadBalancer', ...spec },
  status: { loadBalancer: { ingress: [{ ip }] } },
})
const addresses = Array.from({ length: 30 }, (_, i) => `10.9.0.${i + 1}`)
const world = (
  nodes: readonly core.Node[],
  services: readonly core.Service[],
  slice?: discovery.EndpointSlice,
): Omit<AnnounceWorld, 'nodeName'> => ({
  nodes,
  services,
  slicesOf: () => (slice === undefined ? [] : [slice]),
  isOurs: (address) => address.startsWith('10.9.'),
})

test('each address belongs to one node, and all nodes have some', () => {
  const whole = world(
    [node('a'), node('b'), node('c')],
    addresses.map((ip) => service(ip)),
  )
  const shares = ['a', 'b', 'c'].map((nodeName) => planAnnouncements({ nodeName, ...whole }))
  assert.deepEqual(shares.flat().sort(), [...addresses].sort())
  assert.ok(shares.every(({ length }) => length > 0))
})

test('a node that leaves gives away only what it had', () => {
  const services = addresses.map((ip) => service(ip))
  const before = planAnnouncements({ nodeName: 'a', ...world([node('a'), node('b'), node('c')], services) })
  const after = planAnnouncements({ nodeName: 'a', ...world([node('a'), node('b'), node('c', 'Unknown')], services) })
  assert.deepEqual(
    before.filter((address) => !after.includes(address)),
    [],
  )
})

test('only nodes with endpoints where the policy is Local, none that is excluded, and no address that is not ours', () => {
  const endpoints = [
    { addresses: ['10.1.0.2'], nodeName: 'b', conditions: { ready: true } },
    { addresses: ['10.1.1.2'], nodeName: 'a', conditions: { ready: false } },
  ]
  const slice: discovery.EndpointSlice = { addressType: 'IPv4', endpoints }
  const local = world(
    [node('a'), node('b')],
    addresses.map((ip) => service(ip, { externalTrafficPolicy: 'Local' })),
    slice,
  )
  assert.deepEqual(planAnnouncements({ nodeName: 'a', ...local }), [])
  assert.equal(planAnnouncements({ nodeName: 'b', ...local }).length, addresses.length)
  const excluded = node('a', 'True', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' })
  assert.deepEqual(planAnnouncements({ nodeName: 'a', ...world([excluded], [service('10.9.0.1')]) }), [])
  assert.deepEqual(planAnnouncements({ nodeName: 'a', ...world([node('a')], [service('203.0.113.7'), service('10.9.0.1; reboot')]) }), [])
})
