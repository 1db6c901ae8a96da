import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { describeSteps } from './report.ts'
import { runSteps } from './run-steps.ts'
import { runSuite } from './run-suite.ts'
import { NO_TESTS, type TestCounts, addCounts, describeCounts, parseCounts } from './run-tests.ts'
import { stepsOf } from './steps.ts'
import { suitesOf } from './suites.ts'

const root = join(import.meta.dirname, '../..')

/** `sampan test`: the steps of `npm run check`, then each suite of test/. The last line is the sum over all tests. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, help: { type: 'boolean' } } })
  const suites = suitesOf(root)
  const names = ['check', ...suites.map((suite) => suite.name)]
  if (values.help) {
    console.log(`sampan test [--only ${names.join('|')}]…`)
    return
  }
  const unknown = values.only?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    console.error(`no suite '${unknown}'; there are ${names.join(', ')}`)
    process.exitCode = 2
    return
  }
  const wanted = (name: string): boolean => values.only === undefined || values.only.includes(name)
  let counts = wanted('check') ? await check() : NO_TESTS
  for (const suite of suites) {
    if (!wanted(suite.name)) continue
    console.log(styleText('bold', `── ${suite.name} ──`))
    const sums = await runSuite(root, suite)
    console.log(describeCounts(sums))
    counts = addCounts(counts, sums)
  }
  console.log(describeCounts(counts))
  process.exitCode = counts.failed > 0 ? 1 : 0
}

/** A step that fails without counting tests is one failure, so that the last line never says that all is well when it is not. */
async function check(): Promise<TestCounts> {
  const results = await runSteps(root, stepsOf(root))
  process.stdout.write(describeSteps(results))
  return results
    .map(({ ok, output }) => {
      const counted = parseCounts(output) ?? NO_TESTS
      return ok || counted.failed > 0 ? counted : addCounts(counted, { passed: 0, failed: 1, skipped: 0 })
    })
    .reduce(addCounts, NO_TESTS)
}

await main()
