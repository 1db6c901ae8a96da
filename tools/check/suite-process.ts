import { join } from 'node:path'
import { runTests } from './run-tests.ts'
import { SUITES, filesOf } from './suites.ts'

/** One suite in a process of its own: `node suite-process.ts SUITE [PART-OF-A-PATH]`. Sends the sums to its parent as they grow. */
const suite = SUITES.find((candidate) => candidate.name === process.argv[2])
if (suite === undefined) throw new Error(`no suite '${process.argv[2]}'`)

const cwd = join(import.meta.dirname, '../..')
const match = process.argv[3] ?? ''
const files = filesOf(cwd, suite, match)
if (files.length === 0) throw new Error(`no file of the suite '${suite.name}' has '${match}' in its path`)

const counts = await runTests({
  cwd,
  globs: files,
  lanes: suite.lanes,
  onFile(file, durationMs, sums) {
    console.log(`${file} ${(durationMs / 1000).toFixed(1)} s`)
    process.send?.(sums)
  },
})
process.send?.(counts)
process.exitCode = counts.failed > 0 ? 1 : 0
process.disconnect?.()
