import { inspect } from 'node:util'
import { SampanError, UserError } from '#base'
import { WRONG_USE } from './exit-codes.ts'

const FAILED = 1

/** Codes of errors whose message says all there is to say to who typed the command: what the cluster refuses, and that it is not there. */
const TOLD_BY_MESSAGE: ReadonlySet<string> = new Set(['API_STATUS', 'API_UNREACHABLE', 'DEADLINE_EXCEEDED'])

/** What a command that has failed says, and its exit code. The stack is only shown of what nobody has foreseen. */
export function failureOf(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? '' : `\n  ${error.hint.replaceAll('\n', '\n  ')}`
    return { text: `sampan: ${error.message}${hint}`, exitCode: WRONG_USE }
  }
  const isTold = error instanceof SampanError && TOLD_BY_MESSAGE.has(error.code)
  return { text: `sampan: ${isTold ? error.message : inspect(error)}`, exitCode: FAILED }
}
