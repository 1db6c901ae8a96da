import type { Scope } from '#base'
import { type Client, createClient, inProcessTransport } from '#client'
import { type InternalPart, startApiServer } from '../apiserver.ts'
import { graceOf } from '../failover.ts'
import { inForeground } from '../foreground.ts'
import type { ServerFlags } from '../flags.ts'

const PARTS: Readonly<Record<InternalPart, string>> = { controllers: 'kube-controller-manager', scheduler: 'kube-scheduler' }

/** `sampan apiserver` and `sampan server`: the parts inside reach the API by a function call. */
export async function runServer(flags: ServerFlags & { readonly controllers: boolean; readonly scheduler: boolean }): Promise<void> {
  await inForeground('server', flags.logLevel, async (scope) => {
    const server = await startApiServer(scope, {
      stateDir: flags.stateDir,
      securePort: flags.securePort,
      bindAddress: flags.bindAddress,
      store: flags.store,
      serviceClusterIpRange: flags.serviceClusterIpRange,
      nodes: flags.node,
      metrics: flags.metrics,
      failover: flags.failover,
      audit: flags,
      authentication: flags,
      authorization: flags,
      etcd: flags,
      ...(flags.advertiseAddress === undefined ? {} : { advertiseAddress: flags.advertiseAddress }),
      ...(flags.encryptionProviderConfig === undefined ? {} : { encryptionProviderConfig: flags.encryptionProviderConfig }),
      ...(flags.tokenAuthFile === undefined ? {} : { tokenAuthFile: flags.tokenAuthFile }),
    })
    const workers = scope.child()
    const clientOf = (part: InternalPart): ReturnType<typeof createClient> =>
      createClient({ transport: inProcessTransport(server.handler, { token: server.tokenOf(part) }), fieldManager: PARTS[part] })
    // One set of caches for both: each object is read and kept once. It is filled as the controllers, who may read all that the scheduler may.
    const { createInformers } = await import('#reconcile')
    const shared = flags.controllers && flags.scheduler ? { informers: createInformers(clientOf('controllers')) } : {}
    if (flags.controllers) {
      const { startControllers } = await import('../controllers.ts')
      await startControllers(workers, {
        client: clientOf('controllers'),
        ...shared,
        caBundle: server.authority,
        ...graceOf(flags.failover),
        ...(flags.loadBalancerPool === undefined ? {} : { balancerPool: { pool: flags.loadBalancerPool } }),
        ...(flags.clusterCidr === undefined ? {} : { nodeIpam: { clusterCidr: flags.clusterCidr, nodeMaskSize: flags.nodeCidrMaskSize } }),
        signing: { authority: server.signing.authority, legacyToken: (_, wish) => server.signing.legacyToken(wish) },
      })
    }
    if (flags.scheduler) {
      const { startScheduler } = await import('../scheduler.ts')
      const { schedulerFile } = await import('./parts.ts')
      const file = flags.schedulerConfig === undefined ? undefined : schedulerFile(flags.schedulerConfig)
      await startScheduler(workers, { client: clientOf('scheduler'), ...shared, ...(file === undefined ? {} : { config: file.config }) })
    }
    if (flags.podRoutesInterface !== undefined) await keepPodRoutes(workers, clientOf('controllers'), flags.podRoutesInterface)
    return async () => {
      workers.cancel()
      await server.stop()
    }
  })
}

/** Nodes that live in network namespaces are neighbours of this machine. */
async function keepPodRoutes(scope: Scope, client: Client, device: string): Promise<void> {
  const [{ startNodeNetwork }, { createInformers }] = await Promise.all([import('#network'), import('#reconcile')])
  const informers = createInformers(client)
  startNodeNetwork(scope, { informers, nodeAddress: '', mode: 'route', device })
  await informers.start(scope)
}
