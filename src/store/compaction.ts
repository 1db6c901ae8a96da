import type { Scope, Timer } from '#base'
import type { Engine } from './engine.ts'
import { StoreClosed } from './errors.ts'

export interface CompactionOptions {
  /** How long a superseded value stays readable, at least. */
  readonly keepMs: number
  /** How often the store is compacted, and how exactly `keepMs` is kept. */
  readonly everyMs: number
}

interface Mark {
  readonly atMs: number
  readonly revision: number
}

/**
 * Compacts a store every so often, up to the newest revision that was reached at least `keepMs` ago; kube-apiserver does so
 * every 5 minutes. Time is monotonic, so a clock that jumps forgets nothing early. After a restart the times of old
 * revisions are not known: they are taken for new. Ends when the scope is cancelled or the store is closed.
 */
export function startCompaction(scope: Scope, engine: Engine, options: CompactionOptions): void {
  const { clock, signal, log } = scope
  let marks: Mark[] = [{ atMs: clock.monotonic(), revision: engine.revision }]
  let timer: Timer | undefined

  const turn = async (): Promise<void> => {
    const now = clock.monotonic()
    const due = marks.findLast((mark) => mark.atMs <= now - options.keepMs)
    if (due !== undefined) {
      marks = marks.filter((mark) => mark.atMs > due.atMs)
      if (due.revision > engine.compactedRevision) await engine.compact(due.revision)
    }
    if (marks.at(-1)?.revision !== engine.revision) marks.push({ atMs: now, revision: engine.revision })
  }
  const arm = (): void => {
    if (signal.aborted) return
    timer = clock.after(options.everyMs, run, { background: true })
  }
  const run = (): void => {
    turn().then(arm, (error: unknown) => {
      if (error instanceof StoreClosed) return
      log.warn('the store could not be compacted, trying again', { error })
      arm()
    })
  }
  signal.addEventListener('abort', () => timer?.cancel(), { once: true })
  arm()
}
