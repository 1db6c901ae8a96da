import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { UserError } from '#base'
import type { Instance, NodePlace } from './instance.ts'

const MOST_NETWORKS = 250
const PREFIX = 'sampan'
/** Of the machine's port and of the nodes' ones on the switch. */
const UPLINK = 'machine'
const SWITCH = 'switch'

/** A network of an isolated instance: a switch in a namespace of its own, joined to this machine. Its number makes its names and addresses. */
export interface ClaimedNetwork {
  readonly number: number
  /** Of the switch's namespace, and of this machine's end of the link to it. */
  readonly name: string
}

/**
 * Makes the first free one: making a namespace fails when its name is taken, so two instances never share one. A link of that name can be
 * that of somebody whose namespaces are not seen here: a container that shares the network of this machine.
 */
export function claimNetwork(): ClaimedNetwork {
  for (let number = 1; number <= MOST_NETWORKS; number++) {
    const name = `${PREFIX}${number}`
    if (existsSync(`/run/netns/${name}`) || isLink(name)) continue
    if (spawnSync('ip', ['netns', 'add', name]).status !== 0) continue
    return { number, name }
  }
  throw new UserError(`${MOST_NETWORKS} isolated instances exist on this machine`, 'remove some with: sampan reset --name NAME')
}

/**
 * The namespaces of an isolated instance's nodes, each a machine on the instance's switch. The switch has a namespace of its own, so that no rule of this machine's
 * sees what nodes say to each other. Idempotent: what is there stays, what is new is added. `owner` (the state folder) is written on the link: a name can have gone to
 * another instance after a reset that was cut short.
 */
export function ensureNetwork({ network, machineAddress, ipv6, nodes }: Instance, owner: string): void {
  if (network === undefined) return
  const other = ownerOf(network)
  if (other !== undefined && other !== owner)
    throw new UserError(
      `the network ${network} is that of the cluster in ${other} now`,
      'finish the reset that was cut short (sampan reset), then start anew',
    )
  ensureNamespace(network)
  inNamespace(network, [...(hasLink(network, SWITCH) ? [] : [`link add ${SWITCH} type bridge`]), `link set ${SWITCH} up`])
  if (!isLink(network)) ip('link', 'add', network, 'type', 'veth', 'peer', 'name', UPLINK, 'netns', network)
  inNamespace(network, [`link set ${UPLINK} master ${SWITCH}`, `link set ${UPLINK} up`])
  ip('link', 'set', network, 'alias', owner)
  ip('address', 'replace', ...onLink(machineAddress), 'dev', network)
  if (ipv6?.machineAddress !== undefined) ip('address', 'replace', ...onLink(ipv6.machineAddress), 'dev', network)
  ip('link', 'set', network, 'up')
  for (const node of nodes) ensureNode(network, node, machineAddress, ipv6?.machineAddress)
}

function ensureNode(
  network: string,
  { namespace, address, address6 }: NodePlace,
  machineAddress: string,
  machineAddress6: string | undefined,
): void {
  if (namespace === undefined) return
  ensureNamespace(namespace)
  if (address6 !== undefined || isIPv6(address)) trustNeighbours(namespace)
  if (!hasLink(namespace, 'eth0'))
    ip('-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', portOf(namespace), 'netns', network)
  inNamespace(network, [`link set ${portOf(namespace)} master ${SWITCH}`, `link set ${portOf(namespace)} up`])
  inNamespace(namespace, [
    'link set lo up',
    `address replace ${onLink(address).join(' ')} dev eth0`,
    'link set eth0 up',
    `route replace default via ${machineAddress}`,
    ...(address6 === undefined ? [] : [`address replace ${onLink(address6).join(' ')} dev eth0`]),
    ...(machineAddress6 === undefined ? [] : [`route replace default via ${machineAddress6}`]),
  ])
}

const isIPv6 = (address: string): boolean => address.includes(':')

/** An address on the link of a network, as a command's words: one of IPv6 is not asked for first, since nobody else can have it. */
const onLink = (address: string): readonly string[] => (isIPv6(address) ? [`${address}/64`, 'nodad'] : [`${address}/24`])

/** Links that come after this have their addresses of IPv6 at once, and are told by nobody where to send packets. */
function trustNeighbours(namespace: string): void {
  const settings = ['accept_dad', 'accept_ra'].map((name) => `echo 0 > /proc/sys/net/ipv6/conf/default/${name}`)
  const { status, stderr } = spawnSync('nsenter', [`--net=/run/netns/${namespace}`, 'sh', '-c', settings.join(' && ')], {
    encoding: 'utf8',
  })
  if (status !== 0)
    throw new UserError(
      `nodes cannot have IPv6: ${stderr?.trim() ?? ''}`,
      'the kernel of this machine has none, or it is switched off: use --ip-families IPv4',
    )
}

const portOf = (namespace: string): string => `to-${namespace.slice(namespace.indexOf('-') + 1)}`

/** The link first: the kernel takes its time with a namespace, and until then the name would seem to be in use. Leaves another owner's alone. */
export function removeNetwork({ network, nodes }: Instance, owner: string): void {
  if (network === undefined) return
  const other = ownerOf(network)
  if (other !== undefined && other !== owner) return
  if (isLink(network)) ip('link', 'delete', network)
  for (const { namespace } of nodes) if (namespace !== undefined) removeNamespace(namespace)
  removeNamespace(network)
}

function ensureNamespace(name: string): void {
  if (!existsSync(`/run/netns/${name}`)) ip('netns', 'add', name)
}

function removeNamespace(name: string): void {
  if (existsSync(`/run/netns/${name}`)) ip('netns', 'delete', name)
}

const isLink = (name: string): boolean => existsSync(`/sys/class/net/${name}`)
const hasLink = (namespace: string, name: string): boolean =>
  spawnSync('ip', ['-n', namespace, 'link', 'show', name], { stdio: 'ignore' }).status === 0

function ownerOf(name: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${name}/ifalias`, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** An address of the node's own, on its loopback interface. It can be listened at when this returns: the kernel takes its time with one of IPv6 that others might have. */
export function ensureLocalAddress(address: string): void {
  ip('address', 'replace', alone(address), 'dev', 'lo', ...(isIPv6(address) ? ['nodad'] : []))
}

export function removeLocalAddress(address: string): void {
  spawnSync('ip', ['address', 'delete', alone(address), 'dev', 'lo'])
}

const alone = (address: string): string => `${address}/${isIPv6(address) ? 128 : 32}`

/** Many commands for the price of one. */
function inNamespace(namespace: string, commands: readonly string[]): void {
  run(['-n', namespace, '-batch', '-'], `${commands.join('\n')}\n`)
}

function ip(...args: readonly string[]): void {
  run(args)
}

function run(args: readonly string[], input = ''): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8', input })
  if (status !== 0)
    throw new UserError(`ip ${args.join(' ')} failed: ${stderr?.trim() || error?.message || ''}`, 'this needs root and iproute2')
}

/** Whether the network namespace at the path is the one of this process. */
export const isOwnNetwork = (path: string): boolean => statSync(path).ino === statSync('/proc/self/ns/net').ino
