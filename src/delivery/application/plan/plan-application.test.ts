import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeObject } from '#api'
import { deployment, ingress, service } from '../application.fixture.ts'
import type { Application, Mode, PartStatus } from '../objects.ts'
import { asPart } from '../ownership.ts'
import { planApplication } from './plan-application.ts'
import { planStatus, podsOf } from './plan-status.ts'
import { planPruning } from '../revisions.ts'

const application = (revision: number, mode: Mode = 'Running', reached?: number): Application => ({
  metadata: { name: 'web', namespace: 'n', uid: 'u', generation: 3 },
  spec: { revision, mode },
  ...(reached === undefined ? {} : { status: { revision: reached, mode: 'Running' } }),
})
/** A part as the server has it: at a revision, with all its pods. */
const live = (object: KubeObject, revision: number, status: object = {}): KubeObject => {
  const part = asPart(object, application(revision), revision, false)
  return { ...part, metadata: { ...part.metadata, generation: 1 }, status: { observedGeneration: 1, ...status } } as KubeObject
}
const all = (count: number): object => ({ replicas: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count })
const spec = (object: object): Readonly<Record<string, unknown>> => ('spec' in object ? (object.spec as Record<string, unknown>) : {})

const autoscaler = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'a' },
  spec: { maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'a' } },
} as KubeObject
const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: {} } as KubeObject

describe('the plan for an application', () => {
  const table: readonly {
    readonly name: string
    readonly application: Application
    readonly objects: readonly KubeObject[]
    readonly live: readonly KubeObject[]
    readonly actions: readonly string[]
    readonly states: readonly string[]
    readonly isWhole?: boolean
  }[] = [
    {
      name: 'what is not there is applied',
      application: application(1),
      objects: [service('a'), deployment('a', 'i')],
      live: [],
      actions: ['apply Service/a', 'apply Deployment/a'],
      states: ['Progressing', 'Progressing'],
    },
    {
      name: 'what is at the revision is left alone',
      application: application(1, 'Running', 1),
      objects: [deployment('a', 'i')],
      live: [live(deployment('a', 'other', 5), 1, all(5))],
      actions: [],
      states: ['Ready'],
    },
    {
      name: 'what is at another revision is applied, and is not ready however well it is',
      application: application(2, 'Running', 1),
      objects: [deployment('a', 'i')],
      live: [live(deployment('a', 'i'), 1, all(2))],
      actions: ['apply Deployment/a'],
      states: ['Progressing'],
    },
    {
      name: 'what is gone is missing, and made again',
      application: application(1, 'Running', 1),
      objects: [service('a')],
      live: [],
      actions: ['apply Service/a'],
      states: ['Missing'],
    },
    {
      name: 'what the revision has not goes at the end',
      application: application(2, 'Running', 1),
      objects: [service('a')],
      live: [live(service('b'), 1)],
      actions: ['apply Service/a', 'remove Service/b'],
      states: ['Progressing'],
    },
    {
      name: 'what has the label and another owner stays',
      application: application(1),
      objects: [service('a')],
      live: [{ ...service('b'), metadata: { name: 'b', labels: { 'sampan.io/application': 'web' } } }],
      actions: ['apply Service/a'],
      states: ['Progressing'],
    },
    {
      name: 'a part waits, and nothing is removed meanwhile',
      application: application(2),
      objects: [deployment('a', 'i'), deployment('b', 'i', 1, { 'sampan.io/depends-on': 'Deployment/a' })],
      live: [live(deployment('a', 'i'), 2), live(service('c'), 1)],
      actions: [],
      states: ['Progressing', 'Waiting'],
      isWhole: false,
    },
    {
      name: 'a part does not wait for one that failed and is not required',
      application: application(2),
      objects: [deployment('a', 'i'), deployment('b', 'i', 1, { 'sampan.io/depends-on': 'Deployment/a?' })],
      live: [live(deployment('a', 'i'), 2, { conditions: [{ type: 'Progressing', status: 'False', message: 'too slow' }] })],
      actions: ['apply Deployment/b'],
      states: ['Failed', 'Progressing'],
    },
    {
      name: 'nobody waits while it is suspended',
      application: application(2, 'Suspended'),
      objects: [deployment('a', 'i'), deployment('b', 'i', 1, { 'sampan.io/depends-on': 'Deployment/a' })],
      live: [],
      actions: ['apply Deployment/a', 'apply Deployment/b'],
      states: ['Progressing', 'Progressing'],
    },
    {
      name: 'a stopped application has no ways in',
      application: application(1, 'Stopped', 1),
      objects: [service('a'), ingress('a')],
      live: [live(service('a'), 1), live(ingress('a'), 1)],
      actions: ['remove Ingress/a'],
      states: ['Ready'],
    },
    {
      name: 'a Job that has run and was removed does not run again',
      application: application(1, 'Running', 1),
      objects: [job],
      live: [],
      actions: [],
      states: ['Ready'],
    },
    {
      name: 'a Job of the next revision runs',
      application: application(2, 'Running', 1),
      objects: [job],
      live: [],
      actions: ['apply Job/once'],
      states: ['Progressing'],
    },
  ]
  for (const row of table)
    test(row.name, () => {
      const plan = planApplication(row)
      assert.deepEqual(
        plan.actions.map((action) => {
          const { kind: what, metadata } = action.kind === 'apply' ? action.object : action.live
          return `${action.kind} ${what}/${metadata?.name}`
        }),
        row.actions,
      )
      assert.deepEqual(
        plan.parts.map(({ state }) => state),
        row.states,
      )
      assert.equal(plan.isWhole, row.isWhole ?? true)
    })

  test('an autoscaler keeps its count through a new revision', () => {
    const plan = planApplication({
      application: application(2, 'Running', 1),
      objects: [deployment('a', 'i', 2), autoscaler],
      live: [live(deployment('a', 'i', 6), 1, all(6))],
    })
    const [action] = plan.actions
    assert.equal(action?.kind === 'apply' && spec(action.object)['replicas'], 6)
  })

  test('suspending remembers the count in the write that takes it away, and resuming gives it back in one', () => {
    const suspend = planApplication({
      application: application(1, 'Suspended', 1),
      objects: [deployment('a', 'i', 2)],
      live: [live(deployment('a', 'i', 5), 1, all(5))],
    })
    assert.deepEqual(
      suspend.actions.map((action) => action.kind === 'mode' && action.patch),
      [{ metadata: { annotations: { 'sampan.io/held': '5' } }, spec: { replicas: 0 } }],
    )
    const part = live(deployment('a', 'i', 0), 1, all(0))
    const held = { ...part, metadata: { ...part.metadata, annotations: { ...part.metadata?.annotations, 'sampan.io/held': '5' } } }
    const again = planApplication({ application: application(1, 'Suspended', 1), objects: [deployment('a', 'i', 2)], live: [held] })
    assert.deepEqual(again.actions, [])
    const resume = planApplication({ application: application(1, 'Running', 1), objects: [deployment('a', 'i', 2)], live: [held] })
    assert.deepEqual(
      resume.actions.map((action) => action.kind === 'mode' && action.patch),
      [{ metadata: { annotations: { 'sampan.io/held': null } }, spec: { replicas: 5 } }],
    )
  })
})

describe('the status of an application', () => {
  const pods = (wanted: number, ready: number) => ({ wanted, updated: ready, ready, available: ready })
  const part = (name: string, state: PartStatus['state'], message?: string, of = pods(2, 2)): PartStatus => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name,
    state,
    ...(message === undefined ? {} : { message }),
    pods: of,
  })
  const conditions = (parts: readonly PartStatus[], reached: boolean): Readonly<Record<string, string>> => {
    const status = planStatus({
      application: application(1),
      parts,
      reached: reached ? { revision: 1, mode: 'Running' } : undefined,
      trouble: undefined,
      nowMs: 0,
    })
    assert.deepEqual(status.pods, podsOf(parts))
    return Object.fromEntries(
      (status.conditions ?? []).map(({ type, status: holds, reason, message }) => [type, `${holds} ${reason} ${message}`.trim()]),
    )
  }

  test('is ready when all parts are, at what is wanted', () => {
    assert.deepEqual(conditions([part('a', 'Ready'), part('b', 'Ready')], true), {
      Ready: 'True AllReady 2 of 2 parts are ready, 4 of 4 pods',
      Progressing: 'False AllReady 2 of 2 parts are ready, 4 of 4 pods',
      Degraded: 'False AsExpected',
    })
  })
  test('progresses while a part does, with the counts', () => {
    assert.deepEqual(conditions([part('a', 'Ready'), part('b', 'Progressing', '1 of 2 pods are ready', pods(2, 1))], true), {
      Ready: 'False Progressing 1 of 2 parts are ready, 3 of 4 pods',
      Progressing: 'True Progressing Deployment/b: 1 of 2 pods are ready',
      Degraded: 'False AsExpected',
    })
  })
  test('is degraded by what failed, which is named', () => {
    assert.deepEqual(conditions([part('a', 'Ready'), part('b', 'Failed', 'too slow', pods(2, 0))], true), {
      Ready: 'False PartFailed Deployment/b: too slow (1 of 2 parts are ready, 2 of 4 pods)',
      Progressing: 'False PartFailed 1 of 2 parts are ready, 2 of 4 pods',
      Degraded: 'True PartFailed Deployment/b: too slow',
    })
  })
})

test('the oldest revisions beyond the limit go; the present one and newer ones never do', () => {
  const revisions = [7, 3, 5, 1, 6, 4, 2].map((number) => ({ metadata: { name: `a-b-${number}` } }))
  const pruned = (present: number, limit: number) => planPruning(revisions, present, limit).map(({ metadata }) => metadata.name)
  assert.deepEqual(pruned(6, 2), ['a-b-3', 'a-b-2', 'a-b-1'])
  assert.deepEqual(pruned(2, 1), [])
})
