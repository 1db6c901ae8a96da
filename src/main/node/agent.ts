import { networkInterfaces } from 'node:os'
import { type Identity, type MetricFamily, type Scope, UserError, messageOf } from '#base'
import type { core } from '#api'
import type { Client } from '#client'
import {
  type AlignmentOptions,
  type EvictionOptions,
  type Host,
  type HostOptions,
  type NodeAgent,
  type NodeServer,
  type PodNetwork,
  type Reserved,
  type ShutdownGroup,
  type StreamProtocols,
  prepareHost,
  startNodeAgent,
  startNodeServer,
  superviseContainerd,
} from '#node'

export interface AgentOptions {
  readonly client: Client
  readonly nodeName: string
  readonly host: HostOptions
  /** First the primary one. */
  readonly nodeIps: readonly string[]
  readonly clusterDns?: readonly string[]
  readonly clusterDomain?: string
  /** The agent's own HTTPS API. Without certificates it is not served: there is no port without authentication. */
  readonly server?: {
    readonly address?: string
    readonly port?: number
    /** The serving certificate, or where it comes from once the node is registered: until then nobody is answered. */
    readonly identity: Identity | ((scope: Scope, client: Client) => Promise<Identity>)
    /** PEM of the authority of the clients. */
    readonly clientCa: string
    /** Made with the agent's streams: SPDY and WebSocket towards the caller. */
    readonly protocols?: (agent: NodeAgent) => StreamProtocols
    readonly furtherMetrics?: () => readonly MetricFamily[]
  }
  readonly version?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly core.Taint[]
  readonly maxPods?: number
  readonly podPidsLimit?: number
  readonly reserved?: Reserved
  readonly alignment?: AlignmentOptions
  readonly shutdownGroups?: readonly ShutdownGroup[]
  readonly beatMs?: number
  readonly leaseSeconds?: number
  readonly eviction?: EvictionOptions
  readonly staticPodsDir?: string
  readonly allowedUnsafeSysctls?: readonly string[]
  /** What pods wait for: rules before they run, and Services that leave them before they end. */
  readonly network?: PodNetwork
  /** Called when the node has been taken out of the cluster for good. */
  readonly onRemoved?: () => void
}

export interface RunningAgent {
  readonly host: Host
  readonly agent: NodeAgent
}

/** The release of Kubernetes whose kubelet the agent is. */
export const KUBERNETES_VERSION = 'v1.36.3'
export const KUBELET_PORT = 10_250
const LONGEST_RETRY_MS = 60_000

/**
 * Starts containerd (or takes over the one that runs) and the node agent over it. Resolves when the node is registered and pods are
 * followed; runs until the scope is cancelled. Containers and containerd go on without it; `releaseHost` takes them away.
 */
export async function startAgent(scope: Scope, options: AgentOptions): Promise<RunningAgent> {
  const { client } = options
  const host = await prepareHost(scope, options.host)
  void superviseContainerd(scope, host.layout, host.machine, options.host.netns, host.runtime)
  const agent = await startNodeAgent(scope, client, host, {
    nodeName: options.nodeName,
    nodeIps: options.nodeIps,
    clusterDns: options.clusterDns ?? [],
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    ...(options.host.podCidrs === undefined ? {} : { podCidrs: options.host.podCidrs }),
    port: options.server?.port ?? KUBELET_PORT,
    version: options.version ?? KUBERNETES_VERSION,
    ...(options.labels && { labels: options.labels }),
    ...(options.taints && { taints: options.taints }),
    ...(options.maxPods === undefined ? {} : { maxPods: options.maxPods }),
    ...(options.podPidsLimit === undefined ? {} : { podPidsLimit: options.podPidsLimit }),
    ...(options.shutdownGroups && { shutdownGroups: options.shutdownGroups }),
    ...(options.reserved && { reserved: options.reserved }),
    ...(options.alignment && { alignment: options.alignment }),
    ...(options.beatMs === undefined ? {} : { beatMs: options.beatMs }),
    ...(options.staticPodsDir === undefined ? {} : { staticPodsDir: options.staticPodsDir }),
    ...(options.allowedUnsafeSysctls && { allowedUnsafeSysctls: options.allowedUnsafeSysctls }),
    ...(options.eviction && { eviction: options.eviction }),
    ...(options.leaseSeconds === undefined ? {} : { leaseSeconds: options.leaseSeconds }),
    ...(options.network && { network: options.network }),
    ...(options.onRemoved && { onRemoved: options.onRemoved }),
  })
  await serveNode(scope, client, agent, host, options.server)
  return { host, agent }
}

/** Pods do not wait for a certificate that somebody has yet to approve. */
async function serveNode(scope: Scope, client: Client, agent: NodeAgent, host: Host, options: AgentOptions['server']): Promise<void> {
  if (options === undefined) return
  const { identity } = options
  if (typeof identity !== 'function') return void (await serve(scope, client, agent, host, { ...options, identity }))
  void keepTrying(scope, async () => {
    await serve(scope, client, agent, host, { ...options, identity: await identity(scope, client) })
  })
}

async function keepTrying(scope: Scope, work: () => Promise<void>): Promise<void> {
  for (let delayMs = 1000; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
    try {
      return await work()
    } catch (error) {
      if (scope.signal.aborted) return
      scope.log.error("the node's own API is not served yet", { error: messageOf(error) })
    }
    await scope.sleep(delayMs).catch(() => undefined)
  }
}

async function serve(
  scope: Scope,
  client: Client,
  agent: NodeAgent,
  host: Host,
  options: Omit<NonNullable<AgentOptions['server']>, 'identity'> & { readonly identity: Identity },
): Promise<NodeServer> {
  const { identity, clientCa, protocols, furtherMetrics } = options
  return startNodeServer(scope, client, agent, {
    address: options.address ?? agent.settings.nodeIps[0] ?? '0.0.0.0',
    port: options.port ?? KUBELET_PORT,
    identity,
    clientCa,
    rootDir: host.layout.rootDir,
    ...(protocols && { protocols: protocols(agent) }),
    ...(furtherMetrics && { furtherMetrics }),
  })
}

/** The first address of the machine that is not only its own. */
export function defaultAddresses(): string[] {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')
  if (found === undefined) throw new UserError('this machine has no address that others could reach', 'give --node-ip ADDRESS')
  return [found.address]
}
