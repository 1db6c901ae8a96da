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
const WRITERS = 16
/** More are dropped, so that a storm costs no memory. */
const MOST_WAITING = 10_000

/** `isBusy`: whether pods wait to be scheduled. They come first: meanwhile one Event is written at a time. */
export function schedulerEvents(scope: Scope, client: Client, controller: string, isBusy: () => boolean): SchedulerEvents {
  const known = new Map<string, Known>()
  const events = client.resource(refs.eventsV1)
  const waiting: (() => Promise<unknown>)[] = []
  let writing = 0
  let unique = 0

  const pump = (): void => {
    while (writing < (isBusy() ? 1 : WRITERS) && !scope.signal.aborted) {
      const write = waiting.shift()
      if (write === undefined) return
      writing++
      void write().finally(() => {
        writing--
        pump()
      })
    }
  }

  return {
    event(pod, type, reason, action, note) {
      if (waiting.length >= MOST_WAITING) return
      const { namespace = '', name = '', uid, resourceVersion } = pod.metadata ?? {}
      const nowMs = scope.clock.now()
      const now = rfc3339Micro(nowMs)
      const key = JSON.stringify([uid, type, reason, action, note])
      const write = async (): Promise<unknown> => {
        const before = known.get(key)
        if (before !== undefined) {
          before.count++
          const body = { series: { count: before.count, lastObservedTime: now } }
          return events.patch(scope, { namespace, name: before.name }, { type: 'merge', body })
        }
        const eventName = `${name}.${(BigInt(nowMs) * 1_000_000n + BigInt(unique++ % 1_000_000)).toString(16)}`
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
      waiting.push(() =>
        write().catch((error: unknown) => {
          known.delete(key)
          scope.log.debug('event not written', { reason, pod: `${namespace}/${name}`, error: messageOf(error) })
        }),
      )
      pump()
    },
  }
}
