import { spawn } from 'node:child_process'
import { SampanError, type Scope } from '#base'

/** The kernel's side, behind an interface: real tools, or a recorder in tests. */
export interface Kernel {
  /** Applies a file of nft commands, whole or not at all. Rejects with `KernelRefused`. */
  nft(scope: Scope, commands: string): Promise<void>
  /** The table as nft's JSON; undefined when there is none. */
  list(scope: Scope, table: string): Promise<string | undefined>
  /** conntrack's output. Forgetting connections that match when none does is fine. */
  conntrack(scope: Scope, args: readonly string[]): Promise<string>
  /** A kernel setting such as `net.ipv4.ip_forward`; undefined when the kernel does not have it. */
  setting(scope: Scope, name: string): Promise<string | undefined>
}

export class KernelRefused extends SampanError {
  readonly code = 'KERNEL_REFUSED'
}

/** A tool that has not ended by then never will: the next attempt is better than to wait. */
const LONGEST_MS = 60_000

/** Runs `nft` and `conntrack`, in the network namespace at `netns` (a path) where there is one. */
export function systemKernel(netns?: string): Kernel {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`]
  const unless = async (work: Promise<string>, harmless: RegExp): Promise<string | undefined> => {
    try {
      return await work
    } catch (error) {
      if (error instanceof KernelRefused && harmless.test(error.message)) return undefined
      throw error
    }
  }
  return {
    nft: async (scope, commands) => {
      await run(scope, [...prefix, 'nft', '-f', '-'], commands)
    },
    list: (scope, table) => unless(run(scope, [...prefix, 'nft', '-jn', 'list', 'table', 'ip', table]), /No such file or directory/),
    // Its exit code is 1 when nothing matched.
    conntrack: async (scope, args) => (await unless(run(scope, [...prefix, 'conntrack', ...args]), /0 flow entries/)) ?? '',
    setting: async (scope, name) =>
      (await unless(run(scope, [...prefix, 'cat', `/proc/sys/${name.replaceAll('.', '/')}`]), /No such file or directory/))?.trim(),
  }
}

async function run(scope: Scope, [program = '', ...args]: readonly string[], input = ''): Promise<string> {
  using within = scope.child({ timeoutMs: LONGEST_MS })
  try {
    return await output(within, program, args, input)
  } catch (error) {
    within.check()
    throw error
  }
}

function output(scope: Scope, program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scope.check()
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal: scope.signal })
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    // The tool may end before it has read all; its exit code says why.
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(out).toString('utf8'))
      const said = Buffer.concat(errors).toString('utf8').trim().slice(0, 2000)
      reject(new KernelRefused(`${program} ${args.join(' ')} ended with ${code}: ${said}`))
    })
    child.stdin.end(input)
  })
}
