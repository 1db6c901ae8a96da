import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core, discovery } from '#api'
import { withHints } from './plan-endpoints.ts'
import { topologyHints, zoneShares } from './topology-hints.ts'

const node = (zone: string | undefined, cpu: string, more: { ready?: string; role?: string } = {}): core.Node => ({
  metadata: {
    labels: {
      ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }),
      ...(more.role === undefined ? {} : { [`node-role.kubernetes.io/${more.role}`]: '' }),
    },
  },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: more.ready ?? 'True' }] },
})
/** `a3 b1`: three ready endpoints in zone a, one in zone b. */
const endpoints = (text: string): discovery.Endpoint[] =>
  text
    .split(' ')
    .flatMap((part) => Array.from({ length: Number(part.slice(1)) }, (_, i) => ({ zone: part[0] ?? '', name: `${part[0] ?? ''}${i}` })))
    .map(({ zone, name }) => ({ addresses: [`10.0.0.${name}`], zone, conditions: { ready: true }, targetRef: { name } }))
const hints = (text: string, shares: Record<string, number>): string => {
  const verdict = topologyHints(endpoints(text), new Map(Object.entries(shares)))
  if ('problem' in verdict) return verdict.problem
  const counts = Map.groupBy(verdict.hints.values(), (zone) => zone)
  return [...counts]
    .map(([zone, all]) => `${zone}${all.length}`)
    .sort()
    .join(' ')
}

describe('the part of a zone', () => {
  it('is that of its processors among the nodes that are ready and serve users', () => {
    const nodes = [
      node('a', '2'),
      node('a', '1'),
      node('b', '1'),
      node('b', '8', { ready: 'False' }),
      node('c', '8', { role: 'control-plane' }),
    ]
    assert.deepEqual(
      zoneShares(nodes),
      new Map([
        ['a', 0.75],
        ['b', 0.25],
      ]),
    )
  })

  it('cannot be said with one zone, or with a node whose zone or processors are unknown', () => {
    assert.equal(zoneShares([node('a', '1'), node('a', '1')]), undefined)
    assert.equal(zoneShares([node('a', '1'), node('b', '1'), node(undefined, '1')]), undefined)
    assert.equal(zoneShares([node('a', '1'), node('b', '0')]), undefined)
  })
})

describe('hints for zones', () => {
  it('keep endpoints in their zones where these have their parts', () => {
    assert.equal(hints('a3 b3', { a: 0.5, b: 0.5 }), 'a3 b3')
    assert.equal(hints('a4 b2', { a: 0.6, b: 0.4 }), 'a4 b2')
  })

  it('give from zones with more than their part to those with less, or none', () => {
    assert.equal(hints('a6 b0', { a: 0.5, b: 0.5 }), 'a3 b3')
    assert.equal(hints('a2 b1 c6', { a: 1 / 3, b: 1 / 3, c: 1 / 3 }), 'a3 b3 c3')
    // From a zone that no node is in any more.
    assert.equal(hints('a2 b2 z2', { a: 0.5, b: 0.5 }), 'a3 b3')
  })

  it('are not given where an endpoint would bear too much', () => {
    assert.equal(hints('a1', { a: 0.5, b: 0.5 }), 'Insufficient number of endpoints (1 endpoints, 2 zones)')
    assert.equal(
      hints('a1 b1 c1', { a: 0.5, b: 0.45, c: 0.05 }),
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
    )
  })

  it('are the same however the endpoints come', () => {
    const all = endpoints('a5 b1')
    const shares = new Map([
      ['a', 0.5],
      ['b', 0.5],
    ])
    const said = (list: readonly discovery.Endpoint[]): readonly string[] => {
      const verdict = topologyHints(list, shares)
      assert.ok('hints' in verdict)
      return [...verdict.hints].map(([{ targetRef }, zone]) => `${targetRef?.name ?? ''} ${zone}`).sort()
    }
    assert.deepEqual(said(all.toReversed()), said(all))
  })

  it('go to all endpoints of a Service that are ready, or to none, with the reason', () => {
    const four = endpoints('a2 b2')
    const service: core.Service = { metadata: { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } }, spec: {} }
    const unready = { ...four[0], addresses: ['10.0.0.9'], conditions: { ready: false } }
    const groups = [{ addressType: 'IPv4', ports: [], endpoints: [...four, unready] }]
    const with2 = withHints(service, groups, () => [node('a', '1'), node('b', '1')])
    assert.deepEqual(
      with2.groups[0]?.endpoints.map((endpoint) => endpoint.hints?.forZones?.[0]?.name),
      ['a', 'a', 'b', 'b', undefined],
    )
    assert.deepEqual(with2.outcomes, [{ addressType: 'IPv4' }])
    const with1 = withHints(service, groups, () => [node('a', '1')])
    assert.ok(with1.groups[0]?.endpoints.every((endpoint) => endpoint.hints === undefined))
    assert.match(with1.outcomes[0]?.problem ?? '', /Insufficient Node information/)
    assert.deepEqual(withHints({ spec: {} }, groups, () => []).outcomes, [])
  })
})
