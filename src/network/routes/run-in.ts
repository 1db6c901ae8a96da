import { type Scope, runProgram } from '#base'
import type { Run } from './overlay.ts'

const LIMIT_MS = 20_000

/** Programs in the network at the path, or in this one where there is none. */
export function runIn(scope: Scope, netns: string | undefined): Run {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`]
  return async (program, args, lines = []) => {
    const { code, stdout, stderr } = await runProgram(scope, [...prefix, program, ...args], {
      input: `${lines.join('\n')}\n`,
      limitMs: LIMIT_MS,
    })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }
}
