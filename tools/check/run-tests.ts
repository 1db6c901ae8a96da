import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { styleText } from 'node:util'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NO_TESTS: TestCounts = { passed: 0, failed: 0, skipped: 0 }

export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

export function describeCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

/** Reads the last line of what a run printed; undefined when it is not the line of `describeCounts`. */
export function parseCounts(output: string): TestCounts | undefined {
  const found = /(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(output.trimEnd())
  return found === null ? undefined : { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3]) }
}

export interface TestRun {
  readonly cwd: string
  readonly globs: readonly string[]
  /** Files side by side. Default: one for each processor. */
  readonly lanes?: number
  /**
   * One after the other in this process, which loads what they share once. What they leave open holds the process: that is a failure, and
   * the caller has to end it. Default: each in a process of its own.
   */
  readonly together?: boolean
  /** What still runs after this time is ended and has failed: a file that never ends would hold everything up. Default: no limit. */
  readonly limitMs?: number
  /** How long a shared process may last in which no test runs any more. Default: 30 s. */
  readonly heldMs?: number
  /** Called as each file ends, with the sums so far. */
  readonly onFile?: (file: string, durationMs: number, sums: TestCounts) => void
}

/**
 * Runs the files. Prints failures in full, of what passes only the figures that it tells (`context.diagnostic`). A file that holds no test counts as failed: it cannot
 * fail, so it proves nothing.
 */
export async function runTests({ cwd, globs, lanes, together = false, limitMs, heldMs = 30_000, onFile }: TestRun): Promise<TestCounts> {
  let counts = NO_TESTS
  const printed = new Map<string, string>()
  const running = new Set<string>()
  const late = new AbortController()
  const stream = run({
    cwd,
    globPatterns: [...globs],
    signal: late.signal,
    ...(together
      ? { isolation: 'none' as const }
      : { concurrency: lanes ?? Math.max(1, availableParallelism()), execArgv: ['--disable-warning=ExperimentalWarning'] }),
  })
  const fail = (where: string, details: string): void => {
    counts = addCounts(counts, { passed: 0, failed: 1, skipped: 0 })
    process.stdout.write(`${styleText('red', 'not ok')} ${where}\n${indent(details)}\n`)
  }
  const limit = limitMs === undefined ? undefined : setTimeout(endLate, limitMs)
  // In this process the run ends when nothing is left to do in it: the limits must not be what is left.
  if (together) limit?.unref()
  let idle: NodeJS.Timeout | undefined
  const heldUp = Promise.withResolvers<void>()
  function endLate(): void {
    for (const file of running) fail(relative(cwd, file), `did not end within ${(limitMs ?? 0) / 1000} s`)
    late.abort()
    if (together) heldUp.resolve()
  }
  function endHeld(): void {
    if (!together || running.size > 0) return
    fail('after the end of all tests', `what one of them left open holds the process: ${process.getActiveResourcesInfo().join(', ')}`)
    heldUp.resolve()
  }
  stream.on('test:dequeue', (test) => {
    if (test.nesting === 0) running.add(resolve(cwd, test.name))
  })
  stream.on('test:complete', (test) => {
    if (test.nesting === 0) running.delete(resolve(cwd, test.name))
    idle ??= setTimeout(endHeld, heldMs).unref()
    idle.refresh()
  })
  const collect = ({ file, message }: { readonly file?: string; readonly message: string }): void => {
    if (file !== undefined) printed.set(file, (printed.get(file) ?? '') + message)
  }
  stream.on('test:stdout', collect)
  stream.on('test:stderr', collect)
  stream.on('test:pass', (test) => {
    if (isFile(test)) return fail(test.name, 'no test in this file')
    if (test.details.type === 'suite') return
    const set = test.skip !== undefined || test.todo !== undefined
    counts = addCounts(counts, { passed: set ? 0 : 1, failed: 0, skipped: set ? 1 : 0 })
  })
  stream.on('test:fail', (test) => {
    if (late.signal.aborted) return
    if (test.todo !== undefined) {
      counts = addCounts(counts, { passed: 0, failed: 0, skipped: 1 })
      return
    }
    const path = isFile(test) || test.file === undefined ? test.name : relative(cwd, test.file)
    const text = isFile(test) ? (printed.get(test.name) ?? '') : ''
    // A test that failed only because a test inside it did has been told of already.
    const { error } = test.details
    if ('failureType' in error && error.failureType === 'subtestsFailed') {
      if (test.details.type !== 'suite') counts = addCounts(counts, { passed: 0, failed: 1, skipped: 0 })
      return
    }
    fail(isFile(test) ? path : `${path}:${test.line ?? 1} ${test.name}`, `${describe(error)}\n${text}`)
  })
  stream.on('test:diagnostic', ({ file, message }) => {
    // A process of its own would have ended badly by it; the shared one only hears of it.
    if (message.includes(AFTER_THE_END)) {
      if (together) fail('after the end of a test', message)
    } else if (file !== undefined) process.stdout.write(`${relative(cwd, file)}: ${message}\n`)
  })
  stream.on('test:summary', ({ file, duration_ms }) => {
    if (file !== undefined) onFile?.(relative(cwd, file), duration_ms, counts)
  })
  stream.resume()
  await Promise.race([once(stream, 'end'), heldUp.promise])
  clearTimeout(limit)
  clearTimeout(idle)
  return counts
}

/** What Node says of a test that has ended while something of it went on, and then failed. */
const AFTER_THE_END = 'generated asynchronous activity after the test ended'

/** Node reports a file that holds no test, or that ended badly, as a test whose name is the file's path as the glob found it. */
function isFile(test: { readonly name: string; readonly file?: string | undefined; readonly nesting: number }): boolean {
  return test.nesting === 0 && resolve(test.name) === test.file
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause: unknown = error.cause ?? error
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ')
}
