import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core } from '#api'
import type { PodMetric } from './pod-groups.ts'
import { type Target, replicasForAverage, replicasForUtilization, replicasForValue, replicasForValuePerPod } from './replica-count.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString()

interface Traits {
  readonly phase?: string
  readonly ready?: boolean
  readonly startedFor?: number
  readonly changedFor?: number
  readonly request?: string
  readonly deleted?: boolean
}
const pod = (
  name: string,
  { phase = 'Running', ready = true, startedFor = 3600, changedFor = 3600, request = '1', deleted = false }: Traits = {},
): core.Pod => ({
  metadata: { name, ...(deleted ? { deletionTimestamp: ago(1) } : {}) },
  spec: { containers: [{ name: 'main', ...(request === '' ? {} : { resources: { requests: { cpu: request } } }) }] },
  status: {
    phase,
    startTime: ago(startedFor),
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(changedFor) }],
  },
})
const target = (pods: readonly core.Pod[], specReplicas = pods.length): Target => ({
  pods,
  specReplicas,
  statusReplicas: specReplicas,
  tolerances: { up: 0.1, down: 0.1 },
  patience: { cpuInitializationMs: 300_000, initialReadinessMs: 30_000 },
  nowMs: NOW,
})
const samples = (...milli: readonly (number | undefined)[]): ReadonlyMap<string, PodMetric> =>
  new Map(
    milli.flatMap((value, i) => (value === undefined ? [] : [[`p${i}`, { atMs: NOW - 1000, windowMs: 10_000, milli: value }] as const])),
  )
const pods = (...traits: readonly (Traits | undefined)[]): core.Pod[] => traits.map((one, i) => pod(`p${i}`, one))

describe('replicas for a share of the requests', () => {
  const cases: readonly (readonly [string, core.Pod[], ReadonlyMap<string, PodMetric>, number, number])[] = [
    ['grow with the usage', pods({}, {}, {}), samples(900, 900, 900), 50, 6],
    ['shrink with the usage', pods({}, {}, {}, {}), samples(100, 100, 100, 100), 50, 1],
    ['stay within the tolerance', pods({}, {}, {}), samples(540, 540, 540), 50, 3],
    ['count pods without a sample as idle when growing', pods({}, {}, {}), samples(1000, 1000, undefined), 50, 4],
    ['stay when a missing sample would turn the direction', pods({}, {}, {}), samples(600, undefined, undefined), 50, 3],
    ['count pods without a sample as busy when shrinking', pods({}, {}, {}), samples(100, 100, undefined), 50, 3],
    ['leave terminating and failed pods out', pods({}, { deleted: true }, { phase: 'Failed' }), samples(1000, 1000, 1000), 50, 2],
    ['count pending pods as idle when growing', pods({}, { phase: 'Pending' }), samples(2000), 50, 4],
    [
      'count young unready pods as idle when growing',
      pods({}, { ready: false, startedFor: 60, changedFor: 60 }),
      samples(2000, 4000),
      50,
      4,
    ],
    [
      'believe an old pod that has been ready before',
      pods({}, { ready: false, startedFor: 3600, changedFor: 10 }),
      samples(1000, 1000),
      50,
      4,
    ],
    ['leave the sample of a start out', pods({}, { startedFor: 20, changedFor: 5 }), samples(500, 9000), 50, 2],
  ]
  for (const [name, all, metrics, percent, expected] of cases)
    it(name, () => assert.equal(replicasForUtilization(target(all), metrics, 'cpu', '', percent).replicas, expected))

  it('say what was measured', () => {
    const { utilization, milli } = replicasForUtilization(target(pods({}, { request: '500m' })), samples(500, 500), 'cpu', '', 50)
    assert.deepEqual([utilization, milli], [66, 500])
  })
  it('need requests', () => {
    assert.throws(() => replicasForUtilization(target(pods({ request: '' })), samples(1), 'cpu', '', 50), {
      message: 'missing request for cpu in container main of Pod p0',
    })
    assert.throws(() => replicasForUtilization(target(pods({})), samples(1), 'cpu', 'other', 50), {
      message: 'container other not found in Pod p0',
    })
  })
  it('need pods and samples of them', () => {
    assert.throws(() => replicasForUtilization(target([]), samples(1), 'cpu', '', 50), /no pods returned by selector/)
    assert.throws(
      () => replicasForUtilization(target(pods({ phase: 'Pending' })), samples(1), 'cpu', '', 50),
      /did not receive metrics for targeted pods/,
    )
  })
})

describe('replicas for an amount', () => {
  it('follow the average of the pods', () => {
    assert.equal(replicasForAverage(target(pods({}, {})), samples(3000, 1000), false, 1000).replicas, 4)
    assert.equal(replicasForAverage(target(pods({}, {})), samples(1000, undefined), false, 4000).replicas, 2)
  })
  it('follow one value, shared by the ready pods', () => {
    assert.equal(replicasForValue(target(pods({}, { ready: false }, {})), 3000, 1000).replicas, 6)
    assert.equal(replicasForValue(target(pods({}), 0), 2500, 1000).replicas, 3)
    assert.equal(replicasForValue(target(pods({}, {})), 1050, 1000).replicas, 2)
  })
  it('follow one value, of which each pod takes a part', () => {
    assert.deepEqual(replicasForValuePerPod(target(pods({}, {})), 9000, 1000), { replicas: 9, milli: 4500 })
    assert.equal(replicasForValuePerPod(target(pods({}, {})), 2100, 1000).replicas, 2)
  })
})
