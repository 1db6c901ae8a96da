import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { RUN_MARK, endLeftovers } from './leftovers.ts'
import { NO_TESTS, type TestCounts, addCounts } from './run-tests.ts'
import type { Suite } from './suites.ts'

const GRACE_MS = 5_000

/**
 * Runs a suite with its time limit. Nothing that it started outlives it: when time is up, or this process is told to stop, its whole group ends, and in
 * any case what has left the group, as clusters do. A suite that ends badly or late counts as one failure more than it has told of.
 */
export async function runSuite(root: string, suite: Suite, match = ''): Promise<TestCounts> {
  const run = randomUUID()
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'suite-process.ts'), suite.name, match],
    {
      cwd: root,
      detached: true,
      env: { ...process.env, [RUN_MARK]: run },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
  let counts = NO_TESTS
  child.on('message', (sums) => {
    counts = sums as TestCounts
  })
  let late = false
  let stoppedBy: NodeJS.Signals | undefined
  const end = (): void => {
    signalGroup(child, 'SIGTERM')
    setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS).unref()
  }
  const endLate = (): void => {
    late = true
    end()
  }
  const limit = suite.limitMs === undefined ? undefined : setTimeout(endLate, suite.limitMs)
  const stop = (signal: NodeJS.Signals): void => {
    stoppedBy = signal
    end()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(limit)
  process.off('SIGINT', stop).off('SIGTERM', stop)
  signalGroup(child, 'SIGKILL')
  for (const left of endLeftovers(root, run)) console.log(`${suite.name} left running, ended now: ${left}`)
  if (stoppedBy !== undefined) process.exit(stoppedBy === 'SIGINT' ? 130 : 143)
  if (late) console.log(`${suite.name}: not done within ${Math.round((suite.limitMs ?? 0) / 1000)} s`)
  else if (code !== 0 && counts.failed === 0) console.log(`${suite.name}: the suite's process ended with ${code ?? 'a signal'}`)
  return late || (code !== 0 && counts.failed === 0) ? addCounts(counts, { passed: 0, failed: 1, skipped: 0 }) : counts
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}
