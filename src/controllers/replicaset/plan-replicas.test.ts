import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { planReplicas } from './plan-replicas.ts'
import { rankForDeletion } from './rank-pods.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
interface Traits {
  readonly node?: string
  readonly phase?: string
  readonly ready?: boolean
  readonly readyFor?: number
  readonly cost?: string
  readonly restarts?: number
  readonly age?: number
}
function pod(
  name: string,
  { node = 'n', phase = 'Running', ready = true, readyFor = 600, cost, restarts = 0, age = 600 }: Traits = {},
): core.Pod {
  const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString()
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: ago(age),
      annotations: cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': cost },
    },
    spec: { nodeName: node, containers: [] },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(readyFor) }],
      containerStatuses: [{ name: 'main', ready, restartCount: restarts, image: '', imageID: '' }],
    },
  }
}

test('surplus pods go in the documented order', () => {
  const ranked = [
    pod('younger', { age: 100 }),
    pod('restarted', { restarts: 2 }),
    pod('ready-shortly', { readyFor: 20 }),
    pod('crowded', { node: 'many' }),
    pod('cheap', { cost: '-5' }),
    pod('unready', { ready: false, cost: '100' }),
    pod('pending', { phase: 'Pending', ready: false }),
    pod('unassigned', { node: '', phase: 'Pending', ready: false }),
    pod('steady'),
  ]
  const order = rankForDeletion(ranked, (node) => (node === 'many' ? 5 : 1), NOW).map(({ metadata }) => metadata?.name)
  assert.deepEqual(order, ['unassigned', 'pending', 'unready', 'cheap', 'crowded', 'ready-shortly', 'restarted', 'younger', 'steady'])
})

test('a deletion cost that is no 32-bit number counts as none', () => {
  const order = (cost: string): string | undefined => rankForDeletion([pod('a'), pod('b', { cost })], () => 1, NOW)[0]?.metadata?.name
  assert.equal(order('-1'), 'b')
  for (const cost of ['+1', '01', '1.5', 'x', '-9999999999', '']) assert.equal(order(cost), 'a', cost)
})

test('creates what is missing and deletes what is too much, at most 500 at once', () => {
  assert.deepEqual(planReplicas(3, [pod('a')], [], NOW), { create: 2 })
  assert.deepEqual(planReplicas(2000, [], [], NOW), { create: 500 })
  const plan = planReplicas(
    0,
    Array.from({ length: 600 }, (_, i) => pod(`p${i}`)),
    [],
    NOW,
  )
  assert.ok('remove' in plan && plan.remove.length === 500)
})

test('pods that are chosen for not being ready go only as long as they are not', () => {
  const all = [pod('up'), pod('down', { ready: false }), pod('up-too')]
  const downOf = (wanted: number): unknown => {
    const plan = planReplicas(wanted, all, [], NOW)
    return 'remove' in plan && [...plan.down].map(({ metadata }) => metadata?.name)
  }
  assert.deepEqual(downOf(1), ['down'])
  assert.deepEqual(downOf(0), [], 'nobody is chosen when all go')
})
