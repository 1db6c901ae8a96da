import { type Command, Option } from 'commander'
import { NETWORK_MODES } from '../instance/instance.ts'
import { commas, failover, logLevel, several } from './common-flags.ts'
import { otherContainerd, ownCniChain } from './instance-flags.ts'
import { roomFlags } from './room-flags.ts'

/** What a node's agent is told. */
export function agentFlags(command: Command): Command {
  return roomFlags(command)
    .requiredOption('--kubeconfig <file>', 'how to reach the API server, as this node')
    .requiredOption('--node-name <name>', 'name of the Node object')
    .requiredOption('--root-dir <dir>', 'where images, volumes and logs of pods lie')
    .option(
      '--node-ip <addresses>',
      'address of the node, or one of each family with a comma between (default: the first of this machine)',
      commas,
    )
    .option('--instance <name>', 'tells the namespaces, tables and control groups of several nodes on one machine apart', 'default')
    .option(
      '--pod-cidr <cidrs>',
      "addresses of this node's pods, a range of each family (default: what spec.podCIDRs of the Node says)",
      commas,
    )
    .addOption(
      new Option(
        '--network <mode>',
        'how to reach the pods of other nodes: by routes, packed into UDP (VXLAN), or by routes with the own pods on one switch',
      )
        .choices(NETWORK_MODES)
        .default('route'),
    )
    .addOption(ownCniChain())
    .option('--cluster-cidr <cidr>', 'addresses that see the pods under their own (may be repeated)', several, [])
    .option(
      '--pod-network <cidr>',
      "all pods of the cluster and no Service: what no node has of it is unreachable, instead of somebody's beyond the default route (may be repeated)",
      several,
      [],
    )
    .option('--sandbox-image <name>', 'the image that holds a pod together', 'sampan.local/pause:1')
    .option('--netns <path>', 'network namespace that stands for the machine')
    .addOption(otherContainerd())
    .option('--cluster-dns <address>', 'name server of the pods (may be repeated)', several, [])
    .option('--tls-cert-file <file>', "certificate of the agent's own HTTPS API")
    .option('--tls-private-key-file <file>', 'its key')
    .option('--client-ca-file <file>', 'authority of those who may call it')
    .option(
      '--cert-dir <dir>',
      'certificates that come from the cluster and are renewed before they end: as node, as proxy, and of the HTTPS API; what the kubeconfigs hold does not count then',
    )
    .option('--proxy-kubeconfig <file>', 'also run the service proxy (and DNS), reaching the API by this')
    .option('--proxy-table <name>', 'nftables table of the service proxy', 'sampan_services')
    .option('--load-balancer-pool <cidr>', 'announce addresses of load balancers of this range on the network of the node')
    .option('--announce-interface <name>', 'where to announce them', 'lo')
    .option('--policy-table <name>', 'nftables table of the network policies', 'sampan_policies')
    .option('--dns-address <addresses>', "answer the cluster's names here: addresses that are added to the loopback interface", commas)
    .option('--allowed-unsafe-sysctls <names>', 'sysctls that pods may set beside the safe ones, with commas; a name may end in *', '')
    .option('--pod-manifest-path <dir>', 'files in it are static pods of this node')
    .option(
      '--eviction-hard <thresholds>',
      'a pod is evicted at once when the node has less left: SIGNAL<AMOUNT or SIGNAL<PART%, several with commas (default: as Kubernetes)',
    )
    .option('--eviction-soft <thresholds>', 'a pod is evicted when the node has had less left for the grace period of the signal', '')
    .option('--eviction-soft-grace-period <periods>', 'SIGNAL=DURATION for each soft threshold, several with commas', '')
    .option('--eviction-max-pod-grace-period <seconds>', 'most grace of a pod that is evicted for a soft threshold', Number, 0)
    .option('--eviction-pressure-transition-period <seconds>', 'how long the node tells of a pressure that is over', Number, 300)
    .addOption(failover('how often the node tells that it lives (fast: every second)').default('usual'))
    .option('--wait-for-server', 'wait for the kubeconfig and the certificates to be there and the API to answer', false)
    .option('--release-on-stop', 'take the rules of the service proxy away at the end', false)
    .addOption(logLevel())
}
