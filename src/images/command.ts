import { execFile } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { SampanError, type Scope } from '#base'

export class ImageToolFailed extends SampanError {
  readonly code = 'IMAGE_TOOL_FAILED'
  constructor(command: string, detail: string) {
    super(`${command} failed: ${detail}`)
  }
}

/** Runs a program of this machine to its end; its standard output. `input` is passed on as it comes. */
export async function runTool(
  scope: Scope,
  program: string,
  args: readonly string[],
  options: { readonly input?: AsyncIterable<Uint8Array>; readonly cwd?: string } = {},
): Promise<string> {
  scope.check()
  const ended = Promise.withResolvers<string>()
  const child = execFile(program, args, { signal: scope.signal, maxBuffer: 64 << 20, cwd: options.cwd }, (error, stdout, stderr) => {
    if (error === null) ended.resolve(stdout)
    else if (scope.signal.aborted) ended.reject(scope.signal.reason)
    else ended.reject(new ImageToolFailed([program, ...args].join(' '), stderr.trim() || error.message))
  })
  const { stdin } = child
  if (stdin === null) return ended.promise
  if (options.input === undefined) {
    stdin.on('error', () => undefined)
    stdin.end()
    return ended.promise
  }
  // A program that ends early breaks the pipe; how it ended says more than the pipe's error. Any other error is the input's own.
  const fed = pipeline(options.input, stdin).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')) return
    child.kill()
    throw error
  })
  const [output] = await Promise.all([ended.promise, fed])
  return output
}
