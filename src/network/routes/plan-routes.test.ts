import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { changeRoutes, overlayAddress, planRoutes } from './plan-routes.ts'

const node = (name: string, address: string, ...podCIDRs: readonly string[]): core.Node => ({
  metadata: { name },
  spec: { podCIDRs: [...podCIDRs] },
  status: {
    addresses: [
      { type: 'Hostname', address: name },
      { type: 'InternalIP', address },
    ],
  },
})

test('one route for each other node that has pods and an address', () => {
  const nodes = [
    node('c', '10.9.0.4', '10.1.2.0/24'),
    node('b', '10.9.0.3', '10.1.1.0/24'),
    node('a', '10.9.0.2', '10.1.0.0/24'),
    node('d', '10.9.0.5'),
  ]
  assert.deepEqual(planRoutes([...nodes, { metadata: { name: 'e' }, spec: { podCIDRs: ['10.1.9.0/24'] } }], 'a', 'IPv4'), [
    { cidr: '10.1.1.0/24', node: '10.9.0.3' },
    { cidr: '10.1.2.0/24', node: '10.9.0.4' },
  ])
})

test('nothing that somebody wrote reaches the commands as text', () => {
  assert.deepEqual(
    planRoutes([node('b', '10.9.0.3', '10.1.1.0/24 dev lo', '0.0.0.0/0', 'fd00::/64'), node('c', 'x; reboot', '10.1.2.0/24')], 'a', 'IPv4'),
    [],
  )
})

test('ranges of IPv6 go by way of the address of IPv6, or in the overlay of the first one; all in their one form', () => {
  const there = node('b', '10.9.0.3', '10.1.1.0/24', 'fd00:1:0:1::/64', 'fd00::%eth0/64', '::/0')
  const both = { ...there, status: { addresses: [...(there.status?.addresses ?? []), { type: 'InternalIP', address: 'FD00:9::3' }] } }
  assert.deepEqual(planRoutes([both], 'a', 'IPv6'), [{ cidr: 'fd00:1:0:1::/64', node: 'fd00:9::3' }])
  assert.deepEqual(planRoutes([there], 'a', 'IPv6'), [])
  assert.deepEqual(planRoutes([there], 'a', 'IPv6', 'IPv4'), [{ cidr: 'fd00:1:0:1::/64', node: '10.9.0.3' }])
})

test('two nodes that claim the same range: always the same one has it', () => {
  const nodes = [node('b', '10.9.0.3', '10.1.1.0/24'), node('c', '10.9.0.4', '10.1.1.0/24')]
  assert.deepEqual(planRoutes(nodes, 'a', 'IPv4'), planRoutes(nodes.toReversed(), 'a', 'IPv4'))
})

test('a node that moved replaces its route, one that left takes it away', () => {
  const present = [
    { cidr: '10.1.1.0/24', node: '10.9.0.3' },
    { cidr: '10.1.2.0/24', node: '10.9.0.4' },
    { cidr: '10.1.3.0/24', node: '10.9.0.5' },
  ]
  const wanted = [
    { cidr: '10.1.1.0/24', node: '10.9.0.3' },
    { cidr: '10.1.2.0/24', node: '10.9.0.9' },
  ]
  assert.deepEqual(changeRoutes(present, wanted), {
    add: [{ cidr: '10.1.2.0/24', node: '10.9.0.9' }],
    remove: [{ cidr: '10.1.3.0/24', node: '10.9.0.5' }],
  })
})

test("a node's place in the overlay follows from its address", () => {
  assert.equal(overlayAddress('10.199.3.4'), '02:53:0a:c7:03:04')
})
