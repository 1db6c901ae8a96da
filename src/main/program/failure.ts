import { inspect } from 'node:util'
import { SampanError, UserError } from '#base'
import { WRONG_USE } from './exit-codes.ts'

const FAILED = 1

/** Codes of errors whose message says all there is to say to who typed the command: what the cluster refuses, and that it is not there. */
const TOLD_BY_MESSAGE: ReadonlySet<string> = new Set(['API_STATUS', 'API_UNREACHABLE', 'DEADLINE_EXCEEDED'])

/** What the machine refuses, and what would work. Its own message names the call and the path. */
const REFUSED_BY_MACHINE: ReadonlyMap<string, string> = new Map([
  ['EACCES', "a cluster of this machine is root's: sudo ./sampan …"],
  ['EPERM', "a cluster of this machine is root's: sudo ./sampan …"],
  ['ENOSPC', 'make room on that disk and run this again'],
  ['EROFS', 'name a folder that can be written with --state-dir'],
])

/** What a command that has failed says, and its exit code. The stack is only shown of what nobody has foreseen. */
export function failureOf(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? '' : `\n  ${error.hint.replaceAll('\n', '\n  ')}`
    return { text: `sampan: ${error.message}${hint}`, exitCode: WRONG_USE }
  }
  if (error instanceof Error && 'code' in error) {
    const hint = REFUSED_BY_MACHINE.get(String(error.code))
    if (hint !== undefined) return { text: `sampan: ${error.message}\n  ${hint}`, exitCode: FAILED }
  }
  const isTold = error instanceof SampanError && TOLD_BY_MESSAGE.has(error.code)
  return { text: `sampan: ${isTold ? error.message : inspect(error)}`, exitCode: FAILED }
}
