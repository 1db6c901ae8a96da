import type { Command } from 'commander'
import type { DrainFlags, InstanceFlags, JoinFlags, NodeFlags, TokenCreateFlags } from './flags.ts'
import { instanceFlags, otherContainerd } from './instance-flags.ts'

/** The commands by which other machines become nodes of a cluster, and stop being that. */
export function addJoinCommands(root: Command): void {
  const token = root.command('token').description('tokens with which other machines join the cluster of this one')
  instanceFlags(token.command('create').description('make a token, and let machines join that have it'))
    .argument('[token]', 'ID.SECRET, six and sixteen lower case letters and digits (default: a new one)')
    .option('--ttl <duration>', 'how long it is good, as in 30m; 0 is for ever', '24h')
    .option('--description <text>', 'what it is for')
    .option('--print-join-command', 'print the command for the other machine instead of the token', false)
    .action(async (given: string | undefined, flags: TokenCreateFlags) => {
      const { runTokenCreate } = await import('../commands/nodes/token.ts')
      await runTokenCreate(given, flags)
    })
  instanceFlags(token.command('list').description('show the tokens that there are, without their secrets')).action(
    async (flags: InstanceFlags) => {
      const { runTokenList } = await import('../commands/nodes/token.ts')
      await runTokenList(flags)
    },
  )
  instanceFlags(token.command('delete').description('take a token back; machines that have joined stay'))
    .argument('<token>', 'its id, or all of it')
    .action(async (given: string, flags: InstanceFlags) => {
      const { runTokenDelete } = await import('../commands/nodes/token.ts')
      await runTokenDelete(given, flags)
    })
  instanceFlags(root.command('join').description('make this machine a node of a cluster whose server is on another one'))
    .argument('<host:port>', 'where the API of the cluster listens')
    .requiredOption('--token <token>', 'from: sampan token create')
    .requiredOption(
      '--discovery-token-ca-cert-hash <digest>',
      "whom to trust: sha256: and the digest of the public key of the cluster's authority (may be repeated)",
      (digest: string, before: readonly string[] | undefined) => [...(before ?? []), digest],
    )
    .option('--node-name <name>', 'name of the Node (default: the name of this machine)')
    .option('--node-ip <address>', 'address of the node (default: the first of this machine)')
    .addOption(otherContainerd('; kept'))
    .action(async (endpoint: string, flags: JoinFlags) => {
      const { runJoin } = await import('../commands/nodes/join.ts')
      await runJoin(endpoint, flags)
    })
  for (const schedulable of [false, true])
    nodeFlags(
      root
        .command(schedulable ? 'uncordon' : 'cordon')
        .description(schedulable ? 'let new pods come to a node again' : 'let no new pods come to a node'),
    ).action(async (node: string, flags: NodeFlags) => {
      const { runCordon } = await import('../commands/nodes/node.ts')
      await runCordon(node, flags, schedulable)
    })
  drainFlags(root.command('drain').description('empty a node: its pods run elsewhere, and no new ones come')).action(
    async (node: string, flags: DrainFlags) => {
      const { runDrain } = await import('../commands/nodes/node.ts')
      await runDrain(node, flags)
    },
  )
  const nodes = root.command('node').description('the nodes of a cluster that are machines of their own')
  drainFlags(
    nodes.command('remove').description('drain a node and take it out of the cluster; sampan reset cleans up on its machine'),
  ).action(async (node: string, flags: DrainFlags) => {
    const { runNodeRemove } = await import('../commands/nodes/node.ts')
    await runNodeRemove(node, flags)
  })
}

const nodeFlags = (command: Command): Command =>
  instanceFlags(command.argument('<node>', 'name of the Node')).option('--kubeconfig <file>', 'another cluster than that of this machine')

const drainFlags = (command: Command): Command =>
  nodeFlags(command)
    .option('--preview', 'only show what becomes of each pod, where the next one would run, and what is in the way', false)
    .option('--force', 'also when pods are lost that nobody makes anew, or with the node the data of volumes', false)
    .option('--delete-emptydir-data', 'also when pods lose what is in their emptyDir volumes', false)
    .option('--timeout <duration>', 'how long to wait for pods and for budgets that allow no disruption; 0 is for ever', '10m')
