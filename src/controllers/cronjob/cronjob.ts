import { type Scope, messageOf, rfc3339 } from '#base'
import { type batch, type core, isAlreadyExists, isNotFound, keyOf, refs } from '#api'
import {
  after,
  CONTROLLER_UID_INDEX,
  type ControllerDefinition,
  controllerOf,
  done,
  indexOwners,
  isControlledBy,
  isNamespaceEnding,
  OwnWrites,
  sameOnWire,
  untilSettled,
} from '#reconcile'
import { type StartPlan, planHistory, planStart, takeAccount, withActive } from './plan-cronjob.ts'
import { type Telling, firstLookInMs } from './schedule-of.ts'

/** Timers do not see the wall clock jump, as it does when a laptop wakes up: so it is looked at now and then. */
const LONGEST_SLEEP_MS = 60_000

export const cronJobController: ControllerDefinition = {
  name: 'cronjob-controller',
  workers: 5,
  setup(context) {
    const { client, events } = context
    const cronJobs = context.watch(refs.cronjobs, ({ key, old, now }) => {
      const isOther = old?.spec.schedule !== now?.spec.schedule || old?.spec.timeZone !== now?.spec.timeZone
      if (old === undefined || now === undefined || !isOther) return [key]
      // Times of the new schedule that are past were never promised: it is looked at when its first one comes.
      const inMs = firstLookInMs(now, context.scope.clock.now())
      if (inMs === undefined) return [key]
      context.enqueue(key, inMs)
      return []
    })
    const jobs = indexOwners(
      context.watch(refs.jobs, ({ old, now }) => {
        const keys = new Set<string>()
        for (const job of [old, now]) {
          const owner = job === undefined ? undefined : controllerOf(job)
          if (owner?.kind === 'CronJob') keys.add(`${job?.metadata?.namespace ?? ''}/${owner.name}`)
        }
        return [...keys]
      }),
    )
    const clock = (): number => context.scope.clock.monotonic()
    const ownJobs = new OwnWrites(jobs, clock)
    const ownCronJobs = new OwnWrites(cronJobs, clock)
    const cronJobClient = client.resource(refs.cronjobs)
    const jobClient = client.resource(refs.jobs)

    const tell = (cronJob: batch.CronJob, tellings: readonly Telling[]): void => {
      for (const { type, reason, message } of tellings) events.event(cronJob, type, reason, message)
    }

    async function find(scope: Scope, namespace: string, name: string): Promise<batch.Job | undefined> {
      try {
        return await jobClient.get(scope, { namespace, name })
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }

    /** Whether it is on its way out; the Event says so either way. */
    async function remove(scope: Scope, cronJob: batch.CronJob, job: batch.Job): Promise<boolean> {
      const { namespace = '', name = '', uid } = job.metadata ?? {}
      try {
        const preconditions = uid === undefined ? {} : { preconditions: { uid } }
        await jobClient.delete(scope, { namespace, name }, { propagationPolicy: 'Background', ...preconditions })
      } catch (error) {
        scope.check()
        tell(cronJob, [{ type: 'Warning', reason: 'FailedDelete', message: `Deleted job: ${messageOf(error)}` }])
        return false
      }
      ownJobs.deleted(keyOf(cronJob), keyOf(job), uid ?? '')
      tell(cronJob, [{ type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${name}` }])
      return true
    }

    /** Active Jobs that are not in the cache are asked for: the cache may be behind. */
    async function goneOf(scope: Scope, cronJob: batch.CronJob, owned: readonly batch.Job[]): Promise<ReadonlySet<string>> {
      const gone = new Set<string>()
      for (const { namespace = '', name = '', uid = '' } of cronJob.status?.active ?? []) {
        if (owned.some(({ metadata }) => metadata?.uid === uid)) continue
        if ((await find(scope, namespace, name)) === undefined) gone.add(uid)
      }
      return gone
    }

    async function removeActive(scope: Scope, cronJob: batch.CronJob, status: batch.CronJobStatus): Promise<batch.CronJobStatus> {
      let left = status
      for (const reference of status.active ?? []) {
        const { namespace = '', name = '', uid } = reference
        const job = await jobClient.get(scope, { namespace, name }).catch((error: unknown) => {
          scope.check()
          tell(cronJob, [{ type: 'Warning', reason: 'FailedGet', message: `Get job: ${messageOf(error)}` }])
          throw error
        })
        if (!(await remove(scope, cronJob, job))) throw new Error(`could not replace job ${namespace}/${name}`)
        left = withActive(
          left,
          (left.active ?? []).filter((one) => one.uid !== uid),
        )
      }
      return left
    }

    /** Undefined: somebody else's Job has the name, and takes care of itself. */
    async function startJob(scope: Scope, cronJob: batch.CronJob, job: batch.Job): Promise<batch.Job | undefined> {
      try {
        const created = await jobClient.create(scope, job)
        ownJobs.wrote(keyOf(cronJob), created)
        tell(cronJob, [{ type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${created.metadata?.name ?? ''}` }])
        return created
      } catch (error) {
        scope.check()
        if (isAlreadyExists(error)) {
          const present = await find(scope, job.metadata?.namespace ?? '', job.metadata?.name ?? '')
          return present !== undefined && isControlledBy(present, cronJob) ? present : undefined
        }
        if (!isNamespaceEnding(error))
          tell(cronJob, [{ type: 'Warning', reason: 'FailedCreate', message: `Error creating job: ${messageOf(error)}` }])
        throw error
      }
    }

    async function begin(
      scope: Scope,
      cronJob: batch.CronJob,
      before: batch.CronJobStatus,
      { start, replaces }: StartPlan,
    ): Promise<batch.CronJobStatus> {
      if (start === undefined) return before
      const status = replaces ? await removeActive(scope, cronJob, before) : before
      const job = await startJob(scope, cronJob, start.job)
      const active = status.active ?? []
      if (job === undefined || active.some(({ uid }) => uid === job.metadata?.uid)) return status
      return { ...withActive(status, [...active, referenceTo(job)]), lastScheduleTime: rfc3339(start.atMs) }
    }

    async function writeStatus(scope: Scope, cronJob: batch.CronJob, status: batch.CronJobStatus): Promise<void> {
      if (sameOnWire(status, cronJob.status ?? {})) return
      ownCronJobs.wrote(keyOf(cronJob), await cronJobClient.update(scope, { ...cronJob, status }, { subresource: 'status' }))
    }

    return async (scope, key) => {
      const cronJob = cronJobs.get(key)
      if (cronJob === undefined) {
        ownJobs.forget(key)
        ownCronJobs.forget(key)
        return done
      }
      const waiting = untilSettled(key, ownJobs, ownCronJobs)
      if (waiting !== undefined) return waiting
      const owned = jobs.byIndex(CONTROLLER_UID_INDEX, cronJob.metadata?.uid ?? '')
      let known: batch.CronJob = cronJob
      for (const job of planHistory(cronJob, owned)) {
        if (!(await remove(scope, cronJob, job))) continue
        const { uid } = job.metadata ?? {}
        const active = (known.status?.active ?? []).filter((one) => one.uid !== uid)
        // Nothing is told of its end any more, but that it was a success is still noted.
        known = { ...known, status: withActive(known.status ?? {}, active) }
      }
      const { status, tellings } = takeAccount(known, owned, await goneOf(scope, known, owned))
      tell(cronJob, tellings)
      if (cronJob.metadata?.deletionTimestamp !== undefined) {
        await writeStatus(scope, cronJob, status)
        return done
      }
      const plan = planStart(cronJob, status, scope.clock.now())
      tell(cronJob, plan.tellings)
      let written = status
      try {
        written = await begin(scope, cronJob, status, plan)
      } finally {
        if (!scope.signal.aborted) await writeStatus(scope, cronJob, written)
      }
      if (plan.againInMs === undefined) return done
      return after(plan.tellings.length === 0 ? Math.min(plan.againInMs, LONGEST_SLEEP_MS) : plan.againInMs)
    }
  },
}

function referenceTo({ metadata }: batch.Job): core.ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata ?? {}
  return { kind: 'Job', apiVersion: 'batch/v1', name, namespace, uid, resourceVersion }
}
