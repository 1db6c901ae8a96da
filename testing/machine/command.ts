import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'

export interface CommandOptions {
  readonly input?: string | Uint8Array
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** The command and everything it started are killed after this. */
  readonly limitMs?: number
}

export interface CommandResult {
  /** 128 and the signal's number where a signal ended it, as shells say it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

const LIMIT_MS = 120_000
const KILLED = 137

/** Runs a command to its end. Never throws for an exit code: what it means is for the test to say. */
export async function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(program, args, {
    stdio: 'pipe',
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
  })
  const limit = setTimeout(() => killGroup(child.pid, 'SIGKILL'), options.limitMs ?? LIMIT_MS)
  // A program that ends without reading its input is not an error here.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  try {
    const [[code], bytes, errors] = (await Promise.all([once(child, 'close'), buffer(child.stdout), buffer(child.stderr)])) as [
      [number | null],
      Buffer,
      Buffer,
    ]
    return { code: code ?? KILLED, bytes, stdout: bytes.toString('utf8'), stderr: errors.toString('utf8') }
  } finally {
    clearTimeout(limit)
  }
}

/** As `runCommand`, for a command that must succeed: its standard output. */
export async function commandOutput(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, args, options)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${stderr}${stdout}`)
  return stdout
}

/** A command that goes on until `stop`, with its output so far. */
export interface RunningCommand {
  readonly stdout: string
  readonly stderr: string
  /** Resolves with the output's lines once one of them, or all together, match; throws when the command ends first or takes too long. */
  until(pattern: RegExp, withinMs?: number): Promise<string>
  readonly ended: Promise<number>
  write(text: string): void
  stop(signal?: NodeJS.Signals): Promise<number>
}

const MATCHES_WITHIN_MS = 30_000

export function startCommand(program: string, args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const child = spawn(program, args, {
    stdio: 'pipe',
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
  })
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const watcher of watchers) watcher()
    })
  child.stdin.on('error', () => undefined)
  let isOver = false
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => {
      isOver = true
      resolve(code ?? KILLED)
      for (const watcher of watchers) watcher()
    })
  })
  return {
    get stdout() {
      return output.stdout
    },
    get stderr() {
      return output.stderr
    },
    ended,
    write: (text) => void child.stdin.write(text),
    until: (pattern, withinMs = MATCHES_WITHIN_MS) =>
      new Promise((resolve, reject) => {
        const done = (act: () => void): void => {
          clearTimeout(timer)
          watchers.delete(look)
          act()
        }
        const failure = (why: string): Error =>
          new Error(`${program} ${args.join(' ')}: ${why} before ${pattern}\n${output.stderr}${output.stdout}`)
        const look = (): void => {
          if (pattern.test(output.stdout) || pattern.test(output.stderr)) done(() => resolve(output.stdout))
          else if (isOver) done(() => reject(failure('ended')))
        }
        const timer = setTimeout(() => done(() => reject(failure(`${withinMs} ms went by`))), withinMs)
        watchers.add(look)
        look()
      }),
    async stop(signal = 'SIGTERM') {
      if (!isOver) killGroup(child.pid, signal)
      return ended
    },
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}
