import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { apps } from '#api'
import { planRollingUpdate } from './plan-rollout.ts'
import { isScaling, planCleanup, planScaling } from './plan-scaling.ts'
import { planRolloutStatus } from './plan-status.ts'
import { DESIRED_REPLICAS, MAX_REPLICAS, allowanceOf, newSetAnnotations, nextRevision, revisionOf } from './replica-sets.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'a' }] } }
function deployment(replicas: number, maxSurge: number | string, maxUnavailable: number | string): apps.Deployment {
  return {
    metadata: { name: 'web', namespace: 'x', generation: 1 },
    spec: { replicas, selector: {}, template, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
  }
}
function set(name: string, replicas: number, available: number, created = 1, annotations: Record<string, string> = {}): apps.ReplicaSet {
  return {
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${created}Z`, generation: 1, annotations },
    spec: { replicas, selector: {}, template },
    status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  }
}
const steps = (plan: readonly { readonly set: apps.ReplicaSet; readonly to: number }[]): string[] =>
  plan.map(({ set: { metadata }, to }) => `${metadata?.name ?? ''}=${to}`)

test('what a rolling update is allowed', () => {
  const cases: readonly (readonly [number, number | string, number | string, number, number])[] = [
    [4, '25%', '25%', 1, 1],
    [3, '50%', '50%', 2, 1],
    [3, '0%', '1%', 0, 1],
    [2, '10%', '0%', 1, 0],
    [3, 0, '100%', 0, 3],
    [2, 1, 5, 1, 2],
    [0, 0, 0, 0, 0],
  ]
  for (const [replicas, surge, unavailable, ...wanted] of cases) {
    const allowance = allowanceOf(deployment(replicas, surge, unavailable))
    assert.deepEqual([allowance.surge, allowance.unavailable], wanted, `${replicas} ${surge} ${unavailable}`)
  }
})

test('steps of a rolling update', () => {
  const four = deployment(4, '25%', '25%')
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 0, 0, 2), [set('old', 4, 4)])), ['new=1'])
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 1, 0, 2), [set('old', 4, 4)])), ['old=3'])
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 2, 0, 2), [set('old', 3, 3)])), [])
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 2, 1, 2), [set('old', 3, 3)])), ['old=2'])
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 4, 4, 2), [set('old', 0, 0)])), [])
  assert.deepEqual(steps(planRollingUpdate(four, set('new', 6, 4, 2), [])), ['new=4'])
})

test('old pods that are not available go first, the oldest set first', () => {
  const plan = planRollingUpdate(deployment(10, 0, 4), set('new', 0, 0, 3), [set('b', 5, 4, 2), set('a', 5, 3, 1)])
  assert.deepEqual(steps(plan), ['a=3', 'b=4', 'a=2'])
})

test('counts of an earlier size are waited out', () => {
  assert.deepEqual(steps(planRollingUpdate(deployment(6, 3, 2), set('new', 4, 0, 2), [set('old', 5, 8)])), [])
  const unseen = set('old', 5, 5)
  assert.deepEqual(
    steps(planRollingUpdate(deployment(6, 3, 2), set('new', 4, 0, 2), [{ ...unseen, metadata: { ...unseen.metadata, generation: 2 } }])),
    [],
  )
  assert.deepEqual(steps(planRollingUpdate(deployment(6, 3, 2), set('new', 4, 0, 2), [set('old', 5, 5)])), ['old=4'])
})

test('proportional scaling: the biggest set takes what rounding leaves over', () => {
  const marks = { [DESIRED_REPLICAS]: '10', [MAX_REPLICAS]: '13' }
  const old = set('old', 8, 8, 1, marks)
  const now = set('new', 5, 0, 2, marks)
  const scaled = deployment(15, 3, 2)
  assert.ok(isScaling(scaled, [old, now]))
  assert.deepEqual(steps(planScaling(scaled, now, [old])), ['old=11', 'new=7'])
  assert.deepEqual(steps(planScaling(deployment(0, 3, 2), now, [old])), ['old=0', 'new=0'])
})

test('a single active set takes the whole size; a saturated newest one ends the others', () => {
  assert.deepEqual(steps(planScaling(deployment(5, 1, 1), set('new', 3, 3), [])), ['new=5'])
  const full = set('new', 3, 3, 2, { [DESIRED_REPLICAS]: '3' })
  assert.deepEqual(steps(planScaling(deployment(3, 1, 1), full, [set('old', 1, 1)])), ['old=0'])
})

test('revisions go on, and a set that comes back remembers the numbers it had', () => {
  const web = { ...deployment(1, 1, 0), metadata: { annotations: { note: 'n', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } }
  assert.deepEqual(newSetAnnotations(web, {}, 1n), { note: 'n', 'deployment.kubernetes.io/revision': '1' })
  const back = newSetAnnotations(web, { 'deployment.kubernetes.io/revision': '1' }, 3n)
  assert.deepEqual(back, { note: 'n', 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' })
  assert.equal(newSetAnnotations(web, back, 5n)['deployment.kubernetes.io/revision-history'], '1,3')
})

test('revisions have 64 bits', () => {
  const at = (revision: string): apps.ReplicaSet => set('a', 1, 1, 1, { 'deployment.kubernetes.io/revision': revision })
  assert.equal(String(nextRevision([at('3546343826724305832'), at('7'), at('x')])), '3546343826724305833')
})

test('history beyond the limit is deleted, lowest revision first, never what still has pods', () => {
  const rev = (name: string, revision: number, replicas = 0): apps.ReplicaSet =>
    set(name, replicas, 0, 1, { 'deployment.kubernetes.io/revision': String(revision) })
  const web = deployment(1, 1, 0)
  const limited = { ...web, spec: { ...web.spec, revisionHistoryLimit: 1, selector: {}, template } }
  assert.deepEqual(
    planCleanup(limited, [rev('c', 3), rev('a', 1, 1), rev('b', 2)], revisionOf).map(({ metadata }) => metadata?.name),
    ['b'],
  )
})

test('the deadline of a rollout: late, then progressing again, then done', () => {
  const start = Date.parse('2026-01-01T00:00:00Z')
  const web = { ...deployment(2, 1, 0), spec: { ...deployment(2, 1, 0).spec, progressDeadlineSeconds: 5, selector: {}, template } }
  const first = planRolloutStatus(web, [set('new', 2, 0)], set('new', 2, 0), [], start)
  const progressing = (status: apps.DeploymentStatus): string | undefined =>
    status.conditions?.find(({ type }) => type === 'Progressing')?.reason
  assert.equal(progressing(first.status), 'ReplicaSetUpdated')
  assert.equal(first.lookAgainInMs, 6000)
  const waiting = { ...web, status: first.status }
  const late = planRolloutStatus(waiting, [set('new', 2, 0)], set('new', 2, 0), first.status.conditions ?? [], start + 6000)
  assert.equal(progressing(late.status), 'ProgressDeadlineExceeded')
  const again = planRolloutStatus(
    { ...web, status: late.status },
    [set('new', 2, 1)],
    set('new', 2, 1),
    late.status.conditions ?? [],
    start + 7000,
  )
  assert.equal(progressing(again.status), 'ReplicaSetUpdated')
  const complete = planRolloutStatus(
    { ...web, status: again.status },
    [set('new', 2, 2)],
    set('new', 2, 2),
    again.status.conditions ?? [],
    start + 8000,
  )
  assert.equal(progressing(complete.status), 'NewReplicaSetAvailable')
  assert.equal(complete.lookAgainInMs, undefined)
})
