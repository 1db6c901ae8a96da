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

export function globOf(suite: Suite): string {
  return `test/${suite.name}/**/*.test.ts`
}

/** The suites that hold at least one test file. */
export function suitesOf(root: string): readonly Suite[] {
  return SUITES.filter((suite) => globSync(globOf(suite), { cwd: join(root) }).length > 0)
}
