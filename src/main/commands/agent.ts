import { readFileSync } from 'node:fs'
import { createClient, loadKubeconfig, socketTransport } from '#client'
import { startDns } from '#dns'
import { releaseProxy, startProxy, systemKernel } from '#proxy'
import { OVERLAY_MTU, type StandIn, releasePolicies, startNodeNetwork, startPolicies } from '#network'
import { createInformers } from '#reconcile'
import { UserError } from '#base'
import { DEFAULT_HARD, parseThresholds, streamProtocols } from '#node'
import { startAgent } from '../agent.ts'
import { inForeground } from '../foreground.ts'
import { ensureLocalAddress } from '../instance/network.ts'
import type { AgentFlags } from '../flags.ts'

/** `sampan agent`: node agent, service proxy and DNS of one node, in one process. */
export async function runAgent(flags: AgentFlags): Promise<void> {
  await inForeground('agent', flags.logLevel, async (scope) => {
    const work = scope.child()
    const { agent } = await startAgent(work, {
      kubeconfig: flags.kubeconfig,
      nodeName: flags.nodeName,
      host: {
        instance: flags.instance,
        rootDir: flags.rootDir,
        ...(flags.podCidr === undefined ? {} : { podCidr: flags.podCidr }),
        clusterCidrs: flags.clusterCidr,
        sandboxImage: flags.sandboxImage,
        ...(flags.netns === undefined ? {} : { netns: flags.netns }),
        ...(flags.network === 'overlay' ? { mtu: OVERLAY_MTU } : {}),
      },
      clusterDns: flags.clusterDns,
      ...(flags.podManifestPath === undefined ? {} : { staticPodsDir: flags.podManifestPath }),
      allowedUnsafeSysctls: flags.allowedUnsafeSysctls.split(',').filter((name) => name !== ''),
      eviction: {
        thresholds: parseThresholds(flags.evictionHard ?? DEFAULT_HARD, flags.evictionSoft, flags.evictionSoftGracePeriod),
        mostGraceSeconds: flags.evictionMaxPodGracePeriod,
        transitionMs: flags.evictionPressureTransitionPeriod * 1000,
      },
      ...(flags.nodeIp === undefined ? {} : { nodeIps: [flags.nodeIp] }),
      ...servingOptions(flags),
    })
    if (flags.proxyKubeconfig === undefined) return async () => work.cancel()
    const { connection } = await loadKubeconfig(flags.proxyKubeconfig)
    const client = createClient({ transport: socketTransport({ ...connection, userAgent: 'sampan-proxy' }) })
    const informers = createInformers(client)
    const kernel = systemKernel(flags.netns)
    startProxy(work, { informers, nodeName: flags.nodeName, table: flags.proxyTable, kernel, podNetworks: flags.clusterCidr })
    startNodeNetwork(work, {
      informers,
      nodeName: flags.nodeName,
      nodeAddress: agent.settings.nodeIps[0] ?? '',
      mode: flags.network,
      ...(flags.netns === undefined ? {} : { netns: flags.netns }),
    })
    startPolicies(work, {
      informers,
      nodeName: flags.nodeName,
      table: flags.policyTable,
      ...(flags.netns === undefined ? {} : { netns: flags.netns }),
      standIns: flags.dnsAddress === undefined ? [] : [dnsStandIn(flags.dnsAddress)],
    })
    if (flags.dnsAddress !== undefined) {
      ensureLocalAddress(flags.dnsAddress)
      await startDns(work, { informers, addresses: [flags.dnsAddress], port: 53 })
    }
    await informers.start(work)
    return async () => {
      work.cancel()
      // Rules without anyone who keeps them true would lead to endpoints that are gone.
      if (!flags.releaseOnStop) return
      await releaseProxy(scope, kernel, flags.proxyTable)
      await releasePolicies(scope, flags.policyTable, flags.netns)
    }
  })
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

function servingOptions({ tlsCertFile, tlsPrivateKeyFile, clientCaFile }: AgentFlags): Pick<Parameters<typeof startAgent>[1], 'server'> {
  if (tlsCertFile === undefined && tlsPrivateKeyFile === undefined && clientCaFile === undefined) return {}
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined || clientCaFile === undefined)
    throw new UserError(
      "the agent's own API needs a certificate, its key and the authority of its clients",
      'give --tls-cert-file, --tls-private-key-file and --client-ca-file, or none of them',
    )
  const text = (file: string): string => readFileSync(file, 'utf8')
  return {
    server: { certificate: text(tlsCertFile), key: text(tlsPrivateKeyFile), clientCa: text(clientCaFile), protocols: streamProtocols },
  }
}
