import { rfc3339 } from '#base'
import { type batch, dueTimes, refs } from '#api'
import { controllerReference } from '#reconcile'
import { type Telling, type ZonedSchedule, isSchedule, lookInMs, scheduleOf } from './schedule-of.ts'

const SCHEDULED_FOR = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
/** More missed times than this are told of. */
const MANY = 100

type Ending = 'Complete' | 'Failed'

export const endingOf = (job: batch.Job): Ending | undefined =>
  job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')?.type as
    | Ending
    | undefined

const uidOf = (job: batch.Job): string => job.metadata?.uid ?? ''

/** Ended Jobs beyond the limits of the history: those that started first. */
export function planHistory(cronJob: batch.CronJob, jobs: readonly batch.Job[]): readonly batch.Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec
  const surplus = (ending: Ending, limit: number | undefined): readonly batch.Job[] => {
    const ended = jobs.filter((job) => endingOf(job) === ending).sort(startedFirst)
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit))
  }
  return [...surplus('Complete', successfulJobsHistoryLimit), ...surplus('Failed', failedJobsHistoryLimit)]
}

function startedFirst(a: batch.Job, b: batch.Job): number {
  const order = ({ metadata, status }: batch.Job): string => `${status?.startTime ?? '~'} ${metadata?.name ?? ''}`
  return order(a) < order(b) ? -1 : 1
}

export interface Account {
  readonly status: batch.CronJobStatus
  readonly tellings: readonly Telling[]
}

/** What has become of the Jobs. `gone`: uids of active ones that do not exist any more. */
export function takeAccount(cronJob: batch.CronJob, jobs: readonly batch.Job[], gone: ReadonlySet<string>): Account {
  let active = cronJob.status?.active ?? []
  let lastSuccessfulTime = cronJob.status?.lastSuccessfulTime
  const tellings: Telling[] = []
  for (const job of jobs) {
    const name = job.metadata?.name ?? ''
    const isKnown = active.some(({ uid }) => uid === uidOf(job))
    const ending = endingOf(job)
    if (ending === undefined) {
      const message = `Saw a job that the controller did not create or forgot: ${name}`
      if (!isKnown) tellings.push({ type: 'Warning', reason: 'UnexpectedJob', message })
      continue
    }
    if (isKnown) {
      active = active.filter(({ uid }) => uid !== uidOf(job))
      tellings.push({ type: 'Normal', reason: 'SawCompletedJob', message: `Saw completed job: ${name}, condition: ${ending}` })
    }
    const completed = job.status?.completionTime
    if (ending === 'Complete' && completed !== undefined && completed > (lastSuccessfulTime ?? '')) lastSuccessfulTime = completed
  }
  for (const { uid = '', name = '' } of active.filter((one) => gone.has(one.uid ?? '')))
    if (uid !== '') tellings.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` })
  const left = active.filter(({ uid = '' }) => !gone.has(uid))
  return { status: withActive({ ...cronJob.status, lastSuccessfulTime }, left), tellings }
}

export function withActive(status: batch.CronJobStatus, active: NonNullable<batch.CronJobStatus['active']>): batch.CronJobStatus {
  const { active: _, ...rest } = status
  return active.length === 0 ? rest : { ...rest, active }
}

export interface StartPlan {
  readonly tellings: readonly Telling[]
  /** The Job to start, and the time that it is for. */
  readonly start: { readonly job: batch.Job; readonly atMs: number } | undefined
  /** Running Jobs go first. */
  readonly replaces: boolean
  readonly againInMs: number | undefined
}

/** Whether a time has come, and whether a Job may start for it. */
export function planStart(cronJob: batch.CronJob, status: batch.CronJobStatus, nowMs: number): StartPlan {
  const tellings: Telling[] = []
  const no = (againInMs: number | undefined, telling?: Telling): StartPlan => ({
    tellings: telling === undefined ? tellings : [...tellings, telling],
    start: undefined,
    replaces: false,
    againInMs,
  })
  const { spec, metadata } = cronJob
  const zoned = scheduleOf(cronJob)
  if (!isSchedule(zoned) && zoned.reason === 'UnknownTimeZone') return no(undefined, zoned)
  if (spec.suspend === true) return no(undefined)
  if (!isSchedule(zoned)) return no(undefined, zoned)
  if (zoned.isUnsupported) tellings.push(unsupported(spec.schedule))

  const sinceMs = Date.parse(status.lastScheduleTime ?? metadata?.creationTimestamp ?? '') || nowMs
  const deadlineMs = (spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const due = dueTimes(zoned.schedule, Math.max(sinceMs, nowMs - deadlineMs), nowMs, zoned.timeZone)
  if (due === undefined) {
    const why = 'time difference between two schedules is less than 1 second'
    return no(undefined, { type: 'Warning', reason: 'InvalidSchedule', message: `invalid schedule: ${spec.schedule} : ${why}` })
  }
  const atMs = due.latestMs
  const againInMs = lookInMs(zoned, dueTimes(zoned.schedule, sinceMs, nowMs, zoned.timeZone)?.latestMs ?? sinceMs, nowMs)
  if (atMs === undefined) return no(againInMs)
  if (due.missed > MANY)
    tellings.push({
      type: 'Warning',
      reason: 'TooManyMissedTimes',
      message: 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
    })
  if (atMs + deadlineMs < nowMs)
    return no(againInMs, { type: 'Warning', reason: 'MissSchedule', message: `Missed scheduled time to start a job: ${rfc1123(atMs)}` })
  const job = jobFor(cronJob, zoned, atMs)
  const active = status.active ?? []
  if (active.some(({ name }) => name === job.metadata?.name) || Date.parse(status.lastScheduleTime ?? '') === atMs) return no(againInMs)
  if (spec.concurrencyPolicy === 'Forbid' && active.length > 0)
    return no(againInMs, {
      type: 'Normal',
      reason: 'JobAlreadyActive',
      message: 'Not starting job because prior execution is running and concurrency policy is Forbid',
    })
  return { tellings, start: { job, atMs }, replaces: spec.concurrencyPolicy === 'Replace' && active.length > 0, againInMs }
}

const unsupported = (schedule: string): Telling => ({
  type: 'Warning',
  reason: 'UnsupportedSchedule',
  message: `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`,
})

/** One name for each time: whoever makes the Job again finds it there. */
function jobFor(cronJob: batch.CronJob, { timeZone }: ZonedSchedule, atMs: number): batch.Job {
  const { metadata, spec } = cronJob.spec.jobTemplate
  const zone = cronJob.spec.timeZone || 'UTC'
  const scheduledFor = zone === 'UTC' ? rfc3339(atMs) : zonedText(atMs, cronJob.spec.timeZone || timeZone)
  return {
    metadata: {
      name: `${cronJob.metadata?.name ?? ''}-${Math.floor(atMs / 60_000)}`,
      namespace: cronJob.metadata?.namespace,
      labels: { ...metadata?.labels },
      annotations: { ...metadata?.annotations, [SCHEDULED_FOR]: scheduledFor },
      ownerReferences: [controllerReference(cronJob, refs.cronjobs)],
    },
    ...(spec === undefined ? {} : { spec }),
  }
}

/** `2026-01-01T12:00:00+09:00`, and `Z` for an offset of nothing. */
function zonedText(atMs: number, timeZone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone)
  const text = zoned.toString({ timeZoneName: 'never', smallestUnit: 'second' })
  return zoned.offsetNanoseconds === 0 ? text.replace('+00:00', 'Z') : text
}

const rfc1123 = (atMs: number): string => new Date(atMs).toUTCString().replace('GMT', '+0000')
