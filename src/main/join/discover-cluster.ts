import { type Scope, UserError, messageOf } from '#base'
import { type core, hasReason, refs } from '#api'
import { type Client, Unreachable, createClient, socketTransport } from '#client'
import type { BootstrapToken } from './bootstrap-token.ts'
import { CLUSTER_INFO, type ClusterInfo, isSignedFor, trustedClusterInfo } from './cluster-info.ts'

/** A server may be starting, and who signs may have heard of the token only now. */
const PATIENCE_MS = 15_000
const LOOK_AGAIN_MS = 500

/**
 * Finds out how a cluster is reached and whom to trust there, from an address, a token and the pins of its authority. What is read before is from anybody;
 * it is read once more from the server that it names, with the authority that it names. Throws `UserError`.
 */
export async function discoverCluster(
  scope: Scope,
  endpoint: string,
  token: BootstrapToken,
  pins: readonly string[],
): Promise<ClusterInfo> {
  const anybody = createClient({ transport: socketTransport({ server: `https://${endpoint}`, insecureSkipVerify: true }) })
  const said = await clusterInfo(scope, anybody, endpoint, token)
  anybody.close()
  const info = trustedClusterInfo(said, token, pins)
  const server = createClient({ transport: socketTransport({ server: info.server, ca: info.authority }) })
  const again = await clusterInfo(scope, server, info.server, token)
  server.close()
  const same = trustedClusterInfo(again, token, pins)
  if (same.server !== info.server || same.authority !== info.authority)
    throw new UserError(
      `${endpoint} and ${info.server} describe different clusters`,
      'nothing of it was used: make sure that the address is that of your cluster',
    )
  return info
}

async function clusterInfo(scope: Scope, client: Client, where: string, token: BootstrapToken): Promise<core.ConfigMap> {
  const deadlineMs = scope.clock.monotonic() + PATIENCE_MS
  for (;;) {
    const isLate = scope.clock.monotonic() >= deadlineMs
    const found = await client
      .resource(refs.configmaps)
      .get(scope, CLUSTER_INFO)
      .catch((error: unknown) => {
        if (error instanceof Unreachable && !isLate) return undefined
        throw refusalOf(error, where)
      })
    if (found !== undefined && (isLate || isSignedFor(found, token))) return found
    await scope.sleep(LOOK_AGAIN_MS)
  }
}

/** Who asks is not known, may not, or asks for something that is not there. */
export const isRefusal = (error: unknown): boolean =>
  hasReason(error, 'Unauthorized') || hasReason(error, 'Forbidden') || hasReason(error, 'NotFound')

function refusalOf(error: unknown, where: string): unknown {
  if (error instanceof Unreachable)
    return new UserError(
      `${where} cannot be reached: ${messageOf(error)}`,
      'see that the cluster runs there and that no firewall is between',
    )
  if (isRefusal(error))
    return new UserError(
      `the cluster at ${where} lets nobody join yet`,
      'make a token where the server is: sampan token create --print-join-command',
    )
  return error
}
