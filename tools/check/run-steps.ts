import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Step } from './steps.ts'

export interface StepResult {
  readonly name: string
  readonly ok: boolean
  readonly durationMs: number
  /** Standard output and standard error in the order they came. */
  readonly output: string
}

/** Runs all steps, side by side as far as there are processors, whatever fails. Results come in the order of `steps`. */
export async function runSteps(root: string, steps: readonly Step[], lanes = Math.max(2, availableParallelism())): Promise<StepResult[]> {
  const results: StepResult[] = []
  const waiting = steps.entries()
  const lane = async (): Promise<void> => {
    for (const [at, step] of waiting) results[at] = await runStep(root, step)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

function runStep(root: string, step: Step): Promise<StepResult> {
  const started = performance.now()
  const [command = '', ...words] = step.command
  const { promise, resolve } = Promise.withResolvers<StepResult>()
  const child = spawn(command === 'node' ? process.execPath : command, words, {
    cwd: root,
    env: {
      // Stripped and compiled code is kept between runs: it halves what the many short processes of the unit tests cost.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
      ...process.env,
      PATH: [join(root, 'node_modules/.bin'), join(process.execPath, '..'), process.env['PATH']].join(delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const finish = (ok: boolean, last = ''): void => {
    resolve({ name: step.name, ok, durationMs: performance.now() - started, output: Buffer.concat(chunks).toString() + last })
  }
  child.on('error', (cause) => finish(false, `${command} does not start: ${cause.message}\n`))
  child.on('close', (code, signal) => finish(code === 0, signal === null ? '' : `ended by ${signal}\n`))
  return promise
}
