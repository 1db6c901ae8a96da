import { existsSync, readdirSync } from 'node:fs'
import { type Scope, UserError } from '#base'
import { type IpFamily } from '#api'
import { chosenChain, withCniConfig } from '../instance/cni-config.ts'
import { withContainerd } from '../instance/containerd.ts'
import {
  type Instance,
  MOST_NODES,
  type NodePlace,
  USUAL_PORT,
  familiesOf,
  firstFamily,
  networkNumber,
  nodeNameOf,
  rangesIn,
  readInstance,
  writeInstance,
} from '../instance/instance.ts'
import { machineAddress } from '../instance/machine-address.ts'
import { claimNetwork } from '../instance/network.ts'
import { claimPort, holdPort } from '../instance/port-claim.ts'
import { addressIPv6, machineAddress6, secondFamily } from '../instance/second-family.ts'
import { stopInBackground } from '../background/processes.ts'
import type { UpFlags } from '../program/flags.ts'
import { SERVER } from './commands.ts'
import { withFailover, withMode, withParts } from './kept-choices.ts'

const STOP_WITHIN_MS = 20_000
/** What a cluster that is there may be asked to do from now on. One that cannot be had keeps all others from being noted. */
const CHOICES = [withParts, withFailover, withContainerd, withCniConfig, withMode] as const

/** The instance of the state folder: made where there is none, else with what is asked for from now on. Its port is its own until `claimed` is disposed of. */
export async function claimInstance(scope: Scope, stateDir: string, flags: UpFlags, claimed: DisposableStack): Promise<Instance> {
  const known = readInstance(stateDir)
  if (known !== undefined) {
    checkAlone({ ...flags, ipFamilies: familiesOf(known) })
    const kept = CHOICES.reduce((instance, choose) => choose(stateDir, instance, flags), known)
    if (kept !== known) writeInstance(stateDir, kept)
    // When its server does not run yet, a cluster that is being made may not take the port either.
    claimed.use(await holdPort(kept.securePort))
    return withNodes(scope, stateDir, kept, flags)
  }
  // What stands in the folder goes with `sampan reset`: nothing of somebody else's may.
  if (existsSync(stateDir) && readdirSync(stateDir).some((entry) => !entry.startsWith('instance.json')))
    throw new UserError(`${stateDir} holds something that is not a cluster`, 'give --state-dir a folder that is empty or does not exist')
  const chain = chosenChain(flags, flags.ipFamilies ?? ['IPv4'])
  checkAlone(flags)
  const { port: securePort } = claimed.use(await claimPort(flags.securePort ?? USUAL_PORT, { orAny: flags.securePort === undefined }))
  const families = flags.ipFamilies ?? ['IPv4']
  const [first = 'IPv4'] = families
  const network = flags.isolated || flags.name !== 'default' || (flags.nodes ?? 1) > 1 ? claimNetwork() : undefined
  const { clusterCidr, dnsAddress, ...lan } = rangesIn(first, network?.number ?? 0)
  const address = network === undefined ? addressOfMachine(first) : lan.machineAddress
  const name = nodeNameOf(flags.name, 0)
  const ipv6 = families.indexOf('IPv6') > 0 ? secondFamily(network?.number) : undefined
  const own6 = ipv6 === undefined || network !== undefined ? undefined : machineAddress6()
  const place: NodePlace =
    network === undefined
      ? { name, address, ...(own6 === undefined ? {} : { address6: own6 }) }
      : { name, address: lan.addressOf(0), ...addressIPv6(ipv6, network.number, 0), namespace: `${network.name}-1` }
  const instance: Instance = {
    version: 2,
    name: flags.name,
    securePort,
    machineAddress: address,
    ...(network === undefined ? {} : { network: network.name }),
    networkMode: flags.network ?? 'route',
    nodes: [place],
    clusterCidr,
    ...(ipv6 === undefined ? {} : { ipv6 }),
    dnsAddress,
    ...(flags.containerd === undefined ? {} : { containerdDir: flags.containerd }),
    ...chain,
    ...(flags.gateway === true ? { gateway: true } : {}),
    ...(flags.delivery === true ? { delivery: true } : {}),
    ...(flags.failover === undefined ? {} : { failover: flags.failover }),
  }
  const whole = { ...instance, nodes: moreNodes(instance, flags.nodes ?? 1) }
  writeInstance(stateDir, whole)
  return whole
}

/** An instance that is there: more nodes can join it, everything else was decided when it was made. */
async function withNodes(scope: Scope, stateDir: string, known: Instance, { nodes, ipFamilies }: UpFlags): Promise<Instance> {
  if (known.version === 1) throw new UserError('this cluster was made by an older version of Sampan', 'remove it first: sampan reset')
  if (ipFamilies !== undefined && ipFamilies.join() !== familiesOf(known).join())
    throw new UserError(
      `the cluster speaks ${familiesOf(known).join(' and ')}`,
      'a cluster keeps its address families: remove it first, or use another --name',
    )
  if (nodes === undefined || nodes === known.nodes.length) return known
  if (nodes < known.nodes.length)
    throw new UserError(
      `the cluster has ${known.nodes.length} nodes`,
      'nodes are only added: remove the cluster first, or use another --name',
    )
  if (known.network === undefined)
    throw new UserError(
      "the cluster's node is this machine itself: it cannot have others beside it",
      'use --isolated for a new one, or another --name',
    )
  const grown = { ...known, nodes: moreNodes(known, nodes) }
  // The server makes the certificates of nodes when it starts.
  await stopInBackground(scope, stateDir, SERVER.name, STOP_WITHIN_MS)
  writeInstance(stateDir, grown)
  return grown
}

function moreNodes(instance: Pick<Instance, 'name' | 'network' | 'ipv6' | 'nodes' | 'clusterCidr'>, count: number): Instance['nodes'] {
  if (count > MOST_NODES) throw new UserError(`a cluster on one machine has at most ${MOST_NODES} nodes`)
  const { name, network = '', ipv6, nodes } = instance
  const { addressOf } = rangesIn(firstFamily(instance), networkNumber({ network }))
  const added = Array.from({ length: count - nodes.length }, (_, i) => nodes.length + i).map((index) => ({
    name: nodeNameOf(name, index),
    address: addressOf(index),
    ...addressIPv6(ipv6, networkNumber({ network }), index),
    namespace: `${network}-${index + 1}`,
  }))
  return [...nodes, ...added]
}

function addressOfMachine(family: IpFamily): string {
  const found = family === 'IPv4' ? machineAddress() : machineAddress6()
  if (found === undefined)
    throw new UserError(
      `this machine has no ${family} address but its loopback one`,
      'use --isolated: the node then gets a network of its own',
    )
  return found
}

/** What speaks IPv4 alone is refused where there is none. */
function checkAlone({ ipFamilies, network, gateway }: UpFlags): void {
  if (ipFamilies?.[0] !== 'IPv6') return
  if (network === 'overlay')
    throw new UserError('the overlay packs packets into those of IPv4, and this cluster has none', 'use --network route or bridge')
  if (gateway === true) throw new UserError('the gateway speaks IPv4, and this cluster has none', 'use --ip-families IPv4,IPv6')
}
