import { type Command, Option } from 'commander'
import type { ExplainFlags } from './flags.ts'
import { instanceFlags } from './instance-flags.ts'

/** `sampan explain`. */
export function addExplainCommand(root: Command): void {
  instanceFlags(root.command('explain').description('say why a pod is on its node, or on none, and what would change that'))
    .argument('<kind>', 'pod')
    .argument('<name>', 'which')
    .option('-n, --namespace <namespace>', 'the namespace of the pod', 'default')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as the administrator of the cluster)')
    .option('--config <file>', 'a KubeSchedulerConfiguration: profiles, plugins and their arguments')
    .addOption(new Option('-o, --output <form>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async (kind: string, name: string, flags: ExplainFlags) => {
      const { runExplain } = await import('../commands/explain.ts')
      await runExplain(kind, name, flags)
    })
}
