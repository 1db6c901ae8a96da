import type { Clock } from '#base'
import type { WorkingMemory } from './pod-subject.ts'

/** Less is a clock that is being slowed or hastened, not set. */
const JUMP_MS = 1000

/** Notices that the wall clock was set, by a person or a time server. */
export class ClockJumps {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  #offsetMs: number
  /** How far it was set back in all: what the runtime noted before lies so far in the future. */
  setBackMs = 0

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock
    this.#offsetMs = clock.now() - clock.monotonic()
  }

  /** By how much since it was asked last; 0: it was not. */
  take(): number {
    const offsetMs = this.#clock.now() - this.#clock.monotonic()
    const jumpMs = offsetMs - this.#offsetMs
    this.#offsetMs = offsetMs
    if (Math.abs(jumpMs) < JUMP_MS) return 0
    this.setBackMs += Math.max(-jumpMs, 0)
    return jumpMs
  }
}

/** Waiting goes on as if the clock had not been set: every time that was noted here moves with it. The pod's own start stays, since its deadline is one of the wall clock. */
export function moveTimes(memory: WorkingMemory, byMs: number): void {
  if (byMs === 0) return
  for (const [name, failure] of memory.failures) memory.failures.set(name, moved(failure, byMs))
  for (const [name, backoff] of memory.backoffs) memory.backoffs.set(name, { ...backoff, updatedAtMs: backoff.updatedAtMs + byMs })
  if (memory.sandboxFailure !== undefined) memory.sandboxFailure = moved(memory.sandboxFailure, byMs)
  if (memory.endingSinceMs !== undefined) memory.endingSinceMs += byMs
  const { inProgress } = memory.resize
  if (inProgress?.retryAtMs !== undefined)
    memory.resize = { ...memory.resize, inProgress: { ...inProgress, retryAtMs: inProgress.retryAtMs + byMs } }
}

const moved = <T extends { readonly atMs: number; readonly retryAtMs: number }>(failure: T, byMs: number): T => ({
  ...failure,
  atMs: failure.atMs + byMs,
  retryAtMs: failure.retryAtMs + byMs,
})
