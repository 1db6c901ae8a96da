import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AppApplyFlags, AppChangeFlags, AppDeleteFlags, AppFlags, AppRollbackFlags, AppSuspendFlags } from './flags.ts'
import { instanceFlags } from './instance-flags.ts'
import { several } from './common-flags.ts'

/** `sampan app …`: applications as one object, whichever door they came by. */
export function addAppCommands(root: Command): void {
  const app = instanceFlags(root.command('app').description('applications as one object: their parts, their history, and the way back'))
    .option('--kubeconfig <file>', 'any other cluster than one of this machine')
    .option('-n, --namespace <name>', 'where the application is (default: its name)')
    // Behind the command as well; no command has an option of the same name.
    .enablePositionalOptions(false)
    .configureHelp({ showGlobalOptions: true })
  const load = () => import('../commands/applications/app.ts')
  app
    .command('list')
    .description('show the applications of all namespaces, or of one')
    .action(async (_: unknown, command: Command) => (await load()).runAppList(command.optsWithGlobals<AppFlags>()))
  app
    .command('status')
    .description('show the parts of an application and how they are')
    .argument('<application>')
    .action(async (name: string, _: unknown, command: Command) => (await load()).runAppStatus(name, command.optsWithGlobals<AppFlags>()))
  app
    .command('history')
    .description('show the revisions of an application: when, by whom, by which door, and why')
    .argument('<application>')
    .action(async (name: string, _: unknown, command: Command) => (await load()).runAppHistory(name, command.optsWithGlobals<AppFlags>()))
  changing(app.command('apply').description('make manifests the next revision of an application, which is made when it is not there'))
    .requiredOption('-f, --file <path>', 'a file of manifests, a folder of them, or - for standard input (may be repeated)', several, [])
    .option('--cause <text>', 'why, for the history')
    .action(async (name: string, _: unknown, command: Command) =>
      (await load()).runAppApply(name, command.optsWithGlobals<AppApplyFlags>()),
    )
  changing(
    app.command('rollback').description('make an earlier revision the present one, with its settings and secrets; volumes are not touched'),
  )
    .option('--cause <text>', 'why, for the history')
    .option('--to <revision>', 'which one (default: the one before, of those that were reached)', revision)
    .action(async (name: string, _: unknown, command: Command) =>
      (await load()).runAppRollback(name, command.optsWithGlobals<AppRollbackFlags>()),
    )
  changing(app.command('suspend').description('end all pods and remember how many there were; requests are answered with 503'))
    .addOption(new Option('--requests <how>', 'what becomes of requests meanwhile').choices(['refuse', 'hold']).default('refuse'))
    .action(async (name: string, _: unknown, command: Command) =>
      (await load()).runAppSuspend(name, command.optsWithGlobals<AppSuspendFlags>()),
    )
  changing(app.command('stop').description('as suspend, and take the ways in from outside away')).action(
    async (name: string, _: unknown, command: Command) =>
      (await load()).runAppMode(name, 'Stopped', command.optsWithGlobals<AppChangeFlags>()),
  )
  for (const word of ['resume', 'start'])
    changing(app.command(word).description('let a suspended or stopped application run, with as many pods as it had')).action(
      async (name: string, _: unknown, command: Command) =>
        (await load()).runAppMode(name, 'Running', command.optsWithGlobals<AppChangeFlags>()),
    )
  app
    .command('delete')
    .description('remove an application with its parts and its history, and keep its volumes')
    .argument('<application>')
    .option('-v, --volumes', 'remove its volumes and their data too', false)
    .option('--dry-run', 'only say what would be removed', false)
    .option('--timeout <seconds>', 'give up after this time', seconds, 300)
    .action(async (name: string, _: unknown, command: Command) =>
      (await load()).runAppDelete(name, command.optsWithGlobals<AppDeleteFlags>()),
    )
}

const changing = (command: Command): Command =>
  command
    .argument('<application>')
    .option('--dry-run', 'only say what would change', false)
    .option('-d, --detach', 'do not wait until it is so', false)
    .option('--timeout <seconds>', 'give up after this time', seconds, 300)

function revision(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('give the number of a revision.')
  return Number(text)
}

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('give a number of seconds.')
  return value
}
