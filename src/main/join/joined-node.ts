import { join } from 'node:path'
import type { networkInterfaces } from 'node:os'
import { type Scope, UserError, systemClock, writePrivateFile } from '#base'
import { StatusError, cidrContains, parseCidr } from '#api'
import { type Progress, formatDuration } from '#cli'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { buildImage, importImages, pauseDefinition } from '#images'
import { containerdClient, layoutOf, prepareHost } from '#node'
import { KUBELET_PORT } from '../node/agent.ts'
import { AGENT_CERTIFICATES } from '../node/agent-certificates.ts'
import { lastLines, startInBackground } from '../background/processes.ts'
import type { UpFlags } from '../program/flags.ts'
import { withContainerd } from '../instance/containerd.ts'
import { type Instance, NODE_KUBECONFIG, hostInUrl, writeInstance } from '../instance/instance.ts'
import { NODE_PROGRAMS } from '../machine/packages.ts'
import { cacheDir } from '../pack/find-pack.ts'
import { waitForNode } from '../up/apply.ts'
import { agentOf, componentCommand, hostOptions } from '../up/commands.ts'
import { prepareMachine } from '../up/prepare-machine.ts'
import { within } from '../up/within.ts'
import type { ClusterInfo } from './cluster-info.ts'

const READY_WITHIN_MS = 60_000
/** Where nobody has to approve its certificate by hand, the node's own API is there a moment after the node. */
const SERVED_WITHIN_MS = 20_000
const POLL_MS = 20

/** Below the state folder of a machine that joined: certificates that the agent orders and renews. */
export const certificateFile = (stateDir: string, name: keyof typeof AGENT_CERTIFICATES): string =>
  join(stateDir, 'pki', AGENT_CERTIFICATES[name])

/** How the node reaches the API: with a certificate that lies beside and is replaced when it is renewed. */
export function writeNodeFiles(scope: Scope, stateDir: string, nodeName: string, { server, authority }: ClusterInfo): void {
  const user = `system:node:${nodeName}`
  const certificate = join('pki', AGENT_CERTIFICATES.node)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sampan', cluster: { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') } }],
    users: [{ name: user, user: { 'client-certificate': certificate, 'client-key': certificate } }],
    contexts: [{ name: `${user}@sampan`, context: { cluster: 'sampan', user } }],
    'current-context': `${user}@sampan`,
  }
  writePrivateFile(scope.random, join(stateDir, 'ca.crt'), authority)
  writePrivateFile(scope.random, join(stateDir, NODE_KUBECONFIG), `${JSON.stringify(config, undefined, 2)}\n`)
}

/** Starts what does not run of a node whose server is elsewhere; resolves when the node is ready and answers for itself, or says that it does not yet. */
export async function startJoinedNode(scope: Scope, progress: Progress, stateDir: string, instance: Instance): Promise<void> {
  const host = hostOptions(stateDir, instance)
  await progress.step('containerd', async (note) => {
    const { adopted, containerdPid } = await prepareHost(scope, host)
    note(`${adopted ? 'runs already' : 'started'}, pid ${containerdPid}`)
  })
  await progress.step('images', async () => {
    const layouts = [await buildImage(scope, pauseDefinition, { cacheDir: cacheDir(process.env) })]
    await importImages(scope, { address: layoutOf(host).containerd.socket, ...containerdClient(host), layouts })
  })
  await progress.step('agent, proxy and DNS', async (note) => {
    const component = agentOf(0)
    const startedMs = systemClock.now()
    const { started } = await startInBackground(scope, stateDir, component.name, componentCommand(component, stateDir, instance))
    note(started ? 'started' : 'runs already')
    const { connection } = await loadKubeconfig(join(stateDir, NODE_KUBECONFIG))
    const client = createClient({ transport: socketTransport(connection) })
    const [{ name, address }] = instance.nodes
    await within(
      scope,
      READY_WITHIN_MS,
      `the node ${name} is not ready`,
      () => lastLines(stateDir, component.name),
      (limited) => waitForNode(limited, client, name, started ? startedMs : 0),
    )
    client.close()
    const own = createClient({ transport: socketTransport({ ...connection, server: `https://${hostInUrl(address)}:${KUBELET_PORT}` }) })
    using limited = scope.child({ timeoutMs: SERVED_WITHIN_MS })
    const isServed = await answers(limited, own)
    own.close()
    if (!isServed)
      note(`${started ? 'started' : 'runs already'}; exec and logs wait for the node's certificate: kubectl get certificatesigningrequests`)
  })
}

/** Whether the node's own API answers, whatever it says, before the scope ends. */
async function answers(scope: Scope, client: Client): Promise<boolean> {
  while (!scope.signal.aborted) {
    try {
      await client.raw(scope, { method: 'GET', path: '/healthz' })
      return true
    } catch (error) {
      if (error instanceof StatusError) return true
    }
    await scope.sleep(POLL_MS).catch(() => undefined)
  }
  return false
}

/** `sampan up` on a machine that has joined: its node starts again, as it was. */
export async function resumeJoined(scope: Scope, progress: Progress, stateDir: string, instance: Instance, flags: UpFlags): Promise<void> {
  const asked = Object.entries({
    nodes: flags.nodes,
    network: flags.network,
    gateway: flags.gateway,
    delivery: flags.delivery,
    failover: flags.failover,
    'cni-config': flags.cniConfig,
    'ip-families': flags.ipFamilies,
  }).find(([, value]) => value !== undefined)
  if (asked !== undefined)
    throw new UserError(`--${asked[0]} is a matter of the cluster, and this machine has only joined one`, 'give it where the server is')
  const startMs = systemClock.monotonic()
  const own = withContainerd(stateDir, instance, flags)
  if (own !== instance) writeInstance(stateDir, own)
  await prepareMachine(progress, NODE_PROGRAMS, own.containerdDir)
  await startJoinedNode(scope, progress, stateDir, own)
  progress.say(`\nThe node ${own.nodes[0].name} is up (${formatDuration(systemClock.monotonic() - startMs)}).`)
}

/** The link on whose network the addresses of load balancers are, when it is the one of the node's address: there the node answers for them. */
export function balancerLink(links: ReturnType<typeof networkInterfaces>, nodeIp: string, pool: string): string | undefined {
  const first = parseCidr(pool)?.ip
  const holds = (cidr: string | null): boolean => {
    const range = parseCidr(cidr ?? '')
    return first !== undefined && range !== undefined && cidrContains(range, first)
  }
  return Object.entries(links).find(([, addresses]) =>
    addresses?.some(({ address, cidr, family }) => family === 'IPv4' && address === nodeIp && holds(cidr)),
  )?.[0]
}
