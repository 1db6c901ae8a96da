import { type ChildProcess, spawn } from 'node:child_process'
import { type ProgramResult, runProgram } from './program.ts'
import type { Scope } from './scope.ts'

/** More is rare, and some shells read slowly. */
const MOST_BYTES = 65_536

/**
 * One program with the same arguments, again and again with other input. To start a program, a process as large as an agent has itself copied first, which takes it
 * several milliseconds in which it does nothing else: so a shell that stays does it. The input reaches the program as it is; no shell reads it. What the program says
 * comes as one text, without empty lines at its end: its output where it succeeded, else its error. One run at a time, in order.
 */
export class RepeatedProgram {
  readonly #command: readonly string[]
  #shell: Shell | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(command: readonly string[]) {
    this.#command = command
  }

  /** Rejects when it cannot be started or breaks down, when the scope ends (the program is killed), and after `limitMs`. */
  async run(scope: Scope, input: string, limitMs: number): Promise<ProgramResult> {
    const before = this.#last
    const own = Promise.withResolvers<void>()
    this.#last = own.promise
    await before
    using within = scope.child({ timeoutMs: limitMs })
    try {
      if (input.length > MOST_BYTES) return await runProgram(within, this.#command, { input })
      this.#shell ??= new Shell(this.#command)
      // A line that no input has: nobody can know it.
      const end = `end-${scope.random.uuid()}`
      const text = `out=$("$@" 2>&1 <<'${end}'\n${input}\n${end}\n); printf '%s %s\\n%s\\n' "$?" "\${#out}" "$out"\n`
      const { code, said } = await this.#shell.ask(within, text)
      return { code, stdout: code === 0 ? said : '', stderr: code === 0 ? '' : said.trim() }
    } catch (error) {
      this.#shell?.end()
      this.#shell = undefined
      within.check()
      throw error
    } finally {
      own.resolve()
    }
  }
}

interface Answer {
  readonly code: number
  readonly said: string
}

/** It ends with the process that it works for, whose end of the pipe closes. It keeps nobody from ending while it has nothing to do. */
class Shell {
  readonly #child: ChildProcess
  #waiting: PromiseWithResolvers<Answer> | undefined
  #said = Buffer.alloc(0)

  constructor(command: readonly string[]) {
    // A group of its own: what it runs is killed with it.
    this.#child = spawn('sh', ['-s', ...command], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
    const broken = (error: Error): void => this.#waiting?.reject(error)
    this.#child.on('error', broken)
    this.#child.on('exit', (code) => broken(new Error(`the shell that runs ${command[0] ?? ''} has ended with ${code ?? 'a signal'}`)))
    this.#child.stdin?.on('error', broken)
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk))
    // Sizes are bytes.
    this.#child.stdin?.write('export LC_ALL=C\n')
    this.#hold(false)
  }

  async ask(scope: Scope, text: string): Promise<Answer> {
    const waiting = Promise.withResolvers<Answer>()
    const over = (): void => waiting.reject(scope.signal.reason)
    scope.check()
    scope.signal.addEventListener('abort', over, { once: true })
    this.#waiting = waiting
    this.#hold(true)
    try {
      this.#child.stdin?.write(text)
      return await waiting.promise
    } finally {
      scope.signal.removeEventListener('abort', over)
      this.#waiting = undefined
      this.#hold(false)
    }
  }

  end(): void {
    try {
      if (this.#child.pid !== undefined && this.#child.exitCode === null) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }

  /** `CODE SIZE`, a line; then so many bytes and the end of a line. */
  #read(chunk: Buffer): void {
    this.#said = Buffer.concat([this.#said, chunk])
    const line = this.#said.indexOf(10)
    if (line === -1) return
    const [code = NaN, size = NaN] = this.#said.toString('latin1', 0, line).split(' ').map(Number)
    if (this.#said.length < line + 1 + size + 1) return
    const said = this.#said.toString('utf8', line + 1, line + 1 + size)
    this.#said = Buffer.alloc(0)
    this.#waiting?.resolve({ code, said })
  }

  #hold(isBusy: boolean): void {
    for (const one of [this.#child, this.#child.stdin, this.#child.stdout] as readonly (Held | null)[]) {
      if (isBusy) one?.ref?.()
      else one?.unref?.()
    }
  }
}

interface Held {
  ref?(): void
  unref?(): void
}
