import { familiesOf, refs } from '#api'
import type { Identity, MetricFamily, Scope } from '#base'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { type DnsServer, startDns } from '#dns'
import {
  MODE,
  type NetworkMode,
  type StandIn,
  releaseAnnouncements,
  releasePolicies,
  releaseRoutes,
  startAnnouncements,
  startNodeNetwork,
  startPolicies,
} from '#network'
import type { PodNetwork } from '#node'
import { releaseProxy, startDrain, startProxy, systemKernel } from '#proxy'
import { createInformers } from '#reconcile'
import type { AgentFlags } from '../program/flags.ts'
import { networkMetrics } from './network-metrics.ts'
import { wayBetweenNodes } from '../instance/instance.ts'
import { ensureLocalAddress, isOwnNetwork } from '../instance/network.ts'

/** The network of one node: service proxy, policies, routes to other nodes and DNS, over one set of caches. */
export interface NodeNetwork {
  readonly pods: PodNetwork
  readonly metrics: () => readonly MetricFamily[]
  /** Resolves when the caches are full; from then on the kernel follows them. */
  start(nodeAddresses: readonly string[]): Promise<void>
  /** Takes all rules away: without anyone who keeps them true they would lead to endpoints that are gone. */
  release(scope: Scope): Promise<void>
}

/** `node`: as the node itself. `identity`: instead of the certificate in the kubeconfig. */
export async function nodeNetwork(
  scope: Scope,
  flags: AgentFlags,
  proxyKubeconfig: string,
  { node, identity }: { readonly node: Client; readonly identity?: Identity },
): Promise<NodeNetwork> {
  const { nodeName } = flags
  // Whoever is inside need not go there for each command.
  const netns = flags.netns === undefined || isOwnNetwork(flags.netns) ? undefined : flags.netns
  const { connection } = await loadKubeconfig(proxyKubeconfig)
  const client = createClient({ transport: socketTransport({ ...connection, ...(identity && { identity }), userAgent: 'sampan-proxy' }) })
  const informers = createInformers(client)
  const kernel = systemKernel(netns)
  const families = familiesOf(flags.clusterCidr)
  const inNetns = netns === undefined ? {} : { netns }
  const proxy = startProxy(scope, { informers, nodeName, table: flags.proxyTable, kernel, podNetworks: flags.clusterCidr })
  const drain = startDrain(scope, { informers, client, nodeName, proxy })
  const tellMode = async (own: Scope, mode: NetworkMode): Promise<void> => {
    const body = { metadata: { annotations: { [MODE]: mode } } }
    await node.resource(refs.nodes).patch(own, { name: nodeName }, { type: 'merge', body })
  }
  const standIns = (flags.dnsAddress ?? []).map(dnsStandIn)
  const policies = startPolicies(scope, { informers, nodeName, table: flags.policyTable, families, ...inNetns, standIns })
  if (flags.loadBalancerPool !== undefined)
    startAnnouncements(scope, { informers, nodeName, pool: flags.loadBalancerPool, device: flags.announceInterface, ...inNetns })
  let dns: DnsServer | undefined
  return {
    metrics: () => networkMetrics(proxy.stats(), policies.stats, dns?.stats()),
    pods: {
      protect: (own, pod, addresses) => policies.protect(own, pod, addresses),
      drain: (own, _, addresses) => drain.outOfUse(own, addresses),
    },
    async start(nodeAddresses) {
      startNodeNetwork(scope, {
        informers,
        nodeName,
        nodeAddress: nodeAddresses[0] ?? '',
        families,
        podNetworks: flags.podNetwork,
        mode: wayBetweenNodes(flags.network),
        tellMode,
        ...inNetns,
      })
      if (flags.dnsAddress !== undefined) {
        for (const address of flags.dnsAddress) ensureLocalAddress(address)
        dns = await startDns(scope, { informers, addresses: flags.dnsAddress, port: 53 })
      }
      await informers.start(scope)
      // Not waited for: that there is no such permission must not keep the node from working.
      dns?.followConfig()
      void informers.start(scope).catch(() => undefined)
    },
    async release(own) {
      await releaseProxy(own, kernel, flags.proxyTable, families)
      await releasePolicies(own, flags.policyTable, netns, families)
      await releaseAnnouncements(own, flags.announceInterface, netns)
      await releaseRoutes(own, { podNetworks: flags.podNetwork, ...inNetns })
    },
  }
}

/** Policies that let pods ask for names speak of the pods of kube-dns: the node's own answers stand for them. */
const dnsStandIn = (address: string): StandIn => ({
  namespace: 'kube-system',
  labels: { 'k8s-app': 'kube-dns' },
  address,
  ports: [
    { name: 'dns', protocol: 'UDP', port: 53 },
    { name: 'dns-tcp', protocol: 'TCP', port: 53 },
  ],
})
