import { globSync } from 'node:fs'
import { join } from 'node:path'

/** A folder of test/: what crosses components, slowest and heaviest last. */
export interface Suite {
  readonly name: string
  readonly limitMs: number
  /** Test files side by side. One where the files share the machine: containers, networks, all processors. */
  readonly lanes: number
}

const MINUTE_MS = 60_000

export const SUITES: readonly Suite[] = [
  { name: 'parity', limitMs: 20 * MINUTE_MS, lanes: 1 },
  { name: 'conformance', limitMs: 30 * MINUTE_MS, lanes: 1 },
  { name: 'e2e', limitMs: 20 * MINUTE_MS, lanes: 1 },
  { name: 'crash', limitMs: 15 * MINUTE_MS, lanes: 1 },
  { name: 'scale', limitMs: 15 * MINUTE_MS, lanes: 1 },
]

/** Tests beside the code that need the real thing on the machine: too slow for the inner loop, so they run with what crosses components. */
const INTEGRATION_TESTS = 'src/**/*.integration.test.ts'

export function globsOf(suite: Suite): readonly string[] {
  const own = `test/${suite.name}/**/*.test.ts`
  return suite.name === 'e2e' ? [own, INTEGRATION_TESTS] : [own]
}

/** The suites that hold at least one test file. */
export function suitesOf(root: string): readonly Suite[] {
  return SUITES.filter((suite) => globSync([...globsOf(suite)], { cwd: join(root) }).length > 0)
}
