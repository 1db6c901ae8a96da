import { type Scope, messageOf } from '#base'

/** Does it every so often, first after one period, until the scope ends. What fails is told in the log, and done again the next time. */
export async function keepDoing(scope: Scope, everyMs: number, failure: string, work: () => Promise<void>): Promise<void> {
  while (!scope.signal.aborted) {
    await scope.sleep(everyMs).catch(() => undefined)
    if (scope.signal.aborted) return
    await work().catch((error: unknown) => {
      if (!scope.signal.aborted) scope.log.warn(failure, { error: messageOf(error) })
    })
  }
}
