import { hostname, networkInterfaces } from 'node:os'
import { existsSync, readdirSync } from 'node:fs'
import { type Scope, UserError, messageOf, rootScope, systemClock } from '#base'
import { isNodeReady, isNotFound, refs } from '#api'
import { createProgress, formatDuration } from '#cli'
import { type Client, createClient, socketTransport } from '#client'
import { CertificateRefused, orderCertificate, storedPair } from '#node'
import { KUBERNETES_VERSION, defaultAddresses } from '../../node/agent.ts'
import { nodeOrder } from '../../node/agent-certificates.ts'
import type { JoinFlags } from '../../program/flags.ts'
import { type Instance, readInstance, wayBetweenNodes, writeInstance } from '../../instance/instance.ts'
import { machineAddress6 } from '../../instance/second-family.ts'
import { stateDirOf } from '../../instance/locate.ts'
import { type BootstrapToken, parseToken, tokenText } from '../../join/bootstrap-token.ts'
import { CLUSTER_FACTS, factsOf } from '../../join/cluster-facts.ts'
import type { ClusterInfo } from '../../join/cluster-info.ts'
import { discoverCluster, isRefusal } from '../../join/discover-cluster.ts'
import { balancerLink, certificateFile, startJoinedNode, writeNodeFiles } from '../../join/joined-node.ts'
import { skewProblem } from '../../join/version-skew.ts'
import { NODE_PROGRAMS } from '../../machine/packages.ts'
import { prepareMachine } from '../../up/prepare-machine.ts'

const CERTIFICATE_WITHIN_MS = 120_000

/** `sampan join`: makes this machine a node of a cluster elsewhere. Every step can be repeated; one that was cut short goes on where it was. */
export async function runJoin(endpoint: string, flags: JoinFlags): Promise<void> {
  if (process.getuid?.() !== 0) throw new UserError('a node with real containers needs root', 'run it as root: sudo ./sampan join …')
  using scope = rootScope()
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  const startMs = systemClock.monotonic()
  const token = parseToken(flags.token)
  const pins = flags.discoveryTokenCaCertHash.map(parsePin)
  const stateDir = stateDirOf(flags)
  const before = claimed(stateDir, flags)
  await prepareMachine(progress, NODE_PROGRAMS, flags.containerd)
  const info = await progress.step('cluster', async (note) => {
    const found = await discoverCluster(scope, endpoint, token, pins)
    if (before?.joined !== undefined && before.joined.server !== found.server)
      throw new UserError(
        `this machine is a node of the cluster at ${before.joined.server}`,
        'leave it first: sampan reset; or use another --name',
      )
    note(found.server)
    return found
  })
  const instance = await progress.step('certificate', async (note) => {
    const nodeName = before?.nodes[0].name ?? nodeNameOf(flags)
    if (before !== undefined && storedPair(certificateFile(stateDir, 'node'), scope.clock.now()) !== undefined) {
      note('is there already')
      writeNodeFiles(scope, stateDir, nodeName, info)
      return before
    }
    return joinAs(scope, {
      nodeName,
      nodeIp: flags.nodeIp ?? before?.nodes[0].address,
      stateDir,
      info,
      token,
      flags,
      isNew: before === undefined,
    })
  })
  await startJoinedNode(scope, progress, stateDir, instance)
  const name = flags.name === 'default' ? '' : ` --name ${flags.name}`
  progress.say(
    `\nThis machine is the node ${instance.nodes[0].name} of the cluster at ${info.server} (${formatDuration(systemClock.monotonic() - startMs)}).`,
  )
  progress.say(
    `  how it is         ./sampan status${name}\n  leave             sampan node remove ${instance.nodes[0].name} where the server is, then ./sampan reset${name} here`,
  )
}

interface Wish {
  readonly nodeName: string
  readonly nodeIp: string | undefined
  readonly stateDir: string
  readonly info: ClusterInfo
  readonly token: BootstrapToken
  readonly flags: JoinFlags
  readonly isNew: boolean
}

async function joinAs(scope: Scope, { nodeName, nodeIp, stateDir, info, token, flags, isNew }: Wish): Promise<Instance> {
  const client = createClient({ transport: socketTransport({ server: info.server, ca: info.authority, token: tokenText(token) }) })
  const instance = await instanceOf(scope, client, { nodeName, nodeIp, info, token, flags })
  if (isNew) await refuseTaken(scope, client, nodeName)
  // From here on `sampan reset` knows what there is to remove.
  writeInstance(stateDir, instance)
  const kept = { file: certificateFile(stateDir, 'node'), order: nodeOrder(nodeName) }
  let waiting = ''
  using limited = scope.child({ timeoutMs: CERTIFICATE_WITHIN_MS })
  try {
    await orderCertificate(limited, client, kept, (name) => {
      waiting = name
    })
  } catch (error) {
    if (limited.signal.aborted)
      throw new UserError(
        `nobody has approved the request for the node's certificate within ${formatDuration(CERTIFICATE_WITHIN_MS)}`,
        `approve it where the server is (sampan kubectl certificate approve ${waiting}), then run this command again`,
      )
    if (error instanceof CertificateRefused) throw new UserError(messageOf(error), 'ask who runs the cluster')
    throw error
  }
  writeNodeFiles(scope, stateDir, nodeName, info)
  client.close()
  return instance
}

async function instanceOf(
  scope: Scope,
  client: Client,
  { nodeName, nodeIp, info, token, flags }: Omit<Wish, 'stateDir' | 'isNew'>,
): Promise<Instance> {
  const { gitVersion } = JSON.parse(Buffer.from((await client.raw(scope, { method: 'GET', path: '/version' })).body).toString()) as {
    readonly gitVersion: string
  }
  const problem = skewProblem(KUBERNETES_VERSION, gitVersion)
  if (problem !== undefined) throw new UserError(problem, 'use the version of Sampan that the cluster has')
  const facts = await client
    .resource(refs.configmaps)
    .get(scope, CLUSTER_FACTS)
    .then(factsOf, (error: unknown) => {
      if (isRefusal(error))
        throw new UserError(
          `the token ${token.id} lets nobody join: ${messageOf(error)}`,
          'take a new command where the server is: sampan token create --print-join-command',
        )
      throw error
    })
  const address = nodeIp ?? defaultAddresses()[0] ?? ''
  const { clusterCidr6, serviceCidr6 } = facts
  const ipv6 =
    clusterCidr6 === undefined || serviceCidr6 === undefined ? undefined : { clusterCidr: clusterCidr6, serviceCidr: serviceCidr6 }
  const address6 = ipv6 === undefined ? undefined : machineAddress6(address)
  if (ipv6 !== undefined && address6 === undefined && wayBetweenNodes(facts.networkMode) === 'route')
    throw new UserError(`the cluster speaks IPv6, and the link with ${address} has no address of it`, 'give the link one')
  const link = balancerLink(networkInterfaces(), address, facts.balancerPool)
  return {
    version: 2,
    name: flags.name,
    securePort: Number(new URL(info.server).port || 443),
    machineAddress: address,
    networkMode: facts.networkMode,
    nodes: [
      { name: nodeName, address, ...(address6 === undefined ? {} : { address6 }), ...(link === undefined ? {} : { balancerLink: link }) },
    ],
    clusterCidr: facts.clusterCidr,
    ...(ipv6 === undefined ? {} : { ipv6 }),
    dnsAddress: facts.dnsAddress,
    ...(facts.failover === 'usual' ? {} : { failover: facts.failover }),
    ...(flags.containerd === undefined ? {} : { containerdDir: flags.containerd }),
    joined: { server: info.server, serviceCidr: facts.serviceCidr, dnsService: facts.dnsService, balancerPool: facts.balancerPool },
  }
}

/** Two machines under one name would fight for the Node. One that is not ready may be this machine, before it was reset. */
async function refuseTaken(scope: Scope, client: Client, name: string): Promise<void> {
  const node = await client
    .resource(refs.nodes)
    .get(scope, { name })
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
  if (node !== undefined && isNodeReady(node))
    throw new UserError(`the cluster has a node ${name} that is ready`, 'give this one another name: --node-name NAME')
}

/** What stands in the folder is a join that is to go on, or nothing. */
function claimed(stateDir: string, flags: JoinFlags): Instance | undefined {
  const known = readInstance(stateDir)
  if (known === undefined) {
    if (existsSync(stateDir) && readdirSync(stateDir).some((entry) => !entry.startsWith('instance.json')))
      throw new UserError(`${stateDir} holds something that is not a node`, 'give --state-dir a folder that is empty or does not exist')
    return undefined
  }
  if (known.joined === undefined)
    throw new UserError(`there is a cluster of its own in ${stateDir}`, 'remove it first (sampan reset), or use another --name')
  const [{ name, address }] = known.nodes
  if (flags.nodeName !== undefined && flags.nodeName !== name)
    throw new UserError(`this machine has joined as ${name}`, 'a node keeps its name: leave first (sampan reset)')
  if (flags.nodeIp !== undefined && flags.nodeIp !== address)
    throw new UserError(`this machine has joined with the address ${address}`, 'a node keeps its address: leave first (sampan reset)')
  return known
}

const NODE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

function nodeNameOf({ nodeName }: JoinFlags): string {
  const name = nodeName ?? hostname().toLowerCase()
  if (name.length > 253 || !NODE_NAME.test(name))
    throw new UserError(
      `${JSON.stringify(name)} cannot be the name of a node`,
      'give --node-name NAME: lower case letters, digits, dashes and dots',
    )
  return name
}

function parsePin(text: string): string {
  if (!/^sha256:[0-9a-f]{64}$/i.test(text))
    throw new UserError(
      `not the digest of an authority's public key: ${text}`,
      'give sha256: and 64 hexadecimal digits; sampan token create --print-join-command prints it',
    )
  return text.toLowerCase()
}
