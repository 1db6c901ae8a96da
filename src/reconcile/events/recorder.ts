import { type Scope, messageOf, rfc3339, rfc3339Micro } from '#base'
import { type KubeObject, type ResourceRef, isNotFound } from '#api'
import type { Client } from '#client'
import type { EventRecorder } from '../contract.ts'
import { EventJoiner, type Occurrence } from './joiner.ts'

export const EVENTS_REF: ResourceRef<CoreEvent> = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true }

/** What recorders write of core v1 Events. */
export interface CoreEvent extends KubeObject {
  involvedObject: ObjectReference
  related?: ObjectReference
  reason: string
  message: string
  type: string
  source: { component?: string; host?: string }
  firstTimestamp: string | null
  lastTimestamp: string | null
  count?: number
  eventTime: string | null
  series?: { count: number; lastObservedTime: string }
  action?: string
  reportingComponent: string
  reportingInstance: string
}

export interface ObjectReference {
  kind?: string | undefined
  namespace?: string | undefined
  name?: string | undefined
  uid?: string | undefined
  apiVersion?: string | undefined
  resourceVersion?: string | undefined
  fieldPath?: string | undefined
}

/** Events that wait to be written; more are dropped, so that a storm costs no memory. */
const QUEUE_LIMIT = 5000
/** A server that takes this long for an Event has other work. */
const BUSY_MS = 4
const LONGEST_PAUSE_MS = 100

export interface EventsOptions {
  /** Told with the Events of actions as the reporting instance. */
  readonly instance?: string
  /** The node that the recorders' component works on. */
  readonly host?: string
  /** Written this much later: what the Events tell of goes before them. Default: at once. */
  readonly delayMs?: number
}

/**
 * Recorders that share one writer and its memory of what was written lately. Events with an action are written in the newer form
 * (eventTime, series), others in the older one (first and last time, count).
 */
export function createEvents(scope: Scope, client: Client, options: EventsOptions = {}): (source: string) => EventRecorder {
  const events = client.resource(EVENTS_REF)
  const joiner = new EventJoiner()
  const waiting: (() => Promise<void>)[] = []
  let isWriting = false
  let unique = 0
  let due: { cancel(): void } | undefined

  const begin = (): void => {
    due = undefined
    if (!isWriting) void drain()
  }
  const write = (job: () => Promise<void>): void => {
    if (waiting.length >= QUEUE_LIMIT || scope.signal.aborted) return
    waiting.push(job)
    if (options.delayMs === undefined) begin()
    else due ??= scope.clock.after(options.delayMs, begin, { background: true })
  }
  /** One at a time, with as long a pause as each took: when there is much to do, what is done goes before what is told of it. */
  const drain = async (): Promise<void> => {
    isWriting = true
    for (let job = waiting.shift(); job !== undefined && !scope.signal.aborted; job = waiting.shift()) {
      const startedMs = scope.clock.monotonic()
      await job().catch((error: unknown) => scope.log.debug('an Event was not written', { error: messageOf(error) }))
      const tookMs = Math.min(scope.clock.monotonic() - startedMs, LONGEST_PAUSE_MS)
      if (waiting.length > 0 && tookMs >= BUSY_MS) await scope.sleep(tookMs).catch(() => undefined)
    }
    isWriting = false
  }

  async function record(event: CoreEvent, occurrence: Occurrence): Promise<void> {
    const { known } = occurrence
    if (known.name !== undefined) {
      const at = { namespace: event.metadata?.namespace, name: known.name }
      const body =
        event.eventTime === null
          ? { count: known.count, lastTimestamp: event.lastTimestamp, message: event.message }
          : { series: { count: known.count, lastObservedTime: event.eventTime } }
      try {
        await events.patch(scope, at, { type: 'merge', body })
        return
      } catch (error) {
        // It has expired: written anew below.
        if (!isNotFound(error)) throw error
        known.count = 1
      }
    }
    const written = await events.create(scope, event.eventTime === null ? { ...event, count: known.count } : event)
    known.name = written.metadata?.name
  }

  return (source) => ({
    event(regarding, type, reason, message, extra) {
      const nowMs = scope.clock.now()
      const involvedObject = { ...referenceTo(regarding), ...(extra?.fieldPath === undefined ? {} : { fieldPath: extra.fieldPath }) }
      const occurrence = joiner.seen({ source, type, reason, message, action: extra?.action, about: JSON.stringify(involvedObject) }, nowMs)
      if (occurrence === undefined) return
      const base = {
        metadata: {
          name: `${regarding.metadata?.name ?? ''}.${(BigInt(nowMs) * 1_000_000n + BigInt(unique++ % 1_000_000)).toString(16)}`,
          namespace: regarding.metadata?.namespace ?? 'default',
        },
        involvedObject: { ...involvedObject, resourceVersion: regarding.metadata?.resourceVersion },
        reason,
        message: occurrence.message,
        type,
        reportingComponent: occurrence.isCombined ? '' : source,
        ...(extra?.related === undefined ? {} : { related: referenceTo(extra.related) }),
      }
      const event: CoreEvent =
        extra?.action === undefined
          ? {
              ...base,
              source: { component: source, ...(options.host === undefined ? {} : { host: options.host }) },
              firstTimestamp: rfc3339(nowMs),
              lastTimestamp: rfc3339(nowMs),
              eventTime: null,
              reportingInstance: options.host ?? '',
            }
          : {
              ...base,
              action: extra.action,
              source: {},
              firstTimestamp: null,
              lastTimestamp: null,
              eventTime: rfc3339Micro(nowMs),
              reportingInstance: options.instance ?? source,
            }
      write(() => record(event, occurrence))
    },
  })
}

export function referenceTo(object: KubeObject): ObjectReference {
  const { namespace, name, uid } = object.metadata ?? {}
  return { kind: object.kind, namespace, name, uid, apiVersion: object.apiVersion }
}
