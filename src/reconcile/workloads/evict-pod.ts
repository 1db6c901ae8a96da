import { type Scope, rfc3339 } from '#base'
import { type core, isNotFound } from '#api'
import type { ResourceClient } from '#client'
import { disrupted } from './pods.ts'

/** Says on the pod why it is taken away, then deletes it, as long as it is this one. One that is gone already has left. */
export async function evictPod(
  scope: Scope,
  pods: ResourceClient<core.Pod>,
  pod: core.Pod,
  why: { readonly reason: string; readonly message: string },
): Promise<void> {
  const { namespace, name = '', uid = '' } = pod.metadata ?? {}
  const conditions = [...disrupted(pod, why, rfc3339(scope.clock.now()))]
  try {
    await pods.update(scope, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' })
    await pods.delete(scope, { namespace, name }, { preconditions: { uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
