import { type IpFamily } from '#api'
import { RepeatedProgram, SampanError, type Scope, runProgram } from '#base'
import { wordsOf } from './families.ts'

/** The kernel's side, behind an interface: real tools, or a recorder in tests. */
export interface Kernel {
  /** Applies a file of nft commands, whole or not at all. Rejects with `KernelRefused`. */
  nft(scope: Scope, commands: string): Promise<void>
  /** The table of a family as nft's JSON; undefined when there is none. */
  list(scope: Scope, table: string, family: IpFamily): Promise<string | undefined>
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
  const nft = new RepeatedProgram([...prefix, 'nft', '-f', '-'])
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
      const { code, stderr } = await nft.run(scope, commands, LONGEST_MS)
      if (code !== 0) throw new KernelRefused(`nft ended with ${code}: ${stderr}`)
    },
    list: (scope, table, family) =>
      unless(run(scope, [...prefix, 'nft', '-jn', 'list', 'table', wordsOf(family).ip, table]), /No such file or directory/),
    // Its exit code is 1 when nothing matched.
    conntrack: async (scope, args) => (await unless(run(scope, [...prefix, 'conntrack', ...args]), /0 flow entries/)) ?? '',
    setting: async (scope, name) =>
      (await unless(run(scope, [...prefix, 'cat', `/proc/sys/${name.replaceAll('.', '/')}`]), /No such file or directory/))?.trim(),
  }
}

async function run(scope: Scope, command: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await runProgram(scope, command, { input, limitMs: LONGEST_MS })
  if (code !== 0) throw new KernelRefused(`${command.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}
