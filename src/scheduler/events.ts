import { type Scope, messageOf, rfc3339Micro } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'

/** Writes events.k8s.io Events about pods, as the scheduler does. Never waits and never throws; a repeat raises the count of the last one. */
export interface SchedulerEvents {
  event(pod: core.Pod, type: 'Normal' | 'Warning', reason: string, action: string, note: string): void
}

interface Known {
  readonly name: string
  count: number
}

const REMEMBERED = 4096

export function schedulerEvents(scope: Scope, client: Client, controller: string): SchedulerEvents {
  const known = new Map<string, Known>()
  const events = client.resource(refs.eventsV1)
  return {
    event(pod, type, reason, action, note) {
      const { namespace = '', name = '', uid, resourceVersion } = pod.metadata ?? {}
      const now = rfc3339Micro(scope.clock.now())
      const key = JSON.stringify([uid, type, reason, action, note])
      const before = known.get(key)
      const write = async (): Promise<unknown> => {
        if (before !== undefined) {
          before.count++
          const body = { series: { count: before.count, lastObservedTime: now } }
          return events.patch(scope, { namespace, name: before.name }, { type: 'merge', body })
        }
        const eventName = `${name}.${Buffer.from(scope.random.bytes(8)).toString('hex')}`
        known.set(key, { name: eventName, count: 1 })
        const [oldest] = known.keys()
        if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest)
        return events.create(scope, {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: eventName, namespace },
          eventTime: now,
          reportingController: controller,
          reportingInstance: controller,
          action,
          reason,
          note,
          type,
          regarding: { kind: 'Pod', apiVersion: 'v1', namespace, name, uid, resourceVersion },
        })
      }
      write().catch((error: unknown) => {
        known.delete(key)
        scope.log.debug('event not written', { reason, pod: `${namespace}/${name}`, error: messageOf(error) })
      })
    },
  }
}
