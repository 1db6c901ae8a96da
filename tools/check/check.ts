import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeSteps } from './report.ts'
import { runSteps } from './run-steps.ts'
import { stepsOf } from './steps.ts'

/** `npm run check`: everything that must hold of the tree, all failures at once. `--only STEP` (repeatable) for some of it. */
async function main(): Promise<void> {
  const root = join(import.meta.dirname, '../..')
  const steps = stepsOf(root)
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, help: { type: 'boolean' } } })
  if (values.help) {
    console.log(['npm run check -- [--only STEP]…', ...steps.map((step) => `  ${step.name.padEnd(10)} ${step.holds}`)].join('\n'))
    return
  }
  const unknown = values.only?.find((name) => steps.every((step) => step.name !== name))
  if (unknown !== undefined) {
    console.error(`no step '${unknown}'; the steps are ${steps.map((step) => step.name).join(', ')}`)
    process.exitCode = 2
    return
  }
  const started = performance.now()
  const results = await runSteps(root, values.only === undefined ? steps : steps.filter((step) => values.only?.includes(step.name)))
  process.stdout.write(describeSteps(results))
  console.log(`${((performance.now() - started) / 1000).toFixed(1)} s in all`)
  process.exitCode = results.every((result) => result.ok) ? 0 : 1
}

await main()
