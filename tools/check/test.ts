import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { describeSteps } from './report.ts'
import { runSteps } from './run-steps.ts'
import { runSuite } from './run-suite.ts'
import { NO_TESTS, type TestCounts, addCounts, describeCounts, parseCounts } from './run-tests.ts'
import { stepsOf } from './steps.ts'
import { suitesOf } from './suites.ts'

const root = join(import.meta.dirname, '../..')

const options = {
  only: { type: 'string', multiple: true },
  match: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean' },
} as const

/** `sampan test`: the steps of `npm run check`, then each suite of test/. The last line is the sum over all tests. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options })
  const suites = suitesOf(root)
  const names = ['check', ...suites.map((suite) => suite.name)]
  if (values.help) {
    console.log(`sampan test [--only ${names.join('|')}]… [--match TEXT] [--rounds N] [--seconds S] [--seed N]

  --only SUITE  not everything; may be repeated
  --match TEXT  of the suites, only the files whose path holds the text
  --rounds N    how often something is killed, or rolled, where tests do it again and again
  --seconds S   how long each property is tried with ever new inputs, instead of a fixed number of them
  --seed N      where the random inputs of properties begin: a failure prints the one that it had
With --rounds or --seconds the suites have no time limit.`)
    return
  }
  const unknown = values.only?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    console.error(`no suite '${unknown}'; there are ${names.join(', ')}`)
    process.exitCode = 2
    return
  }
  for (const name of ['rounds', 'seconds', 'seed'] as const) {
    const value = values[name]
    if (value === undefined) continue
    if (!(Number(value) > 0)) {
      console.error(`--${name} ${value} is not a positive number`)
      process.exitCode = 2
      return
    }
    process.env[`SAMPAN_TEST_${name.toUpperCase()}`] = value
  }
  const isLong = values.rounds !== undefined || values.seconds !== undefined
  const wanted = (name: string): boolean =>
    values.only?.includes(name) ?? !suites.some((suite) => suite.name === name && suite.onlyWhenAsked)
  await installNeeded()
  let counts = wanted('check') ? await check() : NO_TESTS
  for (const suite of suites) {
    if (!wanted(suite.name)) continue
    console.log(styleText('bold', `── ${suite.name} ──`))
    const sums = await runSuite(root, isLong ? { ...suite, limitMs: undefined } : suite, values.match)
    console.log(describeCounts(sums))
    counts = addCounts(counts, sums)
  }
  console.log(describeCounts(counts))
  process.exitCode = counts.failed > 0 ? 1 : 0
}

/** Loaded only here: it knows all of Sampan, and `--help` need not. */
const installNeeded = async (): Promise<void> => (await import('./needed-programs.ts')).installNeededPrograms()

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
