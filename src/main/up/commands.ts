import { join } from 'node:path'
import type { HostOptions } from '#node'
import { PAUSE_IMAGE } from '#images'
import { OVERLAY_MTU } from '#network'
import {
  type Instance,
  NODE_KUBECONFIG,
  NODE_MASK_SIZE,
  type NetworkMode,
  type NodePlace,
  announceInterface,
  balancerPool,
  clusterCidrs,
  dnsService,
  firstFamily,
  netnsPath,
  nodeInstance,
  policyTable,
  proxyTable,
  serviceCidrs,
} from '../instance/instance.ts'

/** What runs in the background for an instance, as command lines: the server, and an agent for each node. Pure: the same instance always gives the same ones. */
export interface Component {
  readonly name: string
  /** Of an agent and of the gateway: the position of its node. */
  readonly node?: number
}

export const SERVER: Component = { name: 'server' }
export const agentOf = (index: number): Component => ({ name: index === 0 ? 'agent' : `agent-${index + 1}`, node: index })
export const GATEWAY: Component = { name: 'gateway', node: 0 }
/** The platform's controllers: nothing of it is on a node. */
export const DELIVERY: Component = { name: 'delivery' }
export const componentsOf = ({ nodes, gateway, delivery, joined }: Instance): readonly Component[] => [
  ...(joined === undefined ? [SERVER] : []),
  ...nodes.map((_, index) => agentOf(index)),
  ...(gateway === true ? [GATEWAY] : []),
  ...(delivery === true ? [DELIVERY] : []),
]
export const MEASURE_PORT = 8444
export const gatewayDir = (stateDir: string): string => join(stateDir, 'gateway')

const ENTRY = join(import.meta.dirname, '..', 'start.js')

/**
 * An agent waits for most of its life. Without these its heap grows to the size that its start needed and stays there: 109 MB (PSS, an idle
 * node) became 50. A young generation of 1 MB is collected often, which costs an idle process nothing; code is made for size; one
 * helper thread does.
 */
export const SMALL_HEAP = ['--max-semi-space-size=1', '--optimize-for-size', '--v8-pool-size=1'] as const

export function componentCommand({ name, node }: Component, stateDir: string, instance: Instance): readonly string[] {
  const runtime = [process.execPath, '--disable-warning=ExperimentalWarning']
  if (name === DELIVERY.name) return [...runtime, ...SMALL_HEAP, ENTRY, 'delivery', ...deliveryArguments(stateDir)]
  if (node === undefined) return [...runtime, ENTRY, 'server', ...serverArguments(stateDir, instance)]
  const own = name === GATEWAY.name ? gatewayArguments(stateDir, instance) : ['agent', ...agentArguments(stateDir, instance, node)]
  return [...inside(placeOf(instance, node)), ...runtime, ...SMALL_HEAP, ENTRY, ...own]
}

/** What runs in the node's network. */
function inside(place: NodePlace): readonly string[] {
  const netns = netnsPath(place)
  return netns === undefined ? [] : ['nsenter', `--net=${netns}`]
}

function placeOf({ nodes }: Instance, index: number): NodePlace {
  const place = nodes[index]
  if (place === undefined) throw new RangeError(`the instance has no node ${index}`)
  return place
}

function serverArguments(stateDir: string, instance: Instance): readonly string[] {
  return [
    ['--state-dir', stateDir],
    ['--secure-port', String(instance.securePort)],
    ['--advertise-address', instance.machineAddress],
    ['--service-cluster-ip-range', serviceCidrs(instance).join(',')],
    ['--metrics'],
    ['--cluster-cidr', clusterCidrs(instance).join(',')],
    ...(firstFamily(instance) === 'IPv4' ? [['--node-cidr-mask-size-ipv4', String(NODE_MASK_SIZE)]] : [['--bind-address', '::']]),
    ['--load-balancer-pool', balancerPool(instance)],
    ...(instance.network === undefined ? [] : [['--pod-routes-interface', instance.network]]),
    ...failoverArguments(instance),
    ...instance.nodes.map(({ name, address }) => ['--node', `${name}=${address}`]),
  ].flat()
}

const failoverArguments = ({ failover }: Instance): readonly string[][] => (failover === undefined ? [] : [['--failover', failover]])

function gatewayArguments(stateDir: string, { nodes: [{ address }] }: Instance): readonly string[] {
  return [
    'gateway',
    ['--kubeconfig', join(stateDir, 'gateway.kubeconfig')],
    ['--state-dir', gatewayDir(stateDir)],
    ['--address', address],
    ['--measure-port', String(MEASURE_PORT)],
  ].flat()
}

const deliveryArguments = (stateDir: string): readonly string[] => [
  '--kubeconfig',
  join(stateDir, 'delivery.kubeconfig'),
  '--wait-for-server',
]

/** The disk of a person's machine is often nearly full: what counts is how much is left, not which part of it. */
export const EVICTION = 'memory.available<100Mi,nodefs.available<1Gi,imagefs.available<1Gi,nodefs.inodesFree<1%,imagefs.inodesFree<1%'

function agentArguments(stateDir: string, instance: Instance, index: number): readonly string[] {
  const { name, address, address6 } = placeOf(instance, index)
  const host = hostOptions(stateDir, instance, index)
  return [
    ...(instance.joined === undefined ? givenCredentials(stateDir, name) : orderedCredentials(stateDir)),
    ['--client-ca-file', join(stateDir, 'ca.crt')],
    ['--node-name', name],
    ['--node-ip', [address, ...(address6 === undefined ? [] : [address6])].join(',')],
    ['--instance', host.instance],
    ['--root-dir', host.rootDir],
    ...host.clusterCidrs.map((cidr) => ['--cluster-cidr', cidr]),
    ...clusterCidrs(instance).map((cidr) => ['--pod-network', cidr]),
    ...(host.netns === undefined ? [] : [['--netns', host.netns]]),
    ...(host.containerdDir === undefined ? [] : [['--containerd', host.containerdDir]]),
    ['--network', instance.networkMode],
    ...(host.cniConfig === undefined ? [] : [['--cni-config', host.cniConfig]]),
    ['--eviction-hard', EVICTION],
    ['--cluster-dns', dnsService(instance)],
    ['--proxy-table', proxyTable(instance, index)],
    ['--load-balancer-pool', balancerPool(instance)],
    ['--announce-interface', announceInterface(placeOf(instance, index))],
    ['--policy-table', policyTable(instance, index)],
    ['--dns-address', instance.dnsAddress],
    ...failoverArguments(instance),
    ['--wait-for-server'],
  ].flat()
}

/** Made by the server, on the same machine. */
const givenCredentials = (stateDir: string, name: string): readonly string[][] => [
  ['--kubeconfig', join(stateDir, `node-${name}.kubeconfig`)],
  ['--tls-cert-file', join(stateDir, 'pki', `serving-${name}.crt`)],
  ['--tls-private-key-file', join(stateDir, 'pki', `serving-${name}.key`)],
  ['--proxy-kubeconfig', join(stateDir, 'proxy.kubeconfig')],
]

/** Ordered of the cluster by the agent, but for the first one. */
const orderedCredentials = (stateDir: string): readonly string[][] => [
  ['--kubeconfig', join(stateDir, NODE_KUBECONFIG)],
  ['--proxy-kubeconfig', join(stateDir, NODE_KUBECONFIG)],
  ['--cert-dir', join(stateDir, 'pki')],
]

/** What the mode means for the links of pods. */
export const podLinksIn = (mode: NetworkMode): Pick<HostOptions, 'mtu' | 'bridge'> => ({
  ...(mode === 'overlay' ? { mtu: OVERLAY_MTU } : {}),
  ...(mode === 'bridge' ? { bridge: true } : {}),
})

export function hostOptions(stateDir: string, instance: Instance, index = 0): HostOptions {
  const netns = netnsPath(placeOf(instance, index))
  return {
    instance: nodeInstance(instance, index),
    rootDir: join(stateDir, index === 0 ? 'node' : `node-${index + 1}`),
    clusterCidrs: [...clusterCidrs(instance), ...serviceCidrs(instance)],
    sandboxImage: PAUSE_IMAGE,
    ...(netns === undefined ? {} : { netns }),
    ...(instance.containerdDir === undefined ? {} : { containerdDir: instance.containerdDir }),
    ...podLinksIn(instance.networkMode),
    ...(instance.cniConfig === undefined ? {} : { cniConfig: instance.cniConfig }),
  }
}
