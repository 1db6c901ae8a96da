import { type IpFamily, familyOf } from '#api'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '#base'
import type { Failover } from '../program/failover.ts'

/**
 * One cluster on this machine. Everything that could meet another instance's (names of namespaces, tables and control groups, address ranges,
 * ports) comes from here, is chosen once, and is written down in the state folder, so that several instances live beside each other.
 */
export interface Instance {
  /** 1: made before nodes had a switch. Such an instance can be looked at, stopped and removed. */
  readonly version: 1 | 2
  readonly name: string
  readonly securePort: number
  /** Address of this machine as the nodes see it: where pods reach the API. */
  readonly machineAddress: string
  /** The nodes live in network namespaces of their own, on a switch in the namespace of this name; reachable from this machine only. */
  readonly network?: string
  readonly networkMode: NetworkMode
  /** At least one; more can be added later. */
  readonly nodes: readonly [NodePlace, ...NodePlace[]]
  /** All pods; each node has a part. Where the cluster has no IPv4, this range, `dnsAddress`, and the addresses of nodes and machine are of IPv6. */
  readonly clusterCidr: string
  /** Pods, Services and nodes have addresses of IPv6, too. */
  readonly ipv6?: SecondFamily
  /** Where every node answers names, for itself. */
  readonly dnsAddress: string
  /** The folder of the containerd that the nodes run; absent: the machine's. */
  readonly containerdDir?: string
  /** A file with the chain of CNI plugins of the pods' network; absent: our own. */
  readonly cniConfig?: string
  /** Ingresses are served, in the network of the first node. */
  readonly gateway?: boolean
  /** The platform's controllers run. */
  readonly delivery?: boolean
  /** How soon a dead node's pods run elsewhere; absent: as usual. */
  readonly failover?: Failover
  /** The server is on another machine: this one has a node of the cluster and nothing else. */
  readonly joined?: JoinedCluster
}

export interface SecondFamily {
  readonly clusterCidr: string
  readonly serviceCidr: string
  /** Where the nodes have a network of their own: this machine's address there. */
  readonly machineAddress?: string
}

/** Of a cluster whose server is elsewhere: what an instance with a server knows by itself. */
export interface JoinedCluster {
  /** `https://HOST:PORT` */
  readonly server: string
  readonly serviceCidr: string
  readonly dnsService: string
  readonly balancerPool: string
}

/** How nodes reach the pods of others: by routes, or packed; `bridge`: by routes, and the pods of a node are on one switch. */
export const NETWORK_MODES = ['route', 'overlay', 'bridge'] as const
export type NetworkMode = (typeof NETWORK_MODES)[number]
export const wayBetweenNodes = (mode: NetworkMode): Exclude<NetworkMode, 'bridge'> => (mode === 'bridge' ? 'route' : mode)

export interface NodePlace {
  readonly name: string
  readonly address: string
  /** Of IPv6. */
  readonly address6?: string
  /** The network namespace that stands for the node's machine. */
  readonly namespace?: string
  /** Of a machine that joined: the link on whose network the addresses of load balancers are. */
  readonly balancerLink?: string
}

export const NODE_MASK_SIZE = 24
export const SERVICE_CIDR = '10.96.0.0/16'
export const SERVICE_CIDR6 = 'fd53:616d:ffff::/112'
/** Where every pod asks for names. */
const DNS_SERVICE: Readonly<Record<IpFamily, string>> = { IPv4: '10.96.0.10', IPv6: 'fd53:616d:ffff::a' }
export const NODE_PORT_OF_EXAMPLE = 30_080
/** Of the API, where nobody else has it. */
export const USUAL_PORT = 6443
export const MOST_NODES = 16

/** Ranges by the number of the instance's network; 0 is the machine's own. No two have an address in common, since this machine reaches the pods of all. */
export function rangesOf(number: number): {
  readonly clusterCidr: string
  readonly dnsAddress: string
  readonly balancerPool: string
  readonly machineAddress: string
  readonly addressOf: (node: number) => string
} {
  const lan = `10.199.${number}`
  return {
    clusterCidr: number === 0 ? '10.244.0.0/16' : `10.${128 + (number >> 4)}.${(number & 15) << 4}.0/20`,
    dnsAddress: `${lan}.254`,
    balancerPool: `${lan}.128/26`,
    machineAddress: `${lan}.1`,
    addressOf: (node) => `${lan}.${node + 2}`,
  }
}

/** Those of IPv6, likewise: unique local addresses, of which each number has a network of 48 bits. */
export function rangesOfIPv6(number: number): {
  readonly clusterCidr: string
  readonly machineAddress: string
  readonly dnsAddress: string
  readonly addressOf: (node: number) => string
} {
  const network = `fd53:616d:${number.toString(16)}`
  return {
    clusterCidr: `${network}:100::/56`,
    machineAddress: `${network}::1`,
    dnsAddress: `${network}::fe`,
    addressOf: (node) => `${network}::${(node + 2).toString(16)}`,
  }
}

/** Those of the family that comes first. */
export const rangesIn = (family: IpFamily, number: number): ReturnType<typeof rangesOfIPv6> =>
  family === 'IPv4' ? rangesOf(number) : rangesOfIPv6(number)

/** The number of the instance's network, in its name. */
export const networkNumber = ({ network }: Pick<Instance, 'network'>): number => Number(/\d+$/.exec(network ?? '')?.[0] ?? 0)
/** For Services of type LoadBalancer. */
export const balancerPool = (instance: Instance): string => instance.joined?.balancerPool ?? rangesOf(networkNumber(instance)).balancerPool
export const serviceCidr = (instance: Instance): string =>
  instance.joined?.serviceCidr ?? (firstFamily(instance) === 'IPv4' ? SERVICE_CIDR : SERVICE_CIDR6)
/** The ranges of pods and of Services, in every family that the cluster speaks; IPv4 comes first. */
export const clusterCidrs = ({ clusterCidr, ipv6 }: Instance): readonly string[] => [clusterCidr, ...(ipv6 ? [ipv6.clusterCidr] : [])]
export const serviceCidrs = (instance: Instance): readonly string[] => [
  serviceCidr(instance),
  ...(instance.ipv6 ? [instance.ipv6.serviceCidr] : []),
]
/** That of the nodes' own addresses, and of a pod's first one. */
export const firstFamily = ({ clusterCidr }: Pick<Instance, 'clusterCidr'>): IpFamily => familyOf(clusterCidr)
export const familiesOf = (instance: Instance): readonly IpFamily[] =>
  instance.ipv6 === undefined ? [firstFamily(instance)] : ['IPv4', 'IPv6']
export const dnsService = (instance: Instance): string => instance.joined?.dnsService ?? DNS_SERVICE[firstFamily(instance)]

export const hostInUrl = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** By its position among the instance's nodes. */
export const nodeNameOf = (instance: string, index: number): string => {
  const first = instance === 'default' ? 'sampan' : `sampan-${instance}`
  return index === 0 ? first : `${first}-${index + 1}`
}

/** What the parts of a node are called on this machine, by its position. No name of an instance has a dot. */
export const nodeInstance = ({ name }: Instance, index: number): string => (index === 0 ? name : `${name}.${index + 1}`)
export const proxyTable = (instance: Instance, index = 0): string =>
  `sampan_${nodeInstance(instance, index).replaceAll(/[-.]/g, '_')}_services`
export const policyTable = (instance: Instance, index = 0): string =>
  `sampan_${nodeInstance(instance, index).replaceAll(/[-.]/g, '_')}_policies`
export const netnsPath = ({ namespace }: NodePlace): string | undefined => (namespace === undefined ? undefined : `/run/netns/${namespace}`)

/** Where the node tells who asks that it has the address of a load balancer: only on a network of the instance's own. */
export const announceInterface = ({ namespace, balancerLink }: NodePlace): string =>
  namespace === undefined ? (balancerLink ?? 'lo') : 'eth0'

/** How commands reach the API: as an administrator where the server is, else as the node. */
export const kubeconfigOf = (stateDir: string, { joined }: Instance): string =>
  join(stateDir, joined === undefined ? 'admin.kubeconfig' : NODE_KUBECONFIG)
/** Of a machine that joined. */
export const NODE_KUBECONFIG = 'node.kubeconfig'

const FILE = 'instance.json'

export function readInstance(stateDir: string): Instance | undefined {
  const file = join(stateDir, FILE)
  if (!existsSync(file)) return undefined
  const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (isFirstVersion(found)) return fromFirstVersion(found)
  if (found === null || typeof found !== 'object' || !('version' in found) || found.version !== 2)
    throw new UserError(`${file} was written by another version of Sampan`, 'use that version, or another --state-dir')
  return found as Instance
}

interface FirstVersion {
  readonly version: 1
  readonly name: string
  readonly securePort: number
  readonly nodeAddress: string
  readonly machineAddress: string
  readonly namespace?: string
}

const isFirstVersion = (found: unknown): found is FirstVersion =>
  typeof found === 'object' && found !== null && 'version' in found && found.version === 1

/** Its one node's namespace was joined to this machine directly, by a link of the same name. */
function fromFirstVersion({ nodeAddress, namespace, ...same }: FirstVersion): Instance {
  return {
    ...same,
    ...(namespace === undefined ? {} : { network: namespace }),
    networkMode: 'route',
    nodes: [{ name: nodeNameOf(same.name, 0), address: nodeAddress, ...(namespace === undefined ? {} : { namespace }) }],
    clusterCidr: '10.244.0.0/16',
    dnsAddress: '10.244.0.1',
  }
}

export function writeInstance(stateDir: string, instance: Instance): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o711 })
  const file = join(stateDir, FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify(instance, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
