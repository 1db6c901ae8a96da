import type { Command } from 'commander'
import type { BreakerFlags } from './flags.ts'
import { instanceFlags } from './instance-flags.ts'

/** `sampan breaker …`: how the breakers of TrafficPolicies stand, and a hand on them. */
export function addBreakerCommands(root: Command): void {
  const breaker = instanceFlags(
    root.command('breaker').description('circuit breakers of the gateway: how they stand, opened or closed by hand'),
  )
    .option('-n, --namespace <namespace>', 'the namespace of the TrafficPolicy', 'default')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as the administrator of the cluster)')
    .option('--yes', 'do it without asking', false)
    // Behind the command as well; no command has an option of the same name.
    .enablePositionalOptions(false)
    .configureHelp({ showGlobalOptions: true })
  const load = () => import('../commands/applications/breaker.ts')
  breaker
    .command('status')
    .description('show a breaker, or all of them')
    .argument('[name]', 'of the TrafficPolicy')
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await load()).runBreakerStatus(name, command.optsWithGlobals<BreakerFlags>()),
    )
  for (const [verb, description] of [
    ['open', 'answer all requests in the place of the Service, until told otherwise'],
    ['close', 'let all requests through, whatever they come to, until told otherwise'],
    ['auto', 'go on by what is counted'],
  ] as const)
    breaker
      .command(verb)
      .description(description)
      .argument('<name>', 'of the TrafficPolicy')
      .action(async (name: string, _: unknown, command: Command) =>
        (await load()).runBreakerForce(verb, name, command.optsWithGlobals<BreakerFlags>()),
      )
}
