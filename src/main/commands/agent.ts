import { readFileSync } from 'node:fs'
import { type Identity, type MetricFamily, ReplaceableIdentity, type Scope, UserError } from '#base'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { DEFAULT_HARD, alignmentOptions, parseReserved, parseThresholds, shutdownGroups, streamProtocols } from '#node'
import { type AgentOptions, defaultAddresses, startAgent } from '../node/agent.ts'
import { type AgentCertificates, agentCertificates } from '../node/agent-certificates.ts'
import { awaitServer } from '../node/await-server.ts'
import { WRONG_USE } from '../program/exit-codes.ts'
import { heartbeatOf } from '../program/failover.ts'
import { inForeground } from '../process/foreground.ts'
import type { AgentFlags } from '../program/flags.ts'
import { nodeNetwork } from '../node/node-network.ts'
import { podLinksIn } from '../up/commands.ts'

/** `sampan agent`: node agent, service proxy, policies, routes and DNS of one node, in one process. */
export async function runAgent(flags: AgentFlags): Promise<void> {
  await inForeground('agent', flags.logLevel, async (scope) => {
    const work = scope.child()
    if (flags.waitForServer) await awaitServer(scope, [flags.kubeconfig, ...filesOf(flags)])
    const nodeIps = flags.nodeIp ?? defaultAddresses()
    // Made before any pod is looked at: what a pod waits for is there from its first moment.
    const certificates = flags.certDir === undefined ? undefined : agentCertificates(work, flags.certDir, flags.nodeName)
    const client = await clientOf(flags.kubeconfig, certificates)
    certificates?.keep(work, client)
    const network =
      flags.proxyKubeconfig === undefined
        ? undefined
        : await nodeNetwork(work, flags, flags.proxyKubeconfig, { node: client, ...(await proxyIdentity(work, client, certificates)) })
    const [, { agent }] = await Promise.all([
      network?.start(nodeIps),
      startAgent(work, {
        client,
        nodeName: flags.nodeName,
        host: {
          instance: flags.instance,
          rootDir: flags.rootDir,
          ...(flags.podCidr === undefined ? {} : { podCidrs: flags.podCidr }),
          clusterCidrs: flags.clusterCidr,
          sandboxImage: flags.sandboxImage,
          ...(flags.netns === undefined ? {} : { netns: flags.netns }),
          ...(flags.containerd === undefined ? {} : { containerdDir: flags.containerd }),
          ...podLinksIn(flags.network),
          ...(flags.cniConfig === undefined ? {} : { cniConfig: flags.cniConfig }),
        },
        clusterDns: flags.clusterDns,
        ...(flags.podManifestPath === undefined ? {} : { staticPodsDir: flags.podManifestPath }),
        maxPods: flags.maxPods,
        ...heartbeatOf(flags.failover),
        podPidsLimit: flags.podMaxPids,
        shutdownGroups: shutdownGroups(
          flags.shutdownGracePeriod,
          flags.shutdownGracePeriodCriticalPods,
          flags.shutdownGracePeriodByPodPriority,
        ),
        ...roomOptions(flags),
        allowedUnsafeSysctls: flags.allowedUnsafeSysctls.split(',').filter((name) => name !== ''),
        eviction: {
          thresholds: parseThresholds(flags.evictionHard ?? DEFAULT_HARD, flags.evictionSoft, flags.evictionSoftGracePeriod),
          mostGraceSeconds: flags.evictionMaxPodGracePeriod,
          transitionMs: flags.evictionPressureTransitionPeriod * 1000,
        },
        nodeIps,
        ...(network && { network: network.pods }),
        onRemoved: () => {
          scope.log.error(
            'the node was removed from its cluster: sampan reset removes what it has left here, sampan up makes it a node again',
          )
          process.exit(WRONG_USE)
        },
        ...servingOptions(flags, nodeIps, certificates, network?.metrics),
      }),
    ])
    // Where no service manager tells of it, this is how a machine says that it goes down.
    process.on('SIGPWR', () => void agent.shutdown.begin(work))
    return async () => {
      work.cancel()
      if (flags.releaseOnStop) await network?.release(scope)
    }
  })
}

/** Processors that are named are kept instead of those that are only counted. */
function roomOptions(flags: AgentFlags): Pick<AgentOptions, 'reserved' | 'alignment'> {
  const alignment = alignmentOptions(flags)
  const reserved = parseReserved(flags.kubeReserved, flags.systemReserved)
  const { reservedCpus } = alignment
  return { alignment, reserved: reservedCpus === undefined ? reserved : { ...reserved, cpuMilli: reservedCpus.size * 1000 } }
}

async function proxyIdentity(
  scope: Scope,
  client: Client,
  certificates: AgentCertificates | undefined,
): Promise<{ readonly identity?: Identity }> {
  return certificates === undefined ? {} : { identity: await certificates.proxy(scope, client) }
}

const filesOf = ({ proxyKubeconfig, tlsCertFile, tlsPrivateKeyFile, clientCaFile }: AgentFlags): string[] =>
  [proxyKubeconfig, tlsCertFile, tlsPrivateKeyFile, clientCaFile].filter((file) => file !== undefined)

async function clientOf(kubeconfig: string, certificates: AgentCertificates | undefined): Promise<Client> {
  const { connection } = await loadKubeconfig(kubeconfig)
  const identity = certificates === undefined ? {} : { identity: certificates.node }
  return createClient({ transport: socketTransport({ ...connection, ...identity }), fieldManager: 'kubelet' })
}

function servingOptions(
  { tlsCertFile, tlsPrivateKeyFile, clientCaFile }: AgentFlags,
  addresses: readonly string[],
  certificates: AgentCertificates | undefined,
  furtherMetrics: (() => readonly MetricFamily[]) | undefined,
): Pick<Parameters<typeof startAgent>[1], 'server'> {
  const text = (file: string): string => readFileSync(file, 'utf8')
  const rest = (authority: string) => ({ clientCa: text(authority), protocols: streamProtocols, ...(furtherMetrics && { furtherMetrics }) })
  if (certificates !== undefined && tlsCertFile === undefined && tlsPrivateKeyFile === undefined && clientCaFile !== undefined) {
    const identity = (scope: Scope, client: Client) => certificates.serving(scope, client, addresses)
    return { server: { identity, ...rest(clientCaFile) } }
  }
  if (tlsCertFile === undefined && tlsPrivateKeyFile === undefined && clientCaFile === undefined) return {}
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined || clientCaFile === undefined)
    throw new UserError(
      "the agent's own API needs a certificate, its key and the authority of its clients",
      'give --tls-cert-file, --tls-private-key-file and --client-ca-file, or --cert-dir and --client-ca-file, or none of them',
    )
  const identity = new ReplaceableIdentity({ certificate: text(tlsCertFile), key: text(tlsPrivateKeyFile) })
  return { server: { identity, ...rest(clientCaFile) } }
}
