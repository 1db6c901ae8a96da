import { type Scope, rfc3339 } from '#base'
import { type ObjectMeta, type OwnerReference, type batch, type core, isConflict, isNotFound, keyOf, refs } from '#api'
import {
  adoptPatch,
  after,
  claim,
  type ControllerDefinition,
  controllerOf,
  controllerReference,
  done,
  indexOwners,
  inParallel,
  isFinished,
  isNamespaceEnding,
  isTerminating,
  matcherOf,
  OwnWrites,
  podControl,
  releasePatch,
  type Result,
  sameOnWire,
  slowStart,
  unlessZero,
  untilSettled,
} from '#reconcile'
import { FailureBackOff } from './failure-back-off.ts'
import { TRACKING, indexOf, indexedPod, isIndexed, isTracked, jobPod } from './job-pod.ts'
import {
  type JobView,
  type Tally,
  conditionOf,
  deadlineInMs,
  failuresOfIndex,
  isJobFinished,
  isSuspended,
  planPods,
  statusCounts,
  tally,
  withJobCondition,
} from './plan-job.ts'

const WIDTH = 64
const BURST = 500
/** Ends that are written down in one status; more wait for the next round. */
const UNCOUNTED_LIMIT = 500
const MANAGED_BY = 'kubernetes.io/job-controller'
/** Keys of tracked pods that have lost their Job begin with this. */
const UNOWNED = 'pod '

export const jobController: ControllerDefinition = {
  name: 'job-controller',
  workers: 5,
  setup(context) {
    const { client, events } = context
    const jobs = context.watch(refs.jobs, ({ key }) => [key])
    const pods = indexOwners(
      context.watch(refs.pods, ({ old, now }) => {
        const keys = new Set<string>()
        for (const pod of [old, now]) {
          const owner = pod === undefined ? undefined : controllerOf(pod)
          if (owner?.kind === 'Job') keys.add(`${pod?.metadata?.namespace ?? ''}/${owner.name}`)
        }
        if (now !== undefined && controllerOf(now) === undefined) {
          for (const job of selectingJobs(now)) keys.add(keyOf(job))
          if (isTracked(now)) keys.add(`${UNOWNED}${keyOf(now)}`)
        }
        return [...keys]
      }),
    )
    const selectingJobs = (pod: core.Pod): readonly batch.Job[] =>
      jobs
        .list(pod.metadata?.namespace ?? '')
        .filter((job) => job.metadata?.deletionTimestamp === undefined && matcherOf(job.spec?.selector)(pod.metadata?.labels ?? {}))
    const control = podControl(client, events)
    const jobClient = client.resource(refs.jobs)
    const podClient = client.resource(refs.pods)
    const ownPods = new OwnWrites(pods, () => context.scope.clock.monotonic())
    const ownJobs = new OwnWrites(jobs, () => context.scope.clock.monotonic())
    const backOff = new FailureBackOff()

    async function patchPod(scope: Scope, key: string, pod: core.Pod, body: object): Promise<core.Pod | undefined> {
      try {
        const answer = await podClient.patch(
          scope,
          { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' },
          { type: 'merge', body },
        )
        // The last finalizer of a deleted pod takes the pod with it: there is no later version to wait for.
        if (answer.metadata?.deletionTimestamp === undefined) ownPods.wrote(key, answer)
        return answer
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }

    /** Retried against the newest state: a pod's status may change at any moment, its finalizer is ours alone. */
    async function untrack(scope: Scope, key: string, pod: core.Pod): Promise<void> {
      let seen: core.Pod | undefined = pod
      for (let tries = 0; seen !== undefined && isTracked(seen); tries++) {
        const { uid, resourceVersion, finalizers = [] }: ObjectMeta = seen.metadata ?? {}
        try {
          await patchPod(scope, key, seen, {
            metadata: { uid, resourceVersion, finalizers: finalizers.filter((name) => name !== TRACKING) },
          })
          return
        } catch (error) {
          if (!isConflict(error) || tries === 5) throw error
          seen = await podClient
            .get(scope, { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' })
            .catch((reason: unknown) => {
              if (isNotFound(reason)) return undefined
              throw reason
            })
          if (seen?.metadata?.uid !== uid) return
        }
      }
    }

    async function claimPods(scope: Scope, job: batch.Job, reference: OwnerReference): Promise<readonly core.Pod[]> {
      const { owned, adopt, release } = claim(pods, job, matcherOf(job.spec?.selector), (pod) => !isFinished(pod))
      const key = keyOf(job)
      await inParallel(release, WIDTH, async (pod) => void (await patchPod(scope, key, pod, releasePatch(pod, reference.uid, TRACKING))))
      const adopted: core.Pod[] = []
      await inParallel(adopt, WIDTH, async (pod) => {
        const taken = await patchPod(scope, key, pod, adoptPatch(pod, reference, TRACKING))
        if (taken !== undefined) adopted.push(taken)
      })
      return [...owned, ...adopted]
    }

    async function remove(scope: Scope, job: batch.Job, doomed: readonly core.Pod[]): Promise<void> {
      await inParallel(doomed, WIDTH, async (pod) => {
        await control.remove(scope, job, pod)
        ownPods.deleted(keyOf(job), keyOf(pod), pod.metadata?.uid ?? '')
      })
    }

    /** Creates and deletes; returns the pods that are active afterwards, and when to try again what has to wait. */
    async function manage(
      scope: Scope,
      view: JobView,
      counts: Tally,
      reference: OwnerReference,
    ): Promise<{ readonly living: readonly core.Pod[]; readonly againInMs: number | undefined; readonly failure: Error | undefined }> {
      const { job } = view
      const key = keyOf(job)
      const template = job.spec?.template
      const work = planPods(view, counts)
      // What is deleted here has not failed: it is let go first, so that its end is not counted.
      await inParallel(work.remove, WIDTH, (pod) => untrack(scope, key, pod))
      await remove(scope, job, work.remove)
      const living = counts.active.filter((pod) => !work.remove.includes(pod))
      if (template === undefined || work.create.length === 0) return { living, againInMs: undefined, failure: undefined }

      const monotonicMs = scope.clock.monotonic()
      const perIndex = job.spec?.backoffLimitPerIndex !== undefined
      const waits = work.create.map((index) => backOff.waitMs(perIndex ? `${key} ${index}` : key, monotonicMs))
      const startable = work.create.filter((_, i) => waits[i] === 0).slice(0, BURST)
      const later = waits.filter((waitMs) => waitMs > 0)
      const base = jobPod(job, reference, template)
      const created: core.Pod[] = []
      const { failure } = await slowStart(startable.length, WIDTH, async (i) => {
        const index = startable[i]
        const failures = perIndex && index !== undefined ? failuresOfIndex(job, view.pods, index) : undefined
        const pod = await control.create(
          scope,
          job,
          index === undefined ? base : indexedPod(base, job.metadata?.name ?? '', index, failures),
        )
        ownPods.wrote(key, pod)
        created.push(pod)
      })
      const againInMs = later.length > 0 ? Math.min(...later) : undefined
      return {
        living: [...living, ...created],
        againInMs,
        failure: failure === undefined || isNamespaceEnding(failure) ? undefined : failure,
      }
    }

    async function writeStatus(scope: Scope, job: batch.Job, status: batch.JobStatus): Promise<batch.Job> {
      if (sameOnWire(job.status, status)) return job
      const answer = await jobClient.update(scope, { ...job, status }, { subresource: 'status' })
      ownJobs.wrote(keyOf(job), answer)
      return answer
    }

    function noteFailures(key: string, job: batch.Job, counts: Tally): void {
      const nowMs = context.scope.clock.monotonic()
      const perIndex = job.spec?.backoffLimitPerIndex !== undefined
      const failed = [...counts.newFailed, ...counts.excused]
      for (const pod of failed) backOff.failed(perIndex ? `${key} ${indexOf(pod)}` : key, pod.metadata?.uid ?? '', nowMs)
      if (!perIndex && counts.newSucceeded.length > 0 && failed.length === 0) backOff.succeeded(key)
    }

    async function round(scope: Scope, key: string, job: batch.Job): Promise<Result> {
      const reference = controllerReference(job, refs.jobs)
      const owned = await claimPods(scope, job, reference)
      const nowMs = scope.clock.now()
      const view: JobView = { job, pods: owned, nowMs }
      const counts = tally(view)
      noteFailures(key, job, counts)
      const status: batch.JobStatus = { ...job.status, conditions: [...(job.status?.conditions ?? [])] }
      const condition = (type: string, value: 'True' | 'False', reason: string, message: string): void => {
        status.conditions = withJobCondition(status.conditions ?? [], type, value, reason, message, nowMs)
      }

      if (!isSuspended(job)) status.startTime ??= rfc3339(nowMs)
      let newFailed = counts.newFailed
      let ignored = counts.ignored
      let living = counts.active
      let againInMs: number | undefined
      let failure: Error | undefined
      if (counts.verdict !== undefined) {
        const { type, reason, message } = counts.verdict
        condition(type, 'True', reason, message)
        await remove(scope, job, counts.active)
        const tracked = counts.active.filter((pod) => isTracked(pod) && !isUncounted(job, pod))
        if (type === 'FailureTarget') newFailed = [...newFailed, ...tracked]
        else ignored = [...ignored, ...tracked]
        living = []
      } else {
        const wasSuspended = conditionOf(job, 'Suspended') !== undefined
        if (isSuspended(job)) {
          if (!wasSuspended) {
            condition('Suspended', 'True', 'JobSuspended', 'Job suspended')
            events.event(job, 'Normal', 'Suspended', 'Job suspended')
          }
          delete status.startTime
        } else {
          if (wasSuspended) {
            condition('Suspended', 'False', 'JobResumed', 'Job resumed')
            events.event(job, 'Normal', 'Resumed', 'Job resumed')
          }
        }
        ;({ living, againInMs, failure } = await manage(scope, view, counts, reference))
      }

      const terminating = owned.filter((pod) => isTerminating(pod) && !isFinished(pod)).length
      Object.assign(status, statusCounts(job, counts, living, terminating))
      const before = job.status?.uncountedTerminatedPods
      const uidsOf = (ended: readonly core.Pod[]): string[] => ended.slice(0, UNCOUNTED_LIMIT).map((pod) => pod.metadata?.uid ?? '')
      const uncounted = {
        succeeded: [...(before?.succeeded ?? []), ...uidsOf(counts.newSucceeded)],
        failed: [...(before?.failed ?? []), ...uidsOf(newFailed)],
      }
      status.uncountedTerminatedPods = withoutEmpty(uncounted)
      const written = await writeStatus(scope, job, status)

      // Written down: now the pods may go, and then their ends become numbers.
      const noted = new Set([...uncounted.succeeded, ...uncounted.failed])
      await inParallel([...owned.filter((pod) => isTracked(pod) && noted.has(pod.metadata?.uid ?? '')), ...ignored], WIDTH, (pod) =>
        untrack(scope, key, pod),
      )
      const succeeded = isIndexed(job) ? counts.completed.size : (written.status?.succeeded ?? 0) + uncounted.succeeded.length
      const counted: batch.JobStatus = {
        ...written.status,
        succeeded: unlessZero(succeeded),
        failed: unlessZero((written.status?.failed ?? 0) + uncounted.failed.length),
        uncountedTerminatedPods: {},
      }
      const remaining = counts.verdict !== undefined && counts.active.length > 0 ? 1 : terminating
      if (counts.verdict !== undefined && remaining === 0 && counts.newSucceeded.length + newFailed.length <= UNCOUNTED_LIMIT)
        await finish(scope, written, counted, counts.verdict, nowMs)
      else await writeStatus(scope, written, counted)

      if (failure !== undefined) throw failure
      const next = [againInMs, deadlineInMs({ ...job, status }, nowMs)].filter((ms) => ms !== undefined)
      return next.length === 0 ? done : after(Math.max(1, Math.min(...next)))
    }

    async function finish(
      scope: Scope,
      job: batch.Job,
      status: batch.JobStatus,
      verdict: NonNullable<Tally['verdict']>,
      nowMs: number,
    ): Promise<void> {
      const hasFailed = verdict.type === 'FailureTarget'
      const conditions = withJobCondition(
        status.conditions ?? [],
        hasFailed ? 'Failed' : 'Complete',
        'True',
        verdict.reason,
        verdict.message,
        nowMs,
      )
      await writeStatus(scope, job, { ...status, conditions, ...(hasFailed ? {} : { completionTime: rfc3339(nowMs) }) })
      if (hasFailed) events.event(job, 'Warning', verdict.reason, verdict.message)
      else events.event(job, 'Normal', 'Completed', 'Job completed')
    }

    return async (scope, key) => {
      if (key.startsWith(UNOWNED)) {
        const pod = pods.get(key.slice(UNOWNED.length))
        if (pod !== undefined && controllerOf(pod) === undefined && selectingJobs(pod).length === 0) await untrack(scope, key, pod)
        return done
      }
      const job = jobs.get(key)
      if (job === undefined) {
        ownPods.forget(key)
        ownJobs.forget(key)
        backOff.forget(key)
        // Pods that outlive their Job must not be held by it.
        const [namespace = '', name = ''] = key.split('/')
        const left = pods.list(namespace).filter((pod) => {
          const owner = controllerOf(pod)
          return isTracked(pod) && (owner === undefined ? selectingJobs(pod).length === 0 : owner.kind === 'Job' && owner.name === name)
        })
        await inParallel(left, WIDTH, (pod) => untrack(scope, key, pod))
        return done
      }
      const { managedBy } = job.spec ?? {}
      if (managedBy !== undefined && managedBy !== MANAGED_BY) return done
      const waiting = untilSettled(key, ownPods, ownJobs)
      if (waiting !== undefined) return waiting
      if (job.metadata?.deletionTimestamp !== undefined || isJobFinished(job)) {
        const tracked = pods
          .byIndex('controller-uid', job.metadata?.uid ?? '')
          .filter((pod) => isTracked(pod) && (isFinished(pod) || isTerminating(pod) || isJobFinished(job)))
        await inParallel(tracked, WIDTH, (pod) => untrack(scope, key, pod))
        return done
      }
      return round(scope, key, job)
    }
  },
}

function isUncounted(job: batch.Job, pod: core.Pod): boolean {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {}
  const uid = pod.metadata?.uid ?? ''
  return succeeded.includes(uid) || failed.includes(uid)
}

function withoutEmpty(lists: { readonly succeeded: string[]; readonly failed: string[] }): batch.UncountedTerminatedPods {
  return {
    ...(lists.succeeded.length === 0 ? {} : { succeeded: lists.succeeded }),
    ...(lists.failed.length === 0 ? {} : { failed: lists.failed }),
  }
}
