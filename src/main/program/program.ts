import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { type ListenAddress, UserError } from '#base'
import { parseFamilies } from '../instance/families.ts'
import { NETWORK_MODES } from '../instance/instance.ts'
import { WRONG_USE } from './exit-codes.ts'
import { SHELLS, completionScript, isShell } from './completion.ts'
import { addAppCommands } from './app-program.ts'
import { addComposeCommands } from './compose-program.ts'
import { addBreakerCommands } from './breaker-program.ts'
import { addReleaseCommands } from './release-program.ts'
import { addDoctorCommand } from './doctor-program.ts'
import { addExplainCommand } from './explain-program.ts'
import { addJoinCommands } from './join-program.ts'
import { agentFlags } from './agent-flags.ts'
import { failover, logLevel, several } from './common-flags.ts'
import { instanceFlags, instanceName, otherContainerd, ownCniChain } from './instance-flags.ts'
import type { AgentFlags, DeliveryFlags, GatewayFlags, InstanceFlags, PartFlags, ServerFlags, SimulateFlags, UpFlags } from './flags.ts'

/** Subcommands load their code when they run, so that `sampan version` costs nothing of `sampan up`. */
export function program(): Command {
  const root = new Command('sampan')
    .enablePositionalOptions()
    .description('A Kubernetes-API-compatible container platform')
    .showHelpAfterError('(sampan help shows what there is)')
    // Inherited by the commands. What cannot be understood is wrong use, which starting again does not cure.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USE))
    .addHelpText('after', AFTERWORD)
  root.commandsGroup('A cluster on this machine:')
  instanceFlags(
    root.command('up').description('start a cluster on this machine, with an example application; changes nothing that runs already'),
  )
    .option('--secure-port <port>', 'where the API listens (default: 6443, or any free port)', port)
    .option('--isolated', 'put the node into a network namespace of its own (always so for names other than "default")', false)
    .option(
      '--nodes <number>',
      'how many nodes, each a network namespace of its own; more can be added to a cluster later (default: 1)',
      count,
    )
    .addOption(
      new Option(
        '--network <mode>',
        'how nodes reach the pods of others: by routes, packed into UDP (overlay, VXLAN), or by routes with the pods of a node on one switch (bridge); a cluster that runs changes between the first two node by node (default: route)',
      ).choices(NETWORK_MODES),
    )
    .addOption(ownCniChain(' ("default": our own); kept'))
    .option(
      '--ip-families <families>',
      'what addresses pods, Services and nodes have: IPv4, IPv6, or IPv4,IPv6 (default: IPv4; a cluster keeps them)',
      parseFamilies,
    )
    .option('--no-example', 'without the example application')
    .addOption(failover("how soon a dead node's pods run elsewhere: as Kubernetes has it, or within five seconds; kept"))
    .option(
      '--gateway',
      'also serve Ingresses and Gateways, at ports 80 and 443 of the first node (class "sampan", the default); kept until reset',
    )
    .option('--delivery', 'also run the controllers of the platform, for applications as one object; kept until reset')
    .addOption(otherContainerd('; kept'))
    .action(async (flags: UpFlags) => {
      const { runUp } = await import('../commands/up.ts')
      await runUp(flags)
    })
  instanceFlags(root.command('down').description('stop a cluster and its containers, and keep its data')).action(
    async (flags: InstanceFlags) => {
      const { runDown } = await import('../commands/down.ts')
      await runDown(flags)
    },
  )
  instanceFlags(
    root.command('reset').description('remove everything that Sampan made on this machine for a cluster, data included'),
  ).action(async (flags: InstanceFlags) => {
    const { runReset } = await import('../commands/down.ts')
    await runReset(flags)
  })
  instanceFlags(root.command('status').description('show components, nodes, versions and memory, and what is wrong')).action(
    async (flags: InstanceFlags) => {
      const { runStatus } = await import('../commands/status.ts')
      await runStatus(flags)
    },
  )
  addDoctorCommand(root)
  addExplainCommand(root)
  instanceFlags(root.command('logs').description('show what a component has logged'))
    .argument('[component]', 'server, agent, gateway or delivery', 'server')
    .option('-f, --follow', 'go on with what is logged from now on', false)
    .action(async (component: string, flags: InstanceFlags & { readonly follow: boolean }) => {
      const { runLogs } = await import('../commands/logs.ts')
      await runLogs(component, flags)
    })
  root
    .command('kubectl')
    .description('run kubectl against a cluster: the one on PATH, or one that comes with Sampan')
    .argument('[args...]')
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .addOption(new Option('--name <name>', 'which cluster').argParser(instanceName).default('default').env('SAMPAN_NAME'))
    .addOption(new Option('--state-dir <dir>', 'where the cluster lies').env('SAMPAN_STATE_DIR'))
    .action(async (args: readonly string[], flags: InstanceFlags) => {
      const { runKubectl } = await import('../commands/kubectl.ts')
      await runKubectl(args, flags)
    })
  root.commandsGroup('Other machines:')
  addJoinCommands(root)
  root.commandsGroup('Applications:')
  addComposeCommands(root)
  addReleaseCommands(root)
  addBreakerCommands(root)
  addAppCommands(root)
  root.commandsGroup('Its parts, in the foreground:')
  serverFlags(root.command('apiserver').description('run an API server in the foreground')).action(async (flags: ServerFlags) => {
    const { runServer } = await import('../commands/server.ts')
    await runServer({ ...flags, controllers: false, scheduler: false })
  })
  serverFlags(root.command('server').description('run an API server with controllers and scheduler in the foreground'))
    .option('--no-controllers', 'without the controllers')
    .option('--no-scheduler', 'without the scheduler')
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration: profiles, plugins and their arguments')
    .action(async (flags: ServerFlags & { readonly controllers: boolean; readonly scheduler: boolean }) => {
      const { runServer } = await import('../commands/server.ts')
      await runServer(flags)
    })
  for (const part of ['controllers', 'scheduler'] as const) {
    const command = root.command(part).description(`run the ${part} against any Kubernetes, in the foreground`)
    if (part === 'controllers') command.requiredOption('--kubeconfig <file>', 'how to reach the API server')
    else
      command
        .option('--kubeconfig <file>', 'how to reach the API server')
        .option('--config <file>', 'a KubeSchedulerConfiguration: profiles, plugins and their arguments')
    command
      .option('--leader-elect', 'work only while holding the lease: for several side by side', false)
      .addOption(logLevel())
      .action(async (flags: PartFlags) => {
        const { runPart } = await import('../commands/parts.ts')
        await runPart(part, flags)
      })
  }
  agentFlags(root.command('agent').description('run a node agent with service proxy and DNS, in the foreground')).action(
    async (flags: AgentFlags) => {
      const { runAgent } = await import('../commands/agent.ts')
      await runAgent(flags)
    },
  )
  root
    .command('gateway')
    .description('serve the Ingresses and Gateways of any Kubernetes whose class names the controller sampan.io/gateway, in the foreground')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .requiredOption('--state-dir <dir>', 'where configuration, certificates and the socket of HAProxy lie')
    .option('--http-port <port>', 'where to listen for HTTP', port, 80)
    .option('--https-port <port>', 'where to listen for HTTPS', port, 443)
    .option('--address <address>', 'IPv4 address to listen on', '0.0.0.0')
    .option('--own-address <address>', 'another IPv4 address of the machine, for one Gateway alone (may be repeated)', several, [])
    .option('--netns <path>', 'network namespace to listen and to connect in')
    .option('--measure-port <port>', 'where to serve measurements over HTTPS, and as metrics API; nowhere when it is not given', port)
    .addOption(logLevel())
    .action(async (flags: GatewayFlags) => {
      const { runGateway } = await import('../commands/gateway.ts')
      await runGateway(flags)
    })
  root
    .command('delivery')
    .description('run the controllers of the platform (Applications) against any Kubernetes, in the foreground')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .option('--leader-elect', 'work only while holding the lease: for several side by side', false)
    .option('--health-address <host:port>', 'serve /livez, /readyz and /metrics there, to everybody who reaches it', healthAddress)
    .option('--wait-for-server', 'wait for the kubeconfig to be there and the API to answer', false)
    .addOption(logLevel())
    .action(async (flags: DeliveryFlags) => {
      const { runDelivery } = await import('../commands/delivery.ts')
      await runDelivery(flags)
    })
  root
    .command('simulate')
    .description('pretend nodes in any cluster, for trying things at scale: their pods start, end and go, and nothing runs')
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .requiredOption('--nodes <count>', 'how many', count)
    .option('--pods-per-node <count>', 'how many pods each has room for', count, 110)
    .option('--node-cpu <amount>', 'processors of each', '32')
    .option('--node-memory <amount>', 'memory of each', '256Gi')
    .option('--job-seconds <seconds>', 'how long the pods of Jobs run', count, 1)
    .option('--no-taint', 'let pods land there that do not tolerate kwok.x-k8s.io/node=fake:NoSchedule')
    .addOption(logLevel())
    .action(async (flags: SimulateFlags) => {
      const { runSimulate } = await import('../commands/simulate.ts')
      await runSimulate(flags)
    })
  root.commandsGroup('Commands:')
  root
    .command('version')
    .description('print the version of Sampan and of the Node that runs it')
    .action(() => {
      const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
      console.log(`sampan ${manifest.version} (node ${process.versions.node})`)
    })
  root
    .command('completion')
    .description('print a script that completes commands and flags')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      '\nbash:  source <(sampan completion bash)\nzsh:   source <(sampan completion zsh)\nfish:  sampan completion fish | source',
    )
    .action((shell: string) => {
      if (!isShell(shell)) throw new UserError(`no completion for ${shell}`, `there is one for: ${SHELLS.join(', ')}`)
      process.stdout.write(completionScript(shell, root))
    })
  return root
}

const AFTERWORD = `
The first minutes:
  sampan up                     a cluster with an example application
  sampan kubectl get pods -A    look around
  sampan status                 what runs, and what is wrong
  sampan down                   stop, keep the data
  sampan reset                  remove it all`

function serverFlags(command: Command): Command {
  return command
    .requiredOption('--state-dir <dir>', 'where the database, keys, certificates and kubeconfigs lie')
    .requiredOption('--secure-port <port>', 'where to listen', port)
    .option('--bind-address <address>', 'address to listen on', '0.0.0.0')
    .option('--advertise-address <address>', 'where pods and nodes reach this server (default: the first address of this machine)')
    .addOption(new Option('--store <engine>', 'where objects are kept').choices(['sqlite', 'etcd', 'memory']).default('sqlite'))
    .option(
      '--etcd-servers <urls>',
      'members of etcd for --store etcd: http://HOST:PORT or https://HOST:PORT, several with commas',
      (urls: string) => urls.split(',').map((url) => url.trim()),
    )
    .option('--etcd-cafile <file>', 'authority of the certificates of etcd')
    .option('--etcd-certfile <file>', 'certificate to show to etcd')
    .option('--etcd-keyfile <file>', 'its key')
    .option('--token-auth-file <file>', 'CSV of users with tokens: token,user,uid,"group1,group2"')
    .option(
      '--authentication-config <file>',
      'issuers of tokens and rules for the anonymous (AuthenticationConfiguration; read again when it changes)',
    )
    .option('--anonymous-auth <boolean>', 'let requests without credentials come as system:anonymous (default: true)', boolean)
    .option('--authentication-token-webhook-config-file <file>', 'a server that knows tokens (kubeconfig), asked by TokenReviews')
    .addOption(
      new Option('--authentication-token-webhook-version <version>', 'of the TokenReviews (default: v1beta1)').choices(['v1', 'v1beta1']),
    )
    .option('--authentication-token-webhook-cache-ttl <duration>', 'how long its answers are good (default: 2m)')
    .option('--authorization-mode <names>', 'who decides, in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny (default: Node,RBAC)')
    .option(
      '--authorization-config <file>',
      'who decides, in order, and under which conditions (AuthorizationConfiguration; read again when it changes)',
    )
    .option('--authorization-webhook-config-file <file>', 'a server that decides (kubeconfig), asked by SubjectAccessReviews')
    .addOption(new Option('--authorization-webhook-version <version>', 'of the reviews (default: v1beta1)').choices(['v1', 'v1beta1']))
    .option('--authorization-webhook-cache-authorized-ttl <duration>', 'how long its yes is good (default: 5m)')
    .option('--authorization-webhook-cache-unauthorized-ttl <duration>', 'how long its other answers are good (default: 30s)')
    .option('--oidc-issuer-url <url>', 'an issuer of tokens (OpenID Connect), by flags instead of a file')
    .option('--oidc-client-id <id>', 'the audience of its tokens')
    .option('--oidc-ca-file <file>', "authority of its certificate (default: the system's)")
    .option('--oidc-username-claim <claim>', 'the claim that is the user name (default: sub)')
    .option('--oidc-username-prefix <text>', 'stands before user names; - for nothing (default: the issuer and #, nothing before an email)')
    .option('--oidc-groups-claim <claim>', 'the claim that is the list of groups')
    .option('--oidc-groups-prefix <text>', 'stands before groups')
    .option('--oidc-signing-algs <names>', 'algorithms that its tokens may be signed by, with commas (default: RS256)')
    .option('--oidc-required-claim <claim=value>', 'a claim that its tokens must have (may be repeated)', several, [])
    .option(
      '--encryption-provider-config <file>',
      'how what is stored is encrypted (EncryptionConfiguration; default: Secrets, with a key made at the first start)',
    )
    .option(
      '--encryption-provider-config-automatic-reload',
      'read that file again when it changes; what cannot be used leaves the one before in use',
    )
    .option('--audit-policy-file <file>', 'which requests are written down, and how much of them (audit.k8s.io/v1 Policy)')
    .option('--audit-log-path <file>', 'where requests are written down: lines of JSON, - is standard output')
    .option('--audit-log-maxsize <megabytes>', 'an audit log that is larger is put aside (0: never)', count, 100)
    .option('--audit-log-maxbackup <number>', 'audit logs put aside that are kept (0: all)', count, 0)
    .option('--audit-log-maxage <days>', 'audit logs put aside that are older are removed (0: none)', count, 0)
    .option('--audit-webhook-config-file <file>', 'a kubeconfig of a webhook that requests written down are sent to, in batches')
    .option('--audit-webhook-batch-buffer-size <number>', 'events that wait to be sent at most; what comes beyond is lost', count, 10_000)
    .option('--audit-webhook-batch-max-size <number>', 'events that are sent together at most', count, 400)
    .option('--audit-webhook-batch-max-wait <duration>', 'an event waits for others so long at most (default: 30s)')
    .option('--audit-webhook-initial-backoff <duration>', 'before a batch that was not taken is sent again (default: 10s)')
    .option(
      '--tracing-config-file <file>',
      'whether requests are recorded, and where the record is sent (TracingConfiguration; default: nothing)',
    )
    .option(
      '--service-cluster-ip-range <cidrs>',
      'addresses that Services get: a range, or one of each family with a comma between',
      '10.96.0.0/16',
    )
    .option('--metrics', 'serve metrics.k8s.io out of what the nodes say, for kubectl top and autoscalers', false)
    .addOption(
      failover('when a silent node is taken for dead and how long pods stay there that do not say (fast: 3 s and 1 s)').default('usual'),
    )
    .option(
      '--cluster-cidr <cidrs>',
      'give each node a part of these addresses for its pods: a range, or one of each family with a comma between (default: somebody else does)',
    )
    .option('--node-cidr-mask-size <bits>', "prefix length of a node's part (default: 24 of IPv4, 64 of IPv6)", count)
    .option('--node-cidr-mask-size-ipv4 <bits>', 'that of IPv4 alone', count)
    .option('--node-cidr-mask-size-ipv6 <bits>', 'that of IPv6 alone', count)
    .option('--load-balancer-pool <cidr>', 'addresses for Services of type LoadBalancer (default: somebody else gives them)')
    .option('--pod-routes-interface <name>', 'keep routes to the pods of all nodes over this interface, for proxies of the API')
    .option(
      '--node <name>',
      'also write a kubeconfig for the agent of this node (may be repeated)',
      (name: string, names: readonly string[]) => [...names, name],
      [],
    )
    .addOption(logLevel())
}

function boolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new UserError(`not a boolean: ${text}`, 'give true or false')
  return text === 'true'
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UserError(`not a number: ${text}`, 'give a whole number from 1')
  return Number(text)
}

function healthAddress(text: string): ListenAddress {
  const [, host = '', number = ''] = /^(.*):(\d+)$/.exec(text) ?? []
  if (host === '') throw new UserError(`not an address: ${text}`, 'write it like 127.0.0.1:8081')
  return { host, port: port(number) }
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new UserError(`not a port: ${text}`, 'give a number from 1 to 65535 (0: any free one)')
  return value
}
