import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { wantedTaints } from './plan-node.ts'
import { ZoneHealth } from './zone-health.ts'

const node = (name: string, ready: string, zone = 'z', taints: core.Taint[] = []): core.Node => ({
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  spec: { taints },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})
const silent = (health: ZoneHealth, ...names: string[]) => names.map((name) => health.see(name, node(name, 'Unknown')))

test('nobody is evicted while every node is silent, and everybody is looked at when one is back', () => {
  const health = new ZoneHealth()
  assert.equal(health.isLost, false)
  health.see('a', node('a', 'True'))
  health.see('b', node('b', 'True', 'other'))
  assert.deepEqual(silent(health, 'a'), [[]])
  assert.equal(health.evictionsOn(node('a', 'Unknown')), 'go on')
  assert.deepEqual(health.see('b', node('b', 'False', 'other')), ['a', 'b'])
  assert.equal(health.evictionsOn(node('a', 'Unknown')), 'stop')
  assert.deepEqual(health.see('b', node('b', 'True', 'other')), ['a', 'b'])
  assert.equal(health.evictionsOn(node('a', 'Unknown')), 'go on')
  assert.deepEqual(health.see('b', undefined), ['a'])
  assert.equal(health.isLost, true)
})

test('no more are evicted in a zone of which most is silent, until enough are back', () => {
  const health = new ZoneHealth()
  for (const name of ['a', 'b', 'c', 'd', 'e']) health.see(name, node(name, 'True'))
  health.see('far', node('far', 'True', 'other'))
  assert.deepEqual(silent(health, 'a', 'b', 'c'), [[], [], ['a', 'b', 'c', 'd', 'e']])
  assert.equal(health.evictionsOn(node('a', 'Unknown')), 'begin no more')
  assert.equal(health.evictionsOn(node('far', 'Unknown', 'other')), 'go on')
  assert.deepEqual(health.see('c', node('c', 'True')), ['a', 'b', 'c', 'd', 'e'])
  assert.equal(health.evictionsOn(node('a', 'Unknown')), 'go on')
})

test('most of a large zone being silent, they go on slowly', () => {
  const health = new ZoneHealth()
  for (let i = 0; i < 51; i++) health.see(`n${i}`, node(`n${i}`, i < 29 ? 'Unknown' : 'True'))
  assert.equal(health.evictionsOn(node('n1', 'Unknown')), 'go on slowly')
  health.see('n50', undefined)
  assert.equal(health.evictionsOn(node('n1', 'Unknown')), 'begin no more')
})

test('the taint that evicts is given, kept, changed or taken away as evictions go', () => {
  const taint = (key: string, effect: string): core.Taint => ({ key: `node.kubernetes.io/${key}`, effect })
  const of = (present: core.Taint[], ready: string, evictions: Parameters<typeof wantedTaints>[1]) =>
    wantedTaints(node('a', ready, 'z', present), evictions, 0)?.map(({ key, effect }) => `${key.split('/')[1] ?? ''}:${effect}`)
  const both = [taint('unreachable', 'NoSchedule'), taint('unreachable', 'NoExecute')]
  assert.deepEqual(of([], 'Unknown', 'go on'), ['unreachable:NoSchedule', 'unreachable:NoExecute'])
  assert.deepEqual(of([], 'Unknown', 'go on slowly'), ['unreachable:NoSchedule', 'unreachable:NoExecute'])
  assert.deepEqual(of([], 'Unknown', 'begin no more'), ['unreachable:NoSchedule'])
  assert.equal(of(both, 'Unknown', 'begin no more'), undefined)
  assert.deepEqual(of(both, 'False', 'begin no more'), ['not-ready:NoSchedule', 'not-ready:NoExecute'])
  assert.deepEqual(of(both, 'Unknown', 'stop'), ['unreachable:NoSchedule'])
  assert.deepEqual(of(both, 'True', 'go on'), [])
})
