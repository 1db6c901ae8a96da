import { type Scope, messageOf } from '#base'
import { type core, StatusError, isConflict, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { WATCH_BACK_OFF, backOffMs } from '#reconcile'
import type { PodInfo } from '../pod/pod-info.ts'

/** What became of a binding that was not answered with success. `refused`: the pod is where it was. */
export type Fate = 'bound' | 'elsewhere' | 'refused'

/**
 * Asked of the server until it answers, unless the refusal itself says it all: a place that was taken after all, by a binding whose answer was lost, must
 * not be given to another pod.
 */
export async function fateOf(scope: Scope, client: Client, { namespace, name, uid }: PodInfo, node: string, why: unknown): Promise<Fate> {
  if (isCertain(why)) return 'refused'
  for (let failures = 0; ; ) {
    try {
      const now: core.Pod = await client.resource(refs.pods).get(scope, { namespace, name })
      if (now.metadata?.uid !== uid) return 'elsewhere'
      const where = now.spec?.nodeName ?? ''
      return where === '' ? 'refused' : where === node ? 'bound' : 'elsewhere'
    } catch (error) {
      scope.check()
      if (isNotFound(error)) return 'elsewhere'
      failures++
      scope.log.debug('it is not known whether a pod is bound', { pod: `${namespace}/${name}`, error: messageOf(error) })
      await scope.sleep(backOffMs(WATCH_BACK_OFF, failures, scope.random))
    }
  }
}

/** The server has looked at the request and wants none of it. Of a conflict it may be the cause itself: the first of two tries was not answered. */
const isCertain = (error: unknown): boolean =>
  error instanceof StatusError && error.httpStatus < 500 && !isConflict(error) && !isNotFound(error)
