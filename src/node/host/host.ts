import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, UserError, readFileIfThere } from '#base'
import { containerdRuntime } from '../cri/containerd/containerd-runtime.ts'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { runCommand } from './command.ts'
import { PAUSE_SECCOMP } from '../sandbox/pause-seccomp.ts'
import { containerdConfig } from './containerd-config.ts'
import { ensureContainerd } from './containerd-process.ts'
import { gracePeriodsSwitch, switchGracePeriods } from './grace-periods.ts'
import { type HostLayout, type HostOptions, layoutOf } from './layout.ts'
import { type Machine, inspectMachine } from './machine/machine.ts'
import { isExecutable } from './machine/programs.ts'
import { filterBridges, lookAtBridges, removePodBridge } from './network/bridge.ts'
import { type BeforeIPv6, forwardIPv6, kernelSpeaksIPv6, lookAtIPv6, preparePlugins, speaksIPv6 } from './network/ipv6.ts'
import { ownChain } from './network/own-chain.ts'
import { cniConfig, nodeRules } from './network/pod-network.ts'

/** A machine (or a network namespace that stands for one) with containerd running and its pod network configured. */
export interface Host {
  readonly layout: HostLayout
  readonly machine: Machine
  readonly runtime: ContainerRuntime
  readonly containerdPid: number
  /** Whether containerd was running already. */
  readonly adopted: boolean
  /** The administrator's own chain of CNI plugins makes the pods' network. */
  readonly isOwnChain: boolean
  /** Gives the node's pods these addresses. */
  givePods(scope: Scope, podCidrs: readonly string[]): Promise<void>
}

const SHORTEST_SOCKET_LIMIT = 104
const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** How the machine was before Sampan came; kept until `releaseHost` puts it back. */
export interface Before {
  readonly ipForward: string
  /** Where pods have IPv6. */
  readonly ipv6?: BeforeIPv6
  /** Where pods are, or were, on a switch. */
  readonly bridges?: readonly string[]
  readonly hostPortChains: boolean
  readonly natTables: readonly string[]
  /** '0': this instance hurries the kernel, and lets it be when it goes. Where something else does, it does not meddle. */
  readonly gracePeriods?: string
}

/** What iptables makes when it is first asked for anything. */
export const NAT_TABLES = ['ip nat', 'ip6 nat'] as const

/** Idempotent: what is there is kept, a running containerd is adopted. Throws `UserError` naming everything that the machine lacks. */
export async function prepareHost(scope: Scope, options: HostOptions): Promise<Host> {
  if (!/^[a-z0-9][a-z0-9.-]{0,23}$/.test(options.instance))
    throw new UserError(
      `not an instance name: ${JSON.stringify(options.instance)}`,
      'lower case letters, digits, dashes and dots, at most 24',
    )
  const layout = layoutOf(options)
  if (layout.containerd.socket.length > SHORTEST_SOCKET_LIMIT)
    throw new UserError(`the path ${layout.containerd.socket} is too long for a socket`, 'choose a shorter directory')
  const machine = inspectMachine(options)
  // Whoever starts the node hears at once of plugins that are not there; which ranges it will have is said later.
  chainOfAdministrator(options, machine, options.podCidrs ?? options.clusterCidrs)
  for (const dir of [
    layout.rootDir,
    layout.runDir,
    layout.containerd.root,
    layout.containerd.opt,
    layout.cni.confDir,
    layout.cni.hostPortConfDir,
    layout.cni.shapedConfDir,
    layout.cni.dataDir,
    layout.podsDir,
    layout.logsDir,
  ]) {
    mkdirSync(dir, { recursive: true, mode: 0o711 })
  }
  const before = await rememberBefore(scope, options, layout, machine)
  if (before.gracePeriods === '0') switchGracePeriods('1')
  const cniBinDir = speaksIPv6(options) ? layout.cni.binDir : machine.cniBinDir
  if (speaksIPv6(options)) preparePlugins(layout, machine)
  forgetOtherLinks(options, layout)
  writeWhenChanged(layout.containerd.config, containerdConfig(options, layout, { ...machine, cniBinDir }))
  writeWhenChanged(layout.pauseSeccomp, PAUSE_SECCOMP)
  const [sysctl = '', ...sysctlArgs] = [
    ...inNetns(options, machine),
    'sh',
    '-c',
    [
      `echo 1 > ${IP_FORWARD}`,
      ...(before.ipv6 === undefined ? [] : [forwardIPv6(before.ipv6.learning)]),
      // The mode changes only while no pod is there.
      ...(options.bridge === true ? [filterBridges()] : before.bridges === undefined ? [] : [removePodBridge()]),
    ].join(' && '),
  ]
  const runtime = containerdRuntime(layout.containerd.socket)
  const [containerd] = await Promise.all([
    ensureContainerd(scope, layout, machine, options.netns, runtime),
    ...(options.podCidrs === undefined ? [] : [preparePodNetwork(scope, options, layout, machine, options.podCidrs)]),
    runCommand(scope, sysctl, sysctlArgs),
  ])
  return {
    layout,
    machine,
    runtime,
    containerdPid: containerd.pid,
    adopted: containerd.adopted,
    isOwnChain: options.cniConfig !== undefined,
    givePods: (own, podCidrs) => preparePodNetwork(own, options, layout, machine, podCidrs),
  }
}

/** The network of this node's pods. Idempotent; another range than before is for new pods. containerd sees the files by itself. */
async function preparePodNetwork(
  scope: Scope,
  options: HostOptions,
  layout: HostLayout,
  machine: Machine,
  podCidrs: readonly string[],
): Promise<void> {
  const [nft = '', ...args] = [...inNetns(options, machine), machine.binaries.nft, '-f', '-']
  await runCommand(scope, nft, args, { input: nodeRules(options, layout, podCidrs, kernelSpeaksIPv6()) })
  const own = chainOfAdministrator(options, machine, podCidrs)
  const further = [['portmap'], ['portmap', 'bandwidth'], []] as const
  for (const [index, dir] of conflistDirs(layout).entries())
    writeWhenChanged(join(dir, CONFLIST), own ?? cniConfig(options, layout, podCidrs, further[index] ?? []))
}

const CONFLIST = '10-sampan.conflist'
const conflistDirs = ({ cni }: HostLayout): readonly string[] => [cni.hostPortConfDir, cni.shapedConfDir, cni.confDir]

/** No pod gets a link of a kind that is not wanted any more in the moment between the start of containerd and the agent's word about the node's addresses. */
function forgetOtherLinks({ bridge = false, cniConfig: path }: HostOptions, layout: HostLayout): void {
  const links = JSON.stringify({ bridge, chain: path === undefined ? '' : readFileSync(path, 'utf8') })
  const before = readFileIfThere(layout.cni.linksFile)
  if (before === links) return
  // An older Sampan has noted nothing, and knew one kind alone.
  if (before !== undefined || bridge || path !== undefined)
    for (const dir of conflistDirs(layout)) rmSync(join(dir, CONFLIST), { force: true })
  writeFileSync(layout.cni.linksFile, links)
}

function chainOfAdministrator({ cniConfig: path }: HostOptions, machine: Machine, podCidrs: readonly string[]): string | undefined {
  if (path === undefined) return undefined
  const text = readFileIfThere(path)
  if (text === undefined)
    throw new UserError(
      `the chain of CNI plugins is not there any more: ${path}`,
      'put it back, or give another one: sampan up --cni-config FILE',
    )
  const { config, plugins } = ownChain(path, text, podCidrs)
  const missing = plugins.filter((plugin) => !isExecutable(join(machine.cniBinDir, plugin)))
  if (missing.length > 0)
    throw new UserError(`${path} names plugins that are not in ${machine.cniBinDir}: ${missing.join(', ')}`, 'put them there')
  return config
}

const inNetns = ({ netns }: HostOptions, { binaries }: Machine): readonly string[] =>
  netns === undefined ? [] : [binaries.nsenter, `--net=${netns}`]

async function rememberBefore(scope: Scope, options: HostOptions, layout: HostLayout, machine: Machine): Promise<Before> {
  if (existsSync(layout.memoFile)) {
    const known = readBefore(layout)
    if (options.bridge !== true || known.bridges !== undefined) return known
    const amended = { ...known, bridges: lookAtBridges() }
    writeFileSync(layout.memoFile, JSON.stringify(amended))
    return amended
  }
  const gracePeriods = gracePeriodsSwitch()
  const ipv6 = speaksIPv6(options) ? await lookAtIPv6(scope) : undefined
  const before: Before = {
    ...(options.netns === undefined
      ? {
          ipForward: readFileSync(IP_FORWARD, 'utf8').trim(),
          hostPortChains: await hasHostPortChains(scope, machine),
          natTables: await natTables(scope, machine),
        }
      : { ipForward: '1', hostPortChains: true, natTables: NAT_TABLES }),
    ...(ipv6 === undefined ? {} : { ipv6: options.netns === undefined ? ipv6 : { ...ipv6, learning: [] } }),
    ...(gracePeriods === undefined ? {} : { gracePeriods }),
    ...(options.bridge === true ? { bridges: lookAtBridges() } : {}),
  }
  writeFileSync(layout.memoFile, JSON.stringify(before))
  return before
}

export const readBefore = (layout: HostLayout): Before => JSON.parse(readFileSync(layout.memoFile, 'utf8')) as Before

async function natTables(scope: Scope, machine: Machine): Promise<string[]> {
  const lines = (await runCommand(scope, machine.binaries.nft, ['list', 'tables'])).split('\n')
  return NAT_TABLES.filter((table) => lines.includes(`table ${table}`))
}

export async function hasHostPortChains(scope: Scope, machine: Machine): Promise<boolean> {
  return (await runCommand(scope, machine.binaries.nft, ['list', 'chains', 'ip'])).includes('CNI-HOSTPORT-')
}

function writeWhenChanged(path: string, content: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  writeFileSync(path, content, { mode: 0o600 })
}
