/**
 * Runs `count` tasks in batches of 1, 2, 4, … side by side, up to `widest`, and stops after the first batch with a failure:
 * when the server refuses all (a quota, a bad template), one request finds out instead of a thousand. Resolves with the number that
 * succeeded and the first failure.
 */
export async function slowStart(
  count: number,
  widest: number,
  task: (index: number) => Promise<void>,
): Promise<{ readonly succeeded: number; readonly failure?: Error }> {
  let succeeded = 0
  let started = 0
  for (let width = 1; started < count; width = Math.min(width * 2, widest)) {
    const batch = Array.from({ length: Math.min(width, count - started) }, (_, i) => task(started + i))
    started += batch.length
    const results = await Promise.allSettled(batch)
    succeeded += results.filter((result) => result.status === 'fulfilled').length
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) return { succeeded, failure: asError(failed.reason) }
  }
  return { succeeded }
}

/** Runs all tasks, at most `width` side by side. Rejects with the first failure once all have ended. */
export async function inParallel<T>(items: readonly T[], width: number, task: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const failures: Error[] = []
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      try {
        await task(item)
      } catch (error) {
        failures.push(asError(error))
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  const [first] = failures
  if (first !== undefined) throw first
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
