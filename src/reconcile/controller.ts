import { type Scope, isCancelled, messageOf } from '#base'
import { isConflict } from '#api'
import type { Client } from '#client'
import { type BackOffLimits, KEY_BACK_OFF, backOffMs } from './back-off.ts'
import type { ControllerContext, ControllerDefinition, EventRecorder, Informers, Reconcile } from './contract.ts'
import { Terminal } from './errors.ts'
import type { QueueMetrics } from './queue-metrics.ts'
import { WorkQueue } from './queue.ts'

const DEFAULT_WORKERS = 4

export interface ControllerRuntime {
  readonly client: Client
  readonly informers: Informers
  /** One recorder for each event source. */
  readonly events: (source: string) => EventRecorder
  readonly backOff?: BackOffLimits
  readonly metrics?: QueueMetrics
}

/** Counts since the start; `queued`, `running`, `delayed` are of now. */
export interface ControllerStats {
  readonly name: string
  readonly reconciled: number
  readonly failed: number
  readonly busyMs: number
  readonly queued: number
  readonly running: number
  readonly delayed: number
}

export interface RunningController {
  stats(): ControllerStats
  /** Resolves when the controller's scope has ended and what was under way is done. */
  readonly stopped: Promise<void>
}

/**
 * Starts controllers over shared informers. Resolves when all caches are in and the workers run. A key is worked on by one worker of its
 * controller at a time; all stops with the scope.
 */
export async function runControllers(
  scope: Scope,
  definitions: readonly ControllerDefinition[],
  runtime: ControllerRuntime,
): Promise<readonly RunningController[]> {
  const prepared = definitions.map((definition) => prepareController(scope, definition, runtime))
  await runtime.informers.start(scope)
  return prepared.map((start) => start())
}

/** Declares the watches now; the returned function opens the queue. */
function prepareController(parent: Scope, definition: ControllerDefinition, runtime: ControllerRuntime): () => RunningController {
  const scope = parent.child({ log: { controller: definition.name } })
  const limits = runtime.backOff ?? KEY_BACK_OFF
  const failures = new Map<string, number>()
  let reconciled = 0
  let failed = 0
  let busyMs = 0

  const meter = runtime.metrics?.meter(definition.name)
  const work = async (key: string): Promise<void> => {
    if (scope.signal.aborted) return
    const startedMs = scope.clock.monotonic()
    try {
      const result = await reconcile(scope, key)
      failures.delete(key)
      if (result.kind === 'after') queue.addAfter(key, result.delayMs)
      else if (result.kind === 'last') queue.addLast(key, result.mostMs)
    } catch (error) {
      if (scope.signal.aborted) return
      failed++
      if (error instanceof Terminal) {
        failures.delete(key)
        scope.log.error('reconcile gave up', { key, error: messageOf(error) })
        return
      }
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      if (meter !== undefined) meter.retries.value++
      const delayMs = backOffMs(limits, count, scope.random)
      queue.addAfter(key, delayMs)
      // Two writers met: the normal cost of optimistic writes, not worth a person's attention.
      if (isConflict(error) || isCancelled(error)) scope.log.debug('reconcile is repeated', { key, delayMs })
      else scope.log.warn('reconcile failed', { key, delayMs, failures: count, error: messageOf(error) })
    } finally {
      reconciled++
      busyMs += scope.clock.monotonic() - startedMs
    }
  }
  const queue = new WorkQueue(scope.clock, definition.workers ?? DEFAULT_WORKERS, work, meter)
  runtime.metrics?.follow(definition.name, queue)

  const context: ControllerContext = {
    scope,
    client: runtime.client,
    informers: runtime.informers,
    events: runtime.events(definition.eventSource ?? definition.name),
    enqueue: (key, delayMs) => (delayMs === undefined ? queue.add(key) : queue.addAfter(key, delayMs)),
    othersWait: () => queue.isFull,
    watch: (ref, keysOf) => {
      const informer = runtime.informers.informer(ref)
      informer.onChange((change) => {
        for (const key of keysOf(change)) queue.add(key)
      })
      return informer
    },
  }

  // The queue runs nothing before it is opened, so this is there when its worker asks for it.
  const reconcile: Reconcile = definition.setup(context)
  return () => {
    queue.open()
    const stopped = new Promise<void>((resolve) => {
      const stop = (): void => void queue.close().then(resolve)
      if (scope.signal.aborted) stop()
      else scope.signal.addEventListener('abort', stop, { once: true })
    })
    return {
      stopped,
      stats: () => ({
        name: definition.name,
        reconciled,
        failed,
        busyMs,
        queued: queue.depth,
        running: queue.running,
        delayed: queue.delayed,
      }),
    }
  }
}
