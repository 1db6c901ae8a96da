import { join } from 'node:path'
import { runTests } from './run-tests.ts'
import { SUITES, globsOf } from './suites.ts'

/** One suite in a process of its own: `node suite-process.ts SUITE`. Sends the sums to its parent as they grow. */
const suite = SUITES.find((candidate) => candidate.name === process.argv[2])
if (suite === undefined) throw new Error(`no suite '${process.argv[2]}'`)

const counts = await runTests({
  cwd: join(import.meta.dirname, '../..'),
  globs: globsOf(suite),
  lanes: suite.lanes,
  onFile(file, durationMs, sums) {
    console.log(`${file} ${(durationMs / 1000).toFixed(1)} s`)
    process.send?.(sums)
  },
})
process.send?.(counts)
process.exitCode = counts.failed > 0 ? 1 : 0
process.disconnect?.()
