import { familiesOf } from '#api'
import type { Scope } from '#base'
import { type Client, ClientMetrics, createClient, inProcessTransport } from '#client'
import type { ControllersOptions } from '#controllers'
import type { Informers } from '#reconcile'
import { type InternalPart, type RunningApiServer, startApiServer } from '../server/apiserver.ts'
import type { Started } from '../workers/elected.ts'
import { graceOf } from '../program/failover.ts'
import { inForeground } from '../process/foreground.ts'
import type { ServerFlags } from '../program/flags.ts'
import { toldOptions } from '../program/told-options.ts'

const PARTS: Readonly<Record<InternalPart, string>> = { controllers: 'kube-controller-manager', scheduler: 'kube-scheduler' }

/** What the parts have under way when the server stops may take so long. */
const PARTS_STOP_MS = 2000

type PartsFlags = ServerFlags & { readonly controllers: boolean; readonly scheduler: boolean }

/** `sampan apiserver` and `sampan server`: the parts inside reach the API by a function call. */
export async function runServer(flags: PartsFlags): Promise<void> {
  await inForeground('server', flags.logLevel, async (scope) => {
    const server = await startApiServer(scope, {
      stateDir: flags.stateDir,
      securePort: flags.securePort,
      bindAddress: flags.bindAddress,
      store: flags.store,
      serviceClusterIpRange: flags.serviceClusterIpRange,
      nodes: flags.node,
      metrics: flags.metrics,
      told: toldOptions(flags),
      failover: flags.failover,
      audit: flags,
      authentication: flags,
      authorization: flags,
      etcd: flags,
      tracingConfigFile: flags.tracingConfigFile,
      encryptionProviderConfigAutomaticReload: flags.encryptionProviderConfigAutomaticReload,
      ...(flags.advertiseAddress === undefined ? {} : { advertiseAddress: flags.advertiseAddress }),
      ...(flags.encryptionProviderConfig === undefined ? {} : { encryptionProviderConfig: flags.encryptionProviderConfig }),
      ...(flags.tokenAuthFile === undefined ? {} : { tokenAuthFile: flags.tokenAuthFile }),
    })
    const workers = scope.child()
    const requests = new ClientMetrics()
    server.addMetrics((text) => requests.write(text))
    const clientOf: ClientOf = (part) =>
      createClient({
        transport: requests.meter(inProcessTransport(server.handler, { token: server.tokenOf(part) })),
        fieldManager: PARTS[part],
      })
    const { stopped } = await startParts(workers, flags, server, clientOf)
    if (flags.podRoutesInterface !== undefined)
      await keepPodRoutes(workers, clientOf('controllers'), flags.podRoutesInterface, flags.clusterCidr?.split(',') ?? [])
    return async () => {
      workers.cancel()
      await Promise.race([stopped, scope.sleep(PARTS_STOP_MS)])
      await server.stop()
    }
  })
}

/** The mask of a family, or the one for both, which then is for one family alone. */
function nodeIpamOf(clusterCidr: string, { nodeCidrMaskSize, nodeCidrMaskSizeIpv4, nodeCidrMaskSizeIpv6 }: PartsFlags): NodeIpam {
  return {
    clusterCidrs: clusterCidr.split(','),
    nodeMaskSizes: { ipv4: nodeCidrMaskSizeIpv4 ?? nodeCidrMaskSize ?? 24, ipv6: nodeCidrMaskSizeIpv6 ?? nodeCidrMaskSize ?? 64 },
  }
}

type NodeIpam = NonNullable<ControllersOptions['nodeIpam']>
type ClientOf = (part: InternalPart) => Client

/** Controllers and scheduler inside the server; where other servers share the store, in one of them at a time. */
async function startParts(scope: Scope, flags: PartsFlags, server: RunningApiServer, clientOf: ClientOf): Promise<Started> {
  const { startNow, whenElected } = await import('../workers/elected.ts')
  const start = flags.store === 'etcd' ? whenElected : startNow
  const schedule = (within: Scope, shared: { readonly informers?: Informers }): Promise<Started> =>
    start(within, clientOf('scheduler'), 'kube-scheduler', (term) => startInnerScheduler(term, flags, clientOf, shared))
  if (!flags.controllers) return flags.scheduler ? schedule(scope, {}) : { stopped: Promise.resolve() }
  const [{ QueueMetrics, createInformers }, { startControllers }] = await Promise.all([
    import('#reconcile'),
    import('../workers/controllers.ts'),
  ])
  const queues = new QueueMetrics()
  server.addMetrics((text) => queues.write(text, scope.clock.monotonic()))
  return start(scope, clientOf('controllers'), 'kube-controller-manager', async (term) => {
    // One set of caches for both: each object is read and kept once. It is filled as the controllers, who may read all that the scheduler may.
    const informers = createInformers(clientOf('controllers'))
    const running = await startControllers(term, {
      client: clientOf('controllers'),
      informers,
      metrics: queues,
      caBundle: server.authority,
      ...graceOf(flags.failover),
      ...(flags.loadBalancerPool === undefined ? {} : { balancerPool: { pool: flags.loadBalancerPool } }),
      ...(flags.clusterCidr === undefined ? {} : { nodeIpam: nodeIpamOf(flags.clusterCidr, flags) }),
      signing: { authority: server.signing.authority, legacyToken: (_, wish) => server.signing.legacyToken(wish) },
    })
    if (!flags.scheduler) return running
    const scheduling = await schedule(term, { informers })
    return { stopped: Promise.all([running.stopped, scheduling.stopped]) }
  })
}

async function startInnerScheduler(
  scope: Scope,
  { schedulerConfig }: PartsFlags,
  clientOf: ClientOf,
  shared: { readonly informers?: Informers },
): Promise<Started> {
  const [{ startScheduler }, { schedulerFile }] = await Promise.all([import('../workers/scheduler.ts'), import('./parts.ts')])
  const file = schedulerConfig === undefined ? undefined : schedulerFile(schedulerConfig)
  return startScheduler(scope, { client: clientOf('scheduler'), ...shared, ...(file === undefined ? {} : { config: file.config }) })
}

/** Nodes that live in network namespaces are neighbours of this machine. */
async function keepPodRoutes(scope: Scope, client: Client, device: string, podNetworks: readonly string[]): Promise<void> {
  const [{ startNodeNetwork }, { createInformers }] = await Promise.all([import('#network'), import('#reconcile')])
  const informers = createInformers(client)
  startNodeNetwork(scope, { informers, nodeAddress: '', families: familiesOf(podNetworks), podNetworks, mode: 'route', device })
  await informers.start(scope)
}
