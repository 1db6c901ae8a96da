import { type batch, isNotFound, refs } from '#api'
import { after, type ControllerDefinition, done } from '#reconcile'

/** Milliseconds until a finished Job is to go; undefined when it stays, or has not finished. */
export function expiresInMs(job: batch.Job, nowMs: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished
  const finished = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  if (seconds === undefined || !finished?.lastTransitionTime) return undefined
  return Date.parse(finished.lastTransitionTime) + seconds * 1000 - nowMs
}

export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished-controller',
  setup(context) {
    const jobs = context.watch(refs.jobs, ({ key, now }) => (now === undefined ? [] : [key]))
    const client = context.client.resource(refs.jobs)
    return async (scope, key) => {
      const job = jobs.get(key)
      if (job === undefined || job.metadata?.deletionTimestamp !== undefined) return done
      const inMs = expiresInMs(job, scope.clock.now())
      if (inMs === undefined) return done
      if (inMs > 0) return after(inMs)
      const { namespace, name = '', uid = '' } = job.metadata ?? {}
      await client
        .delete(scope, { namespace, name }, { propagationPolicy: 'Foreground', preconditions: { uid } })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
      return done
    }
  },
}
