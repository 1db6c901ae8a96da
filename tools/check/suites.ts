import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A folder of test/: what crosses components, slowest and heaviest last. */
export interface Suite {
  readonly name: string
  /** Undefined: none. */
  readonly limitMs: number | undefined
  /** Test files side by side. One where the files share the machine: containers, networks, all processors. */
  readonly lanes: number
  /** Runs only when it is asked for: what it holds runs elsewhere too, for a shorter time. */
  readonly onlyWhenAsked?: true
}

const MINUTE_MS = 60_000

export const SUITES: readonly Suite[] = [
  { name: 'parity', limitMs: 20 * MINUTE_MS, lanes: 1 },
  { name: 'conformance', limitMs: 30 * MINUTE_MS, lanes: 1 },
  { name: 'e2e', limitMs: 20 * MINUTE_MS, lanes: 1 },
  { name: 'crash', limitMs: 15 * MINUTE_MS, lanes: 1 },
  { name: 'scale', limitMs: 15 * MINUTE_MS, lanes: 1 },
  { name: 'fuzz', limitMs: 15 * MINUTE_MS, lanes: 2, onlyWhenAsked: true },
]

/** Tests beside the code that need the real thing on the machine: too slow for the inner loop, so they run with what crosses components. */
const INTEGRATION_TESTS = 'src/**/*.integration.test.ts'

/** Unit tests whose properties can be tried for any time. */
const UNIT_TESTS = 'src/**/!(*.integration).test.ts'
const PROPERTIES = 'propertyRuns'

/** The test files of a suite whose paths hold `match`. */
export function filesOf(root: string, { name }: Suite, match = ''): readonly string[] {
  const globs = name === 'fuzz' ? [UNIT_TESTS] : [`test/${name}/**/*.test.ts`, ...(name === 'e2e' ? [INTEGRATION_TESTS] : [])]
  return globSync(globs, { cwd: root })
    .filter((file) => file.includes(match))
    .filter((file) => name !== 'fuzz' || readFileSync(join(root, file), 'utf8').includes(PROPERTIES))
    .sort()
}

/** The suites that hold at least one test file. */
export function suitesOf(root: string): readonly Suite[] {
  return SUITES.filter((suite) => filesOf(root, suite).length > 0)
}
