import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { batch } from '#api'
import { planHistory, planStart, takeAccount } from './plan-cronjob.ts'

const NOW = Date.parse('2026-01-10T12:00:30Z')
const cronJob = (spec: Partial<batch.CronJobSpec> = {}, status: batch.CronJobStatus = {}): batch.CronJob => ({
  metadata: { name: 'tick', namespace: 'x', uid: 'c', creationTimestamp: '2026-01-10T10:30:00Z' },
  spec: { schedule: '0 * * * *', jobTemplate: { spec: { template: {} } }, ...spec },
  status,
})
const job = (name: string, ending?: 'Complete' | 'Failed', startTime = '2026-01-10T11:00:00Z'): batch.Job => ({
  metadata: { name, namespace: 'x', uid: name },
  status: {
    startTime,
    ...(ending === undefined ? {} : { conditions: [{ type: ending, status: 'True' }] }),
    ...(ending === 'Complete' ? { completionTime: '2026-01-10T11:05:00Z' } : {}),
  },
})
const active = [{ kind: 'Job', name: 'tick-1', namespace: 'x', uid: 'tick-1' }]
const start = (spec?: Partial<batch.CronJobSpec>, status?: batch.CronJobStatus): unknown[] => {
  const plan = planStart(cronJob(spec), status ?? {}, NOW)
  return [
    plan.start === undefined ? undefined : new Date(plan.start.atMs).toISOString().slice(0, 16),
    ...plan.tellings.map(({ reason }) => reason),
  ]
}

test('starts for the last time that has come', () => {
  assert.deepEqual(start(), ['2026-01-10T12:00'])
  assert.deepEqual(start({}, { lastScheduleTime: '2026-01-10T12:00:00Z' }), [undefined])
  assert.deepEqual(start({ schedule: '0 0 1 1 *' }), [undefined])
  assert.deepEqual(start({ suspend: true }), [undefined])
})

test('a deadline keeps what is too late from starting', () => {
  assert.deepEqual(start({ startingDeadlineSeconds: 10 }), [undefined])
  assert.deepEqual(start({ startingDeadlineSeconds: 60 }), ['2026-01-10T12:00'])
  assert.deepEqual(start({ schedule: '* * * * *', startingDeadlineSeconds: 10 }), [undefined])
})

test('many missed times are told of, and the last one still starts', () => {
  assert.deepEqual(start({ schedule: '* * * * *' }, { lastScheduleTime: '2026-01-01T00:00:00Z' }), [
    '2026-01-10T12:00',
    'TooManyMissedTimes',
  ])
})

test('the concurrency policy decides about a running Job', () => {
  assert.deepEqual(start({ concurrencyPolicy: 'Forbid' }, { active }), [undefined, 'JobAlreadyActive'])
  assert.equal(planStart(cronJob({ concurrencyPolicy: 'Replace' }), { active }, NOW).replaces, true)
  assert.equal(planStart(cronJob({ concurrencyPolicy: 'Allow' }), { active }, NOW).replaces, false)
})

test('schedules that are none are told of, and not tried again', () => {
  assert.deepEqual(start({ schedule: '0 0 31 2 *' }), [undefined, 'InvalidSchedule'])
  assert.deepEqual(start({ schedule: 'x' }), [undefined, 'UnparseableSchedule'])
  assert.deepEqual(start({ timeZone: 'Nowhere/Land' }), [undefined, 'UnknownTimeZone'])
  assert.equal(planStart(cronJob({ schedule: 'x' }), {}, NOW).againInMs, undefined)
})

test('the next look is a little after the next time', () => {
  assert.equal(planStart(cronJob(), { lastScheduleTime: '2026-01-10T12:00:00Z' }, NOW).againInMs, 59.5 * 60_000 + 100)
})

test('the Job is named for its time, and tells it on the clock of the zone', () => {
  const { metadata } = planStart(cronJob({ timeZone: 'Asia/Tokyo' }), {}, NOW).start?.job ?? {}
  assert.equal(metadata?.name, `tick-${Date.parse('2026-01-10T12:00:00Z') / 60_000}`)
  assert.deepEqual(metadata?.annotations, { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-10T21:00:00+09:00' })
  const { metadata: inUtc } = planStart(cronJob(), {}, NOW).start?.job ?? {}
  assert.deepEqual(inUtc?.annotations, { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-10T12:00:00Z' })
})

test('ended, missing and unexpected Jobs are accounted for', () => {
  const { status, tellings } = takeAccount(
    cronJob({}, { active: [...active, { name: 'lost', uid: 'lost' }] }),
    [job('tick-1', 'Complete'), job('manual')],
    new Set(['lost']),
  )
  assert.deepEqual(status, { lastSuccessfulTime: '2026-01-10T11:05:00Z' })
  assert.deepEqual(
    tellings.map(({ message }) => message),
    [
      'Saw completed job: tick-1, condition: Complete',
      'Saw a job that the controller did not create or forgot: manual',
      'Active job went missing: lost',
    ],
  )
})

test('the history keeps the Jobs that started last', () => {
  const jobs = [
    job('c', 'Complete', '2026-01-03T00:00:00Z'),
    job('a', 'Complete', '2026-01-01T00:00:00Z'),
    job('b', 'Complete', '2026-01-02T00:00:00Z'),
    job('f', 'Failed'),
    job('r'),
  ]
  const names = (spec: Partial<batch.CronJobSpec>): unknown => planHistory(cronJob(spec), jobs).map(({ metadata }) => metadata?.name)
  assert.deepEqual(names({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 }), ['a', 'b'])
  assert.deepEqual(names({ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 0 }), ['f'])
  assert.deepEqual(names({}), [])
})
