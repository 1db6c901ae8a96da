import { join } from 'node:path'
import { describeCounts, runTests } from './run-tests.ts'

/** The unit tests: those that stand beside the code. */
const globs = ['src/**/!(*.integration).test.ts', 'tools/**/*.test.ts', 'testing/**/*.test.ts', 'examples/**/*.test.ts']

const LIMIT_MS = 15 * 60_000

const counts = await runTests({ cwd: join(import.meta.dirname, '../..'), globs, limitMs: LIMIT_MS })
console.log(describeCounts(counts))
process.exitCode = counts.failed > 0 ? 1 : 0
