import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import {
  MODE,
  type NetworkMode,
  type NodeRoute,
  changeRoutes,
  isOfPods,
  needsOverlay,
  overlayAddress,
  planDeadEnds,
  planRoutes,
} from './plan-routes.ts'

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
  assert.deepEqual(planRoutes([...nodes, { metadata: { name: 'e' }, spec: { podCIDRs: ['10.1.9.0/24'] } }], 'a', 'IPv4', 'route'), [
    { cidr: '10.1.1.0/24', node: '10.9.0.3', way: 'route' },
    { cidr: '10.1.2.0/24', node: '10.9.0.4', way: 'route' },
  ])
})

test('nothing that somebody wrote reaches the commands as text', () => {
  assert.deepEqual(
    planRoutes(
      [node('b', '10.9.0.3', '10.1.1.0/24 dev lo', '0.0.0.0/0', 'fd00::/64'), node('c', 'x; reboot', '10.1.2.0/24')],
      'a',
      'IPv4',
      'route',
    ),
    [],
  )
})

test('ranges of IPv6 go by way of the address of IPv6, or in the overlay of the first one; all in their one form', () => {
  const there = node('b', '10.9.0.3', '10.1.1.0/24', 'fd00:1:0:1::/64', 'fd00::%eth0/64', '::/0')
  const both = { ...there, status: { addresses: [...(there.status?.addresses ?? []), { type: 'InternalIP', address: 'FD00:9::3' }] } }
  assert.deepEqual(planRoutes([both], 'a', 'IPv6', 'route'), [{ cidr: 'fd00:1:0:1::/64', node: 'fd00:9::3', way: 'route' }])
  assert.deepEqual(planRoutes([there], 'a', 'IPv6', 'route'), [])
  assert.deepEqual(planRoutes([there], 'a', 'IPv6', 'overlay'), [{ cidr: 'fd00:1:0:1::/64', node: '10.9.0.3', way: 'overlay' }])
})

test('packed is what both sides send packed, and a node takes packed packets as long as another may send them', () => {
  const says = (mode: string | undefined, name: string, last: number): core.Node => {
    const made = node(name, `10.9.0.${last}`, `10.1.${last}.0/24`)
    return { ...made, metadata: { name, ...(mode === undefined ? {} : { annotations: { [MODE]: mode } }) } }
  }
  const nodes = [says('overlay', 'a', 1), says('overlay', 'b', 2), says('route', 'c', 3), says(undefined, 'd', 4)]
  const ways = (self: string, mode: NetworkMode): readonly string[] => planRoutes(nodes, self, 'IPv4', mode).map(({ way }) => way)
  assert.deepEqual(ways('a', 'overlay'), ['overlay', 'route', 'overlay'])
  assert.deepEqual(ways('c', 'route'), ['route', 'route', 'route'])
  assert.equal(needsOverlay(nodes, 'c', 'route'), true)
  assert.equal(needsOverlay([says('overlay', 'a', 1), says('route', 'c', 3), says(undefined, 'd', 4)], 'a', 'route'), false)
  assert.deepEqual(
    changeRoutes([{ cidr: '10.1.2.0/24', node: '10.9.0.2', way: 'overlay' }], [{ cidr: '10.1.2.0/24', node: '10.9.0.2', way: 'route' }]),
    { add: [{ cidr: '10.1.2.0/24', node: '10.9.0.2', way: 'route' }], remove: [] },
  )
})

test('two nodes that claim the same range: always the same one has it', () => {
  const nodes = [node('b', '10.9.0.3', '10.1.1.0/24'), node('c', '10.9.0.4', '10.1.1.0/24')]
  assert.deepEqual(planRoutes(nodes, 'a', 'IPv4', 'route'), planRoutes(nodes.toReversed(), 'a', 'IPv4', 'route'))
})

test('a node that moved replaces its route, one that left takes it away', () => {
  const present: readonly NodeRoute[] = [
    { cidr: '10.1.1.0/24', node: '10.9.0.3', way: 'route' },
    { cidr: '10.1.2.0/24', node: '10.9.0.4', way: 'route' },
    { cidr: '10.1.3.0/24', node: '10.9.0.5', way: 'route' },
  ]
  const wanted: readonly NodeRoute[] = [
    { cidr: '10.1.1.0/24', node: '10.9.0.3', way: 'route' },
    { cidr: '10.1.2.0/24', node: '10.9.0.9', way: 'route' },
  ]
  assert.deepEqual(changeRoutes(present, wanted), {
    add: [{ cidr: '10.1.2.0/24', node: '10.9.0.9', way: 'route' }],
    remove: [{ cidr: '10.1.3.0/24', node: '10.9.0.5', way: 'route' }],
  })
})

test('dead ends: all pods where they are known, and what the node itself has besides; each address once', () => {
  const nodes = [node('a', '10.9.0.2', '10.1.0.0/24', 'fd00:1::/64'), node('b', '10.9.0.3', '10.2.0.0/24')]
  assert.deepEqual(planDeadEnds(['10.1.0.0/16', 'fd00:2::/56'], nodes, 'a', 'IPv4'), ['10.1.0.0/16'])
  assert.deepEqual(planDeadEnds(['10.1.0.0/16', 'fd00:2::/56'], nodes, 'a', 'IPv6'), ['fd00:1::/64', 'fd00:2::/56'])
  assert.deepEqual(planDeadEnds([], nodes, 'a', 'IPv4'), ['10.1.0.0/24'])
  assert.deepEqual(planDeadEnds([], nodes, undefined, 'IPv4'), [])
  assert.deepEqual(planDeadEnds(['0.0.0.0/0', '10.3.0.0/16 dev lo', '10.4.7.0/16'], [], undefined, 'IPv4'), ['10.4.0.0/16'])
})

test("routes of other clusters' pods are not this one's", () => {
  assert.equal(isOfPods('10.1.3.0/24', ['10.1.0.0/16'], 'IPv4'), true)
  assert.equal(isOfPods('10.1.0.0/16', ['10.1.0.0/16'], 'IPv4'), true)
  assert.equal(isOfPods('10.0.0.0/8', ['10.1.0.0/16'], 'IPv4'), false)
  assert.equal(isOfPods('10.2.3.0/24', ['10.1.0.0/16'], 'IPv4'), false)
  assert.equal(isOfPods('default', ['10.1.0.0/16'], 'IPv4'), false)
  assert.equal(isOfPods('10.2.3.0/24', [], 'IPv4'), true)
})

test("a node's place in the overlay follows from its address", () => {
  assert.equal(overlayAddress('10.199.3.4'), '02:53:0a:c7:03:04')
})
