import { styleText } from 'node:util'
import type { StepResult } from './run-steps.ts'

/** What failed, in full, then one line for each step. */
export function describeSteps(results: readonly StepResult[]): string {
  const failed = results.filter((result) => !result.ok)
  const width = Math.max(...results.map((result) => result.name.length))
  const details = failed.map((result) => `${styleText('bold', `── ${result.name} ──`)}\n${result.output.trimEnd()}\n\n`)
  const lines = results.map(({ name, ok, durationMs }) => {
    const verdict = ok ? styleText('green', 'ok    ') : styleText('red', 'FAILED')
    return `${verdict} ${name.padEnd(width)} ${(durationMs / 1000).toFixed(1).padStart(6)} s\n`
  })
  return details.join('') + lines.join('')
}
