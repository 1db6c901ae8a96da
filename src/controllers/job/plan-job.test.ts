import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { batch, core } from '#api'
import { judgeFailure } from './failure-policy.ts'
import { formatIndexes, parseIndexes } from './indexes.ts'
import { INDEX, INDEX_FAILURES, TRACKING } from './job-pod.ts'
import { planPods, tally } from './plan-job.ts'

const NOW = Date.parse('2026-01-01T00:01:00Z')
const template: core.PodTemplateSpec = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'a' }] } }
const job = (spec: Partial<batch.JobSpec>, status: batch.JobStatus = {}): batch.Job => ({
  metadata: { name: 'work' },
  spec: { template, ...spec },
  status,
})

let counter = 0
function pod(phase: string, index?: number, failures = 0): core.Pod {
  counter++
  return {
    metadata: {
      name: `p${counter}`,
      namespace: 'x',
      uid: `u${counter}`,
      finalizers: [TRACKING],
      annotations: index === undefined ? {} : { [INDEX]: String(index), [INDEX_FAILURES]: String(failures) },
    },
    spec: { containers: [] },
    status: { phase },
  }
}

test('indexes are written as runs and read back', () => {
  const cases: readonly (readonly [readonly number[], string])[] = [
    [[], ''],
    [[1], '1'],
    [[0, 1], '0,1'],
    [[0, 1, 2, 4, 6, 7], '0-2,4,6,7'],
    [[7, 5, 6, 4, 2, 1, 0], '0-2,4-7'],
  ]
  for (const [indexes, text] of cases) {
    assert.equal(formatIndexes(indexes), text)
    assert.deepEqual(
      [...parseIndexes(text)].sort((a, b) => a - b),
      [...indexes].sort((a, b) => a - b),
    )
  }
  assert.deepEqual([...parseIndexes('0-5,9', 3)], [0, 1, 2])
})

test('parallelism, completions and what has succeeded say how many pods there are', () => {
  const missing = (spec: Partial<batch.JobSpec>, pods: readonly core.Pod[], status: batch.JobStatus = {}): readonly [number, number] => {
    const view = { job: job(spec, status), pods, nowMs: NOW }
    const work = planPods(view, tally(view))
    return [work.create.length, work.remove.length]
  }
  assert.deepEqual(missing({ parallelism: 2, completions: 5 }, []), [2, 0])
  assert.deepEqual(missing({ parallelism: 5, completions: 2 }, []), [2, 0])
  assert.deepEqual(missing({ parallelism: 2, completions: 5 }, [pod('Running'), pod('Running')], { succeeded: 4 }), [0, 1])
  assert.deepEqual(missing({ parallelism: 3 }, [pod('Running'), pod('Running')], { succeeded: 1 }), [0, 0])
  assert.deepEqual(missing({ parallelism: 3, suspend: true }, [pod('Running')]), [0, 1])
})

test('an indexed Job fills the lowest free indexes and drops the rest', () => {
  const view = {
    job: job({ completionMode: 'Indexed', completions: 4, parallelism: 3 }, { completedIndexes: '1' }),
    pods: [pod('Running', 2), pod('Running', 2), pod('Running', 9)],
    nowMs: NOW,
  }
  const work = planPods(view, tally(view))
  assert.deepEqual(work.create, [0, 3])
  assert.equal(work.remove.length, 2)
})

test('what ends a Job, and why', () => {
  const verdict = (spec: Partial<batch.JobSpec>, pods: readonly core.Pod[], status: batch.JobStatus = {}): string | undefined =>
    tally({ job: job(spec, status), pods, nowMs: NOW }).verdict?.reason
  const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3 } as const
  assert.equal(verdict({ completions: 1 }, [pod('Succeeded')]), 'CompletionsReached')
  assert.equal(verdict({ completions: 1, backoffLimit: 0 }, [pod('Failed')]), 'BackoffLimitExceeded')
  assert.equal(verdict({ completions: 1, backoffLimit: 1 }, [pod('Failed')]), undefined)
  assert.equal(
    verdict({ completions: 1, activeDeadlineSeconds: 30 }, [pod('Running')], { startTime: '2026-01-01T00:00:00Z' }),
    'DeadlineExceeded',
  )
  assert.equal(
    verdict({ ...indexed, backoffLimitPerIndex: 0, backoffLimit: 99 }, [pod('Failed', 1), pod('Succeeded', 0), pod('Succeeded', 2)]),
    'FailedIndexes',
  )
  assert.equal(
    verdict({ ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 1, backoffLimit: 99 }, [pod('Failed', 1), pod('Failed', 0)]),
    'MaxFailedIndexesExceeded',
  )
  assert.equal(verdict({ ...indexed, backoffLimitPerIndex: 1, backoffLimit: 99 }, [pod('Failed', 1, 0)]), undefined)
  assert.equal(
    verdict({ ...indexed, successPolicy: { rules: [{ succeededIndexes: '1-2', succeededCount: 1 }] } }, [pod('Succeeded', 2)]),
    'SuccessPolicy',
  )
})

test('failed indexes come before a success policy; rules about indexes that are no more say nothing; a suspended Job may be complete', () => {
  const verdict = (spec: Partial<batch.JobSpec>, status: batch.JobStatus): string | undefined =>
    tally({ job: job({ completionMode: 'Indexed', completions: 2, ...spec }, status), pods: [], nowMs: NOW }).verdict?.reason
  const lenient = { backoffLimitPerIndex: 0, backoffLimit: 99 } as const
  const first = { rules: [{ succeededIndexes: '0' }] }
  assert.equal(verdict({ ...lenient, successPolicy: first }, { completedIndexes: '0', failedIndexes: '1' }), 'FailedIndexes')
  assert.equal(
    verdict({ ...lenient, completions: 3, successPolicy: first }, { completedIndexes: '0', failedIndexes: '1' }),
    'SuccessPolicy',
  )
  assert.equal(verdict({ successPolicy: { rules: [{ succeededIndexes: '7-9' }] } }, { completedIndexes: '0' }), undefined)
  assert.equal(verdict({ successPolicy: { rules: [{ succeededIndexes: '0,9' }] } }, { completedIndexes: '0' }), 'SuccessPolicy')
  assert.equal(verdict({ suspend: true }, { completedIndexes: '0,1' }), 'CompletionsReached')
})

test('an end is counted once: not while it is noted down, not for an index that is done', () => {
  const done = pod('Succeeded')
  const counts = tally({
    job: job({ completions: 5 }, { succeeded: 1, uncountedTerminatedPods: { succeeded: [done.metadata?.uid ?? ''] } }),
    pods: [done, pod('Succeeded')],
    nowMs: NOW,
  })
  assert.equal(counts.succeeded, 3)
  assert.equal(counts.newSucceeded.length, 1)
  const twice = tally({
    job: job({ completionMode: 'Indexed', completions: 3 }),
    pods: [pod('Succeeded', 1), pod('Succeeded', 1), pod('Succeeded', 7)],
    nowMs: NOW,
  })
  assert.equal(twice.succeeded, 1)
  assert.equal(twice.ignored.length, 2)
})

test('a failure that the policy ignores does not count, but whoever replaces the pod waits', () => {
  const failed: core.Pod = { ...pod('Failed'), status: { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] } }
  const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }]
  const counts = tally({ job: job({ podFailurePolicy: { rules } }), pods: [failed], nowMs: NOW })
  assert.equal(counts.failed, 0)
  assert.deepEqual(counts.ignored, [failed])
  assert.deepEqual(counts.excused, [failed])
})

test('the first matching rule of the failure policy decides', () => {
  const failed: core.Pod = { ...pod('Failed'), metadata: { name: 'p', namespace: 'x' } }
  failed.status = {
    phase: 'Failed',
    conditions: [{ type: 'DisruptionTarget', status: 'True' }],
    containerStatuses: [{ name: 'main', ready: false, restartCount: 0, image: '', imageID: '', state: { terminated: { exitCode: 3 } } }],
  }
  const rule = (action: string, values: number[], operator = 'In'): batch.PodFailurePolicyRule => ({
    action,
    onExitCodes: { operator, values },
  })
  assert.deepEqual(judgeFailure({ rules: [rule('Ignore', [1]), rule('FailJob', [1, 2], 'NotIn')] }, failed), {
    action: 'FailJob',
    message: 'Container main for pod x/p failed with exit code 3 matching FailJob rule at index 1',
  })
  assert.deepEqual(judgeFailure({ rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] }, failed), {
    action: 'Ignore',
  })
  assert.deepEqual(judgeFailure({ rules: [rule('FailJob', [9])] }, failed), { action: 'Count' })
  const both: core.Pod = { ...failed, status: { ...failed.status, conditions: ['B', 'A'].map((type) => ({ type, status: 'True' })) } }
  const failing = { action: 'FailJob', onPodConditions: [{ type: 'A' }, { type: 'B' }] }
  assert.deepEqual(judgeFailure({ rules: [failing] }, both), {
    action: 'FailJob',
    message: 'Pod x/p has condition B matching FailJob rule at index 0',
  })
})
