import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Scope } from '#base'

/** How often the process is looked at, and how long it must have been quiet. */
const QUIET_MS = 5_000
/** Of one processor; what watches, heartbeats and timers of an idle cluster take is less. */
const QUIET_SHARE = 0.03
/** Less than this is not worth a collection. */
const WORTH_BYTES = 6 << 20

/** What the process is asked, and told to do. */
export interface ProcessMemory {
  /** CPU time so far, in milliseconds. */
  cpuMs(): number
  /** Bytes that the heap holds, used or not. */
  heapBytes(): number
  /** Collects all garbage and gives back what is free. */
  collect(): void
}

/**
 * Gives memory back once the work that took it is done. V8 keeps its young generation as large as the busiest moment made it (32 MB
 * after the start alone) and collects old garbage only when more is wanted; in a process that then rests for hours that is most of what it holds. One full
 * collection when a burst is over costs 50 ms and more, when nobody waits. Ends with the scope.
 */
export function releaseIdleMemory(scope: Scope, memory: ProcessMemory = thisProcess()): void {
  const { clock } = scope
  let heldBytes = 0
  let cpuMs = memory.cpuMs()
  let timer = clock.after(QUIET_MS, look, { background: true })
  function look(): void {
    const now = memory.cpuMs()
    const isQuiet = now - cpuMs < QUIET_MS * QUIET_SHARE
    if (isQuiet && memory.heapBytes() > heldBytes + WORTH_BYTES) {
      memory.collect()
      heldBytes = memory.heapBytes()
      cpuMs = memory.cpuMs()
    } else cpuMs = now
    timer = clock.after(QUIET_MS, look, { background: true })
  }
  scope.signal.addEventListener('abort', () => timer.cancel(), { once: true })
}

function thisProcess(): ProcessMemory {
  let collect: (() => void) | undefined
  return {
    cpuMs: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    heapBytes: () => getHeapStatistics().total_heap_size,
    collect: () => (collect ??= collector())(),
  }
}

/** V8's own door to its collector, opened without a flag on every command line. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
