import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CronJob, Job, JobSpec, JobStatus } from '../../types/batch-v1.gen.ts'
import { changeRefusals, created, refusals, statusRefusals } from '../refusals.fixture.ts'
import { cronJobs } from './cron-job.ts'
import { countIndexes } from './indexes.ts'
import { jobs } from './job.ts'

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'busybox' }] } }
const job = (spec: Partial<JobSpec> = {}): Job => ({ metadata: { name: 'w', namespace: 'n', uid: 'u1' }, spec: { template, ...spec } })

describe('Job', () => {
  it('selects its own pods by its uid', () => {
    const { spec, metadata } = created(jobs, job())
    assert.deepEqual(spec?.selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } })
    assert.equal(spec?.template.metadata?.labels?.['job-name'], 'w')
    assert.deepEqual(metadata?.labels, spec?.template.metadata?.labels)
    assert.deepEqual(refusals(jobs, job()), [])
  })

  it('keeps labels of its own', () => {
    const own = { ...job(), metadata: { ...job().metadata, labels: { mine: 'yes' } } }
    assert.deepEqual(created(jobs, own).metadata?.labels, { mine: 'yes' })
  })

  const cases: readonly (readonly [spec: Partial<JobSpec>, refused: readonly string[]])[] = [
    [{ completionMode: 'Indexed' }, ['spec.completions: Required value: when completion mode is Indexed']],
    [{ backoffLimitPerIndex: 1 }, ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']],
    [{ managedBy: 'me' }, ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")']],
    [
      { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1, 0] } }] } },
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [1,0]: must be ordered',
      ],
    ],
    [
      { template: { spec: { ...template.spec, restartPolicy: 'Always' } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
  ]
  for (const [spec, refused] of cases) {
    it(`refuses ${JSON.stringify(spec)}`, () => {
      const complete = spec.completionMode === 'Indexed' && spec.completions === undefined ? { parallelism: 1, ...spec } : spec
      assert.deepEqual(refusals(jobs, job(complete)), refused)
    })
  }

  it('lets a queue place pods of a suspended one only', () => {
    const place = (draft: Job): void => {
      const spec = draft.spec?.template.spec
      if (spec) spec.nodeSelector = { zone: 'a' }
    }
    assert.deepEqual(changeRefusals(jobs, job({ suspend: true }), place), [])
    const [refused = ''] = changeRefusals(jobs, job(), place)
    assert.match(refused, /^spec\.template: Invalid value: .*: field is immutable$/)
  })
})

describe('the status of a Job', () => {
  const refused = (status: JobStatus, before: JobStatus = {}, spec: Partial<JobSpec> = {}): readonly string[] => {
    const old = { ...created(jobs, job(spec)), status: before }
    return statusRefusals(jobs, old, { ...old, status })
  }
  const done = (type: string): { type: string; status: string } => ({ type, status: 'True' })

  it('is judged where it has changed', () => {
    const odd: JobStatus = { completedIndexes: '7', active: 1, ready: 3, conditions: [done('Failed')] }
    assert.deepEqual(refused({ ...odd, succeeded: 1 }, odd), [])
    assert.deepEqual(refused({ ...odd, active: 2 }, odd), [
      'status.active: Invalid value: 2: active>0 is invalid for finished job',
      'status.ready: Invalid value: 3: cannot set more ready pods than active',
    ])
  })

  it('has indexes that can be read and are of an indexed Job', () => {
    assert.deepEqual(refused({ completedIndexes: '1,0' }), [
      'status.completedIndexes: Invalid value: "1,0": error parsing completedIndexes: too large index: "1"',
      'status.completedIndexes: Invalid value: "1,0": cannot set non-empty completedIndexes when non-indexed completion mode',
    ])
    const spec: Partial<JobSpec> = { completionMode: 'Indexed', completions: 5, backoffLimitPerIndex: 1 }
    assert.deepEqual(refused({ completedIndexes: '0-2', failedIndexes: 'x,2-3' }, {}, spec), [
      'status.failedIndexes: Invalid value: "x,2-3": error parsing failedIndexes: cannot convert string to integer for index: "x"',
      'status.failedIndexes: Invalid value: "x,2-3": failedIndexes and completedIndexes overlap at index: 2',
    ])
  })

  it('ends after it began, said before what is wrong with indexes', () => {
    const status: JobStatus = { startTime: '2026-01-02T00:00:00Z', completionTime: '2026-01-01T00:00:00Z', failedIndexes: '0' }
    assert.deepEqual(refused(status), [
      'status.completionTime: Invalid value: "2026-01-01T00:00:00Z": cannot set completionTime when there is no Complete=True condition',
      'status.completionTime: Invalid value: "2026-01-01T00:00:00Z": must be equal to or after `startTime`',
      'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    ])
  })

  it('keeps its times, except of a Job that goes on', () => {
    const before: JobStatus = { startTime: '2026-01-01T00:00:00Z', conditions: [done('Suspended')] }
    const later = '2026-01-02T00:00:00Z'
    assert.deepEqual(refused({ startTime: later }, before), [
      `status.startTime: Invalid value: "${later}": field is immutable for unsuspended job once set`,
    ])
    assert.deepEqual(refused({ startTime: later, conditions: [{ type: 'Suspended', status: 'False' }] }, before), [])
  })
})

describe('index lists', () => {
  const cases = {
    '': 0,
    '0,2-4': 4,
    '1-': 'cannot convert string to integer for index: ""',
    '5': 'too large index: "5"',
    '1,0': 'non-increasing order, previous: 1, current: 0',
    '1-2-3': `the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
  }
  for (const [text, expected] of Object.entries(cases)) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const { total, error } = countIndexes(text, 5)
      assert.equal(error ?? total, expected)
    })
  }
})

describe('CronJob', () => {
  const cronJob = (spec: Partial<CronJob['spec']>): CronJob => ({
    metadata: { name: 'w', namespace: 'n' },
    spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } }, ...spec },
  })

  it('leaves the defaults of Jobs to the Jobs', () => {
    assert.deepEqual(Object.keys(created(cronJobs, cronJob({})).spec.jobTemplate.spec ?? {}), ['template'])
  })

  it('wants names of time zones in their own letters', () => {
    assert.deepEqual(refusals(cronJobs, cronJob({ timeZone: 'Europe/Berlin' })), [])
    assert.deepEqual(refusals(cronJobs, cronJob({ timeZone: 'US/Pacific' })), [])
    assert.deepEqual(refusals(cronJobs, cronJob({ timeZone: 'europe/berlin' })), [
      'spec.timeZone: Invalid value: "europe/berlin": unknown time zone europe/berlin',
    ])
  })

  it('has no room for a long name', () => {
    const long = { ...cronJob({}), metadata: { name: 'a'.repeat(53), namespace: 'n' } }
    assert.deepEqual(refusals(cronJobs, long), [`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`])
  })
})
