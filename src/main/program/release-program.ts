import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ReleaseFlags, ReleasePromoteFlags, ReleaseStartFlags } from './flags.ts'
import { instanceFlags } from './instance-flags.ts'
import { several } from './common-flags.ts'

/** `sampan release …`: a Release as a person says it. Options of `release` stand before or behind the command. */
export function addReleaseCommands(root: Command): void {
  const release = instanceFlags(
    root.command('release').description('new versions of Deployments: canaries, blue-green, batches, with verdicts and a way back'),
  )
    .option('-n, --namespace <namespace>', 'the namespace of the release', 'default')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as the administrator of the cluster)')
    // Behind the command as well; no command has an option of the same name.
    .enablePositionalOptions(false)
    .configureHelp({ showGlobalOptions: true })
  const load = () => import('../commands/applications/release.ts')
  release
    .command('start')
    .description('begin a release, by flags or as a manifest says')
    .argument('[name]', 'how it is called; as in the manifest when absent')
    .option('-f, --file <path>', 'a manifest of a Release')
    .option('--deployment <name>', 'what is released')
    .option('--image <container=image>', 'what is new (may be repeated)', several, [])
    .option('--service <name>', 'through which requests come')
    .option('--ingress <name>', 'whose paths lead to the Service')
    .option('--http-route <name>', 'in the place of an Ingress: an HTTPRoute whose rules lead there')
    .addOption(new Option('--strategy <type>', 'how').choices(['Standard', 'Rolling', 'BlueGreen', 'Canary', 'Batches']).default('Canary'))
    .option('--weights <list>', 'of a canary: shares of the new version of 100, step by step', weights, [10, 50])
    .option('--batches <count>', 'of batches: how many', whole, 4)
    .addOption(
      new Option('--promotion <how>', 'whether a good verdict is enough to go on').choices(['Automatic', 'Manual']).default('Manual'),
    )
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await load()).runStart(name, command.optsWithGlobals<ReleaseStartFlags>()),
    )
  release
    .command('status')
    .description('show a release, or all of them')
    .argument('[name]')
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await load()).runStatus(name, command.optsWithGlobals<ReleaseFlags>()),
    )
  release
    .command('promote')
    .description('approve the present step')
    .argument('<name>')
    .option('--full', 'go on to the end, without further steps', false)
    .action(async (name: string, _: unknown, command: Command) =>
      (await load()).runPromote(name, command.optsWithGlobals<ReleasePromoteFlags>()),
    )
  for (const [verb, description] of [
    ['pause', 'stay in the present step'],
    ['resume', 'go on'],
    ['abort', 'go back to the old version'],
    ['retry', 'begin anew after the end of an attempt'],
    ['export', 'print the record: who, what, which digests, weights over time, verdicts'],
  ] as const)
    release
      .command(verb)
      .description(description)
      .argument('<name>')
      .action(async (name: string, _: unknown, command: Command) => {
        const flags = command.optsWithGlobals<ReleaseFlags>()
        const commands = await load()
        await (verb === 'export' ? commands.runExport(name, flags) : commands.runChange(verb, name, flags))
      })
}

function weights(text: string): readonly number[] {
  const found = text.split(',').map(Number)
  if (!found.every((one, at) => Number.isInteger(one) && one > (found[at - 1] ?? 0) && one <= 100))
    throw new InvalidArgumentError('whole numbers from 1 to 100, each above the one before, with commas between them')
  return found
}

function whole(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 99')
  return Number(text)
}
