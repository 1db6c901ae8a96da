import { execFile } from 'node:child_process'
import { SampanError, type Scope } from '#base'

export class CommandFailed extends SampanError {
  readonly code = 'COMMAND_FAILED'
  readonly exitCode: number | undefined
  constructor(command: string, exitCode: number | undefined, detail: string) {
    super(`${command} failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}: ${detail}`)
    this.exitCode = exitCode
  }
}

/** Runs a program of the node's own (never one from a user's data) to its end; its standard output. */
export function runCommand(
  scope: Scope,
  program: string,
  args: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { signal: scope.signal, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      if (scope.signal.aborted) return reject(scope.signal.reason)
      reject(
        new CommandFailed(
          [program, ...args].join(' '),
          typeof error.code === 'number' ? error.code : undefined,
          stderr.trim() || error.message,
        ),
      )
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}
