import { spawn } from 'node:child_process'
import type { Scope } from './scope.ts'

export interface ProgramResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  /** The first few lines. */
  readonly stderr: string
}

const LONGEST_ERROR = 2000

/**
 * Runs a program to its end, never through a shell. What its exit code means is for the caller to say. Rejects when it cannot be started, when the scope ends (the
 * program is killed), and after `limitMs`.
 */
export async function runProgram(
  scope: Scope,
  [program = '', ...args]: readonly string[],
  options: { readonly input?: string; readonly limitMs?: number } = {},
): Promise<ProgramResult> {
  using within = scope.child(options.limitMs === undefined ? {} : { timeoutMs: options.limitMs })
  try {
    return await output(within, program, args, options.input ?? '')
  } catch (error) {
    within.check()
    throw error
  }
}

function output(scope: Scope, program: string, args: readonly string[], input: string): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    scope.check()
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal: scope.signal })
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    // The program may end before it has read all; its exit code says why.
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) => {
      const stderr = Buffer.concat(errors).toString('utf8').trim().slice(0, LONGEST_ERROR)
      resolve({ code: code ?? undefined, stdout: Buffer.concat(out).toString('utf8'), stderr })
    })
    child.stdin.end(input)
  })
}
