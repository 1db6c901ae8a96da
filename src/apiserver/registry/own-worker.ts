import { type Scope, messageOf } from '#base'

const RETRY_MS = 1000

export interface OwnWorker {
  /** Soon runs, once for all calls until then. */
  schedule(): void
}

/**
 * Work of the server itself that brings what is stored to what it should be: one run at a time, each from what is there; again when it
 * was asked for meanwhile, and a little later when it failed. Ends with the scope.
 */
export function ownWorker(scope: Scope, what: string, run: () => Promise<void>): OwnWorker {
  let isDue = false
  let isWorking = false
  const work = async (): Promise<void> => {
    // What asks for it may stand in the midst of a write.
    await Promise.resolve()
    while (isDue && !scope.signal.aborted) {
      isDue = false
      try {
        await run()
      } catch (error) {
        if (scope.signal.aborted) return
        scope.log.warn(`${what} failed`, { error: messageOf(error) })
        scope.clock.after(RETRY_MS, schedule, { background: true })
        return
      }
    }
  }
  const schedule = (): void => {
    isDue = true
    if (isWorking || scope.signal.aborted) return
    isWorking = true
    void work().finally(() => {
      isWorking = false
    })
  }
  return { schedule }
}
