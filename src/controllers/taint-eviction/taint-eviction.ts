import { keyOf, refs } from '#api'
import { PODS_BY_NODE, after, type ControllerDefinition, done, evictPod, indexByNode, isTerminating } from '#reconcile'
import { evictionTime, planEviction } from './plan-eviction.ts'

const WHY = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' } as const

/** Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer. */
export const taintEvictionController: ControllerDefinition = {
  name: 'taint-eviction-controller',
  workers: 16,
  setup(context) {
    const { client, events } = context
    const clock = context.scope.clock
    /** Pods whose deletion is set, and for when. */
    const scheduled = new Map<string, { readonly uid: string; readonly dueMs: number }>()
    const pods = context.watch(refs.pods, ({ key, old, now }) =>
      now === undefined ||
      old?.spec?.nodeName !== now.spec?.nodeName ||
      JSON.stringify(old?.spec?.tolerations) !== JSON.stringify(now.spec?.tolerations)
        ? [key]
        : [],
    )
    indexByNode(pods)
    const nodes = context.watch(refs.nodes, ({ key, old, now }) =>
      JSON.stringify(old?.spec?.taints) === JSON.stringify(now?.spec?.taints) ? [] : pods.byIndex(PODS_BY_NODE, key).map(keyOf),
    )
    const podClient = client.resource(refs.pods)

    return async (scope, key) => {
      const pod = pods.get(key)
      const { nodeName } = pod?.spec ?? {}
      if (pod === undefined || !nodeName || isTerminating(pod)) {
        scheduled.delete(key)
        return done
      }
      const plan = planEviction(pod.spec?.tolerations ?? [], nodes.get(nodeName)?.spec?.taints ?? [])
      const uid = pod.metadata?.uid ?? ''
      const before = scheduled.get(key)
      const nowMs = clock.monotonic()
      const { dueMs, isCancelled } = evictionTime(plan, before?.uid === uid ? before.dueMs : undefined, nowMs)
      if (isCancelled) events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)
      if (dueMs !== undefined && dueMs > nowMs) {
        scheduled.set(key, { uid, dueMs })
        return after(dueMs - nowMs)
      }
      scheduled.delete(key)
      if (dueMs === undefined) return done
      events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`)
      await evictPod(scope, podClient, pod, WHY)
      return done
    }
  },
}
