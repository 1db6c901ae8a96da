import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { UserError } from '#base'

/** Subcommands load their code when they run, so that `sampan version` costs nothing of `sampan up`. */
export function program(): Command {
  const root = new Command('sampan').description('A Kubernetes-API-compatible container platform').showHelpAfterError('(sampan help shows what there is)')
  root
    .command('version')
    .description('print the version of Sampan and of the Node that runs it')
    .action(() => {
      const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
      console.log(`sampan ${manifest.version} (node ${process.versions.node})`)
    })
  serverFlags(root.command('apiserver').description('run an API server in the foreground')).action(async (flags: ServerFlags) => {
    const { runServer } = await import('./commands/server.ts')
    await runServer({ ...flags, controllers: false, scheduler: false })
  })
  serverFlags(root.command('server').description('run an API server with controllers and scheduler in the foreground'))
    .option('--no-controllers', 'without the controllers')
    .option('--no-scheduler', 'without the scheduler')
    .action(async (flags: ServerFlags & { readonly controllers: boolean; readonly scheduler: boolean }) => {
      const { runServer } = await import('./commands/server.ts')
      await runServer(flags)
    })
  for (const part of ['controllers', 'scheduler'] as const)
    root
      .command(part)
      .description(`run the ${part} against any Kubernetes, in the foreground`)
      .requiredOption('--kubeconfig <file>', 'how to reach the API server')
      .option('--leader-elect', 'work only while holding the lease: for several side by side', false)
      .addOption(logLevel())
      .action(async (flags: PartFlags) => {
        const { runPart } = await import('./commands/parts.ts')
        await runPart(part, flags)
      })
  return root
}

export interface PartFlags {
  readonly kubeconfig: string
  readonly leaderElect: boolean
  readonly logLevel: LogLevelFlag
}

export interface ServerFlags {
  readonly stateDir: string
  readonly securePort: number
  readonly bindAddress: string
  readonly advertiseAddress?: string
  readonly store: 'sqlite' | 'memory'
  readonly tokenAuthFile?: string
  readonly serviceClusterIpRange: string
  readonly node: readonly string[]
  readonly logLevel: LogLevelFlag
}
export type LogLevelFlag = 'debug' | 'info' | 'warn' | 'error'

const logLevel = (): Option => new Option('--log-level <level>', 'least important lines to write').choices(['debug', 'info', 'warn', 'error']).default('info')

function serverFlags(command: Command): Command {
  return command
    .requiredOption('--state-dir <dir>', 'where the database, keys, certificates and kubeconfigs lie')
    .requiredOption('--secure-port <port>', 'where to listen', port)
    .option('--bind-address <address>', 'address to listen on', '0.0.0.0')
    .option('--advertise-address <address>', 'where pods and nodes reach this server (default: the first address of this machine)')
    .addOption(new Option('--store <engine>', 'where objects are kept').choices(['sqlite', 'memory']).default('sqlite'))
    .option('--token-auth-file <file>', 'CSV of users with tokens: token,user,uid,"group1,group2"')
    .option('--service-cluster-ip-range <cidr>', 'addresses that Services get', '10.96.0.0/16')
    .option('--node <name>', 'also write a kubeconfig for the agent of this node (may be repeated)', (name: string, names: readonly string[]) => [...names, name], [])
    .addOption(logLevel())
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new UserError(`not a port: ${text}`, 'give a number from 1 to 65535 (0: any free one)')
  return value
}
