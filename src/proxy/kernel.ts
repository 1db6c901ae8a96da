import { spawn } from 'node:child_process'
import { SampanError, type Scope } from '#base'

/** The kernel's side, behind an interface: real tools, or a recorder in tests. */
export interface Kernel {
  /** Applies a file of nft commands, whole or not at all. Rejects with `KernelRefused`. */
  nft(scope: Scope, commands: string): Promise<string>
  /** Forgets connections that match; none is fine. */
  conntrack(scope: Scope, args: readonly string[]): Promise<void>
}

export class KernelRefused extends SampanError {
  readonly code = 'KERNEL_REFUSED'
}

/** Runs `nft` and `conntrack`, in the network namespace at `netns` (a path) where there is one. */
export function systemKernel(netns?: string): Kernel {
  const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`]
  return {
    nft: (scope, commands) => run(scope, [...prefix, 'nft', '-f', '-'], commands),
    async conntrack(scope, args) {
      try {
        await run(scope, [...prefix, 'conntrack', ...args], '')
      } catch (error) {
        // Its exit code is 1 when nothing matched.
        if (!(error instanceof KernelRefused) || !/0 flow entries/.test(error.message)) throw error
      }
    },
  }
}

function run(scope: Scope, [program = '', ...args]: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], signal: scope.signal })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8')
    })
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new KernelRefused(`${program} ${args.join(' ')} ended with ${code}: ${errors.trim().slice(0, 2000)}`))))
    child.stdin.end(input)
  })
}
