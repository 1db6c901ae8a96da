import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ComposeConfigFlags, ComposeDownFlags, ComposeFlags, ComposeLogsFlags, ComposeUpFlags } from './flags.ts'
import { instanceFlags } from './instance-flags.ts'
import { several } from './common-flags.ts'

/** `sampan compose …`. Options of `compose` stand before the command: `-f` means something else behind `logs`. */
export function addComposeCommands(root: Command): void {
  const compose = composeFlags(root.command('compose').description('applications from Compose files'))
  const load = () => import('../commands/applications/compose.ts')
  compose
    .command('config')
    .description('check the files of a project and print what they mean, in one long form')
    .addOption(new Option('--format <format>', 'how to print').choices(['yaml', 'json']).default('yaml'))
    .option('-q, --quiet', 'only check', false)
    .option('--services', 'print the names of the services', false)
    .option('--volumes', 'print the names of the volumes', false)
    .option('--networks', 'print the names of the networks', false)
    .option('--profiles', 'print the names of the profiles', false)
    .option('--images', 'print the names of the images', false)
    .action(async (_: unknown, command: Command) => (await load()).runComposeConfig(command.optsWithGlobals<ComposeConfigFlags>()))
  compose
    .command('convert')
    .description('print the project as plain Kubernetes manifests')
    .action(async (_: unknown, command: Command) => (await load()).runComposeConvert(command.optsWithGlobals<ComposeFlags>()))
  compose
    .command('up')
    .description('make the cluster run the project; what is no longer in the files is removed, volumes stay')
    .option('-d, --detach', 'do not wait until all services are ready', false)
    .option('--timeout <seconds>', 'give up after this time', seconds, 300)
    .action(async (_: unknown, command: Command) => (await load()).runComposeUp(command.optsWithGlobals<ComposeUpFlags>()))
  compose
    .command('down')
    .description('remove the project from the cluster, and keep its volumes')
    .option('-v, --volumes', 'remove its volumes and their data too', false)
    .action(async (_: unknown, command: Command) => (await load()).runComposeDown(command.optsWithGlobals<ComposeDownFlags>()))
  compose
    .command('ps')
    .description('show the containers of the project')
    .action(async (_: unknown, command: Command) => (await load()).runComposePs(command.optsWithGlobals<ComposeFlags>()))
  compose
    .command('scale')
    .description('set how many containers services have, until the next up')
    .argument('<sizes...>', 'web=3')
    .action(async (sizes: readonly string[], _: unknown, command: Command) =>
      (await load()).runComposeScale(sizes, command.optsWithGlobals<ComposeFlags>()),
    )
  compose
    .command('logs')
    .description('show what the containers of the project have written')
    .argument('[services...]')
    .option('-f, --follow', 'go on with what is written from now on', false)
    .option('--tail <lines>', 'how many lines of each container', '-1')
    .action(async (services: readonly string[], _: unknown, command: Command) =>
      (await load()).runComposeLogs(services, command.optsWithGlobals<ComposeLogsFlags>()),
    )
}

function composeFlags(command: Command): Command {
  return instanceFlags(command)
    .option('-f, --file <path>', 'a Compose file (may be repeated; default: the usual names, here and above)', several, [])
    .option('-p, --project-name <name>', 'name of the project (default: that of the folder)')
    .option('--profile <name>', 'a profile to switch on, * for all (may be repeated)', several, [])
    .option('--env-file <path>', 'where variables come from, beside the environment (may be repeated; default: .env)', several, [])
    .option('--project-directory <path>', 'where relative paths start (default: the folder of the first file)')
    .option('--kubeconfig <file>', 'any other cluster than one of this machine')
    .option('-n, --namespace <name>', 'where the project runs (default: its name)')
}

function seconds(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('give a number of seconds.')
  return value
}
