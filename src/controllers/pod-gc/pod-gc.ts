import { type Scope, rfc3339 } from '#base'
import { type core, isNotFound, keyOf, refs } from '#api'
import { PODS_BY_NODE, after, type ControllerDefinition, done, indexByNode, isFinished } from '#reconcile'
import { isAbandoned, lostStatus, planFinished, planPod } from './plan-pod-gc.ts'

export interface PodGcOptions {
  /** How long the node of a pod must have been missing before the pod is taken for lost. */
  readonly quarantineMs: number
  /** Finished pods beyond this number are deleted, oldest first. 0: never. */
  readonly terminatedThreshold: number
}

/** The key for the finished pods together; others are pods. */
const FINISHED = 'finished'
const FINISHED_INDEX = 'finished'

/** Removes pods whose node is gone or out of service, pods that end without ever having had a node, and finished pods that are too many. */
export function podGcController(options: PodGcOptions): ControllerDefinition {
  return {
    name: 'pod-garbage-collector',
    workers: 8,
    setup(context) {
      /** By pod: a node that is missing for long is no reason to take a pod for lost that has just come, its node may be on its way. */
      const missingSince = new Map<string, number>()
      const pods = context.watch(refs.pods, ({ key, now }) => {
        if (now === undefined) {
          missingSince.delete(key)
          return []
        }
        return isFinished(now) && options.terminatedThreshold > 0 ? [key, FINISHED] : [key]
      })
      indexByNode(pods)
      pods.addIndex(FINISHED_INDEX, (pod) => (isFinished(pod) ? [FINISHED] : []))
      const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
        const there = (): readonly string[] => pods.byIndex(PODS_BY_NODE, key).map((pod) => keyOf(pod))
        if (now === undefined) return there()
        if (old === undefined) for (const pod of there()) missingSince.delete(pod)
        return isAbandoned(now) && (old === undefined || !isAbandoned(old)) ? there() : []
      })
      const podClient = context.client.resource(refs.pods)
      const nodeClient = context.client.resource(refs.nodes)

      async function remove(scope: Scope, pod: core.Pod, why?: { readonly reason: string; readonly message: string }): Promise<void> {
        const { namespace, name = '', uid = '' } = pod.metadata ?? {}
        const status = lostStatus(pod, why, rfc3339(scope.clock.now()))
        try {
          if (status !== undefined) await podClient.update(scope, { ...pod, status }, { subresource: 'status' })
          await podClient.delete(scope, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }

      async function isNodeGone(scope: Scope, name: string): Promise<boolean> {
        try {
          await nodeClient.get(scope, { name })
          return false
        } catch (error) {
          if (isNotFound(error)) return true
          throw error
        }
      }

      return async (scope, key) => {
        if (key === FINISHED) {
          for (const pod of planFinished(pods.byIndex(FINISHED_INDEX, FINISHED), options.terminatedThreshold)) await remove(scope, pod)
          return done
        }
        const pod = pods.get(key)
        if (pod === undefined) return done
        const nodeName = pod.spec?.nodeName ?? ''
        const plan = planPod(pod, nodes.get(nodeName))
        if (plan === 'remove') await remove(scope, pod)
        if (plan !== 'look-for-node') return done
        const nowMs = scope.clock.monotonic()
        const sinceMs = missingSince.get(key) ?? nowMs
        missingSince.set(key, sinceMs)
        const leftMs = options.quarantineMs - (nowMs - sinceMs)
        if (leftMs > 0) return after(leftMs)
        if (await isNodeGone(scope, nodeName))
          await remove(scope, pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' })
        return done
      }
    },
  }
}
