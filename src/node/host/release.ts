import { type Dirent, existsSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Scope, messageOf } from '#base'
import { containerdRuntime } from '../cri/containerd/containerd-runtime.ts'
import { removeCgroupTree } from './cgroup-tree.ts'
import { runCommand } from './command.ts'
import { ensureContainerd, stopContainerd } from './containerd-process.ts'
import { switchGracePeriods } from './grace-periods.ts'
import { NAT_TABLES, hasHostPortChains, readBefore } from './host.ts'
import { type HostLayout, type HostOptions, layoutOf } from './layout.ts'
import { releaseLoops } from './loops.ts'
import { type Machine, inspectMachine } from './machine/machine.ts'
import { removePodBridge, restoreBridges } from './network/bridge.ts'
import { kernelSpeaksIPv6, restoreIPv6 } from './network/ipv6.ts'
import { removeNodeRules } from './network/pod-network.ts'
import { RUNC_ROOT, removeShim, shimsOf } from './shims.ts'

const STOP_SANDBOXES_WITHIN_MS = 60_000
/** Shared by every containerd of a machine: only emptied directories are taken away. */
const SHARED_DIRS = [RUNC_ROOT, '/run/containerd/runc', '/run/containerd/s', '/run/containerd', '/run/sampan']

/** Takes away what `prepareHost` and the pods of this instance made on the machine, and nothing else. Idempotent; works after any crash. */
export async function releaseHost(scope: Scope, options: HostOptions): Promise<void> {
  const layout = layoutOf(options)
  // Whoever has thrown another containerd away can remove what it ran all the same.
  const machine = inspectMachine(existsSync(options.containerdDir ?? '') ? options : { ...options, containerdDir: '' })
  if (existsSync(layout.containerd.config)) {
    // containerd is started once more where it has died: only it can have the network plugins take back what they gave.
    await removeSandboxes(scope, options, layout, machine).catch((error: unknown) => {
      scope.log.warn('sandboxes could not be removed in order; removing them by force', { error: messageOf(error) })
    })
  }
  await stopContainerd(scope, layout)
  for (const shim of shimsOf(layout)) await removeShim(scope, layout, machine, shim)
  for (const id of leftContainers(layout)) {
    await runCommand(scope, machine.binaries.runc, ['--root', RUNC_ROOT, 'delete', '--force', id]).catch(() =>
      rmSync(join(RUNC_ROOT, id), { recursive: true, force: true }),
    )
    removeCniResults((name) => name.includes(id))
  }
  await unmountBelow(scope, [layout.runDir, layout.rootDir])
  await releaseLoops(scope, layout.storageDir)
  await removeCgroupTree(scope, machine.cgroups, layout.cgroupRoot)
  await removeNetwork(scope, options, layout, machine)
  for (const dir of [
    layout.runDir,
    layout.containerd.root,
    layout.containerd.opt,
    layout.cni.dataDir,
    layout.cni.binDir,
    layout.podsDir,
    layout.storageDir,
    layout.pluginsDir,
    layout.pluginRegistryDir,
    layout.memoryDir,
    layout.logsDir,
  ])
    rmSync(dir, { recursive: true, force: true })
  for (const file of [
    layout.memoFile,
    layout.claimsFile,
    layout.usersFile,
    layout.pullsFile,
    layout.cpusFile,
    layout.memoryFile,
    layout.containerd.log,
  ])
    rmSync(file, { force: true })
  for (const dir of [layout.rootDir, ...SHARED_DIRS]) removeWhenEmpty(dir)
}

async function removeSandboxes(scope: Scope, options: HostOptions, layout: HostLayout, machine: Machine): Promise<void> {
  const runtime = containerdRuntime(layout.containerd.socket)
  await ensureContainerd(scope, layout, machine, options.netns, runtime)
  using limited = scope.child({ timeoutMs: STOP_SANDBOXES_WITHIN_MS })
  const sandboxes = await runtime.listPodSandboxes(limited)
  const containers = await runtime.listContainers(limited)
  await Promise.all(containers.map(({ id }) => runtime.stopContainer(limited, id, 0)))
  await Promise.all(
    sandboxes.map(async ({ id }) => {
      await runtime.stopPodSandbox(limited, id)
      await runtime.removePodSandbox(limited, id)
    }),
  )
}

/** Containers of this instance that runc still knows, by where their file systems were. */
function leftContainers(layout: HostLayout): string[] {
  if (!existsSync(RUNC_ROOT)) return []
  return readdirSync(RUNC_ROOT).filter((id) => {
    try {
      return readFileSync(join(RUNC_ROOT, id, 'state.json'), 'utf8').includes(`"${layout.containerd.state}/`)
    } catch {
      return false
    }
  })
}

/** As the kernel writes a path into its tables. */
const asWritten = (path: string): string => path.replace(/[ \t\n\\]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** Mount points below the directories, innermost first. The table of a node with hundreds of pods has thousands of lines, and is mostly asked for what is not in it. */
export function mountsBelow(mountinfo: string, dirs: readonly string[]): string[] {
  if (!dirs.some((dir) => mountinfo.includes(asWritten(dir)))) return []
  const points = mountinfo
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((point) => dirs.some((dir) => point === dir || point.startsWith(`${dir}/`)))
  return points.reverse()
}

export async function unmountBelow(scope: Scope, dirs: readonly string[]): Promise<void> {
  for (const point of mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), dirs))
    await runCommand(scope, 'umount', ['--lazy', '--no-canonicalize', point])
}

async function removeNetwork(scope: Scope, options: HostOptions, layout: HostLayout, machine: Machine): Promise<void> {
  const inNetns = options.netns !== undefined && existsSync(options.netns) ? [machine.binaries.nsenter, `--net=${options.netns}`] : []
  if (options.netns === undefined || inNetns.length > 0) {
    const [nft = '', ...args] = [...inNetns, machine.binaries.nft, '-f', '-']
    await runCommand(scope, nft, args, { input: removeNodeRules(layout, kernelSpeaksIPv6()) })
  }
  removeCniResults((name) => name.startsWith(`${layout.cni.networkName}-`))
  if (!existsSync(layout.memoFile)) return
  const before = readBefore(layout)
  if (before.gracePeriods === '0') switchGracePeriods('0')
  // What is the whole machine's is put back by the last instance on it.
  if (options.netns !== undefined || hasOtherInstances(layout)) return
  writeFileSync('/proc/sys/net/ipv4/ip_forward', before.ipForward)
  if (before.ipv6 !== undefined) restoreIPv6(before.ipv6)
  if (before.bridges !== undefined) {
    await runCommand(scope, 'sh', ['-c', removePodBridge()])
    restoreBridges(before.bridges)
  }
  if (!before.hostPortChains && (await hasHostPortChains(scope, machine))) await removeHostPortChains(scope, machine)
  for (const table of NAT_TABLES) if (!before.natTables.includes(table)) await removeEmptyTable(scope, machine, table)
}

function hasOtherInstances(layout: HostLayout): boolean {
  const dir = dirname(layout.runDir)
  return existsSync(dir) && readdirSync(dir).some((name) => join(dir, name) !== layout.runDir)
}

/** iptables, which the port plugin calls, leaves its tables; one with rules is somebody's. */
async function removeEmptyTable(scope: Scope, machine: Machine, table: string): Promise<void> {
  const listed = await runCommand(scope, machine.binaries.nft, ['-j', 'list', 'table', ...table.split(' ')]).catch(() => undefined)
  if (listed !== undefined && !listed.includes('"rule"'))
    await runCommand(scope, machine.binaries.nft, ['delete', 'table', ...table.split(' ')])
}

/** libcni keeps the answers of plugins in a directory of the whole machine, by network and container. */
function removeCniResults(isOurs: (name: string) => boolean): void {
  const dir = '/var/lib/cni/results'
  const entries: Dirent[] = existsSync(dir) ? readdirSync(dir, { withFileTypes: true }) : []
  for (const entry of entries) if (isOurs(entry.name)) rmSync(join(dir, entry.name))
  removeWhenEmpty(dir)
  removeWhenEmpty('/var/lib/cni')
}

/** The portmap plugin leaves its (empty) chains and the jumps to them. */
async function removeHostPortChains(scope: Scope, machine: Machine): Promise<void> {
  const listed = JSON.parse(await runCommand(scope, machine.binaries.nft, ['-j', '-a', 'list', 'table', 'ip', 'nat'])) as {
    nftables: readonly {
      readonly rule?: { readonly chain: string; readonly handle: number; readonly expr: unknown }
      readonly chain?: { readonly name: string }
    }[]
  }
  const isOurs = (name: string): boolean => /^CNI-(?:HOSTPORT|DN)-/.test(name)
  const jumps = listed.nftables.flatMap(({ rule }) =>
    rule !== undefined && !isOurs(rule.chain) && /"target":\s*"CNI-(?:HOSTPORT|DN)-/.test(JSON.stringify(rule.expr)) ? [rule] : [],
  )
  const chains = listed.nftables.flatMap(({ chain }) => (chain !== undefined && isOurs(chain.name) ? [chain.name] : []))
  const commands = [
    ...jumps.map(({ chain, handle }) => `delete rule ip nat ${chain} handle ${handle}`),
    ...chains.map((chain) => `flush chain ip nat ${chain}`),
    ...chains.map((chain) => `delete chain ip nat ${chain}`),
  ]
  await runCommand(scope, machine.binaries.nft, ['-f', '-'], { input: `${commands.join('\n')}\n` })
}

function removeWhenEmpty(dir: string): void {
  try {
    rmdirSync(dir)
  } catch {
    // Not there, or others use it.
  }
}
