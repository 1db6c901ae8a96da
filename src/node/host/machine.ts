import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { UserError } from '#base'
import type { HostOptions } from './layout.ts'

/** What this machine offers, found out once. */
export interface Machine {
  readonly binaries: { readonly containerd: string; readonly runc: string; readonly nft: string; readonly nsenter: string }
  /** Where containerd finds the programs that it calls. */
  readonly path: string
  readonly cniBinDir: string
  readonly mayLowerOomScore: boolean
  readonly cgroups: CgroupLayout
  readonly apparmor: boolean
  /** Huge pages are limited by cgroup. */
  readonly countsHugePages: boolean
}

export type CgroupLayout =
  | { readonly version: 1; readonly controllers: Readonly<Record<string, string>> }
  | { readonly version: 2; readonly mount: string }

const CAP_SYS_RESOURCE = 24n
const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const CNI_PLACES = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni']
const CNI_PLUGINS = ['ptp', 'host-local', 'portmap', 'loopback']
/** Program → Debian package. */
const NEEDED = {
  containerd: 'containerd',
  'containerd-shim-runc-v2': 'containerd',
  runc: 'runc',
  nft: 'nftables',
  nsenter: 'util-linux',
  iptables: 'iptables',
  conntrack: 'conntrack',
} as const

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function findProgram(name: string, searchPath = ''): string | undefined {
  return [...searchPath.split(delimiter).filter((part) => part !== ''), ...PLACES].map((dir) => join(dir, name)).find(isExecutable)
}

/** containerd's client program, looked for where containerd is: the first one on PATH may be of another version, which it does not speak to. */
export function containerdClient({ containerdDir }: Pick<HostOptions, 'containerdDir'> = {}): { readonly ctr?: string } {
  const ctr = findProgram('ctr', containerdDir)
  return ctr === undefined ? {} : { ctr }
}

/** cgroup v1 when it has the memory controller, as on hybrid systems; otherwise v2; undefined when neither is mounted. */
export function cgroupLayoutOf(mountinfo: string): CgroupLayout | undefined {
  const controllers: Record<string, string> = {}
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const mountpoint = left.split(' ')[4] ?? ''
    const [type, , superOptions = ''] = right.split(' ')
    if (type === 'cgroup2') unified ??= mountpoint
    if (type !== 'cgroup') continue
    for (const option of superOptions.split(','))
      if (
        !['rw', 'ro', 'xattr'].includes(option) &&
        !option.startsWith('name=') &&
        !option.startsWith('release_agent=') &&
        option !== 'clone_children'
      )
        controllers[option] ??= mountpoint
    const named = /(?:^|,)name=([^,]+)/.exec(superOptions)?.[1]
    if (named !== undefined) controllers[`name=${named}`] ??= mountpoint
  }
  if (controllers.memory !== undefined) return { version: 1, controllers }
  return unified === undefined ? undefined : { version: 2, mount: unified }
}

/** Of another containerd, these are of one release; runc and ctr come from its folder when they are there. */
const OF_CONTAINERD = ['containerd', 'containerd-shim-runc-v2'] as const

/** Everything that is missing is reported at once, with the Debian package that brings it. */
export function inspectMachine(options: Pick<HostOptions, 'cniBinDir' | 'containerdDir'>): Machine {
  const { containerdDir = '' } = options
  for (const program of OF_CONTAINERD)
    if (containerdDir !== '' && !isExecutable(join(containerdDir, program)))
      throw new UserError(
        `there is no ${program} in ${containerdDir}`,
        `give a folder with ${OF_CONTAINERD.join(', ')} and ctr (and runc, where the machine's is too old)`,
      )
  const missing: string[] = []
  const packages = new Set<string>()
  const found: Partial<Record<keyof typeof NEEDED, string>> = {}
  for (const [program, debianPackage] of Object.entries(NEEDED) as [keyof typeof NEEDED, string][]) {
    const path = findProgram(program, containerdDir)
    if (path !== undefined) found[program] = path
    else {
      missing.push(`${program} is not installed`)
      packages.add(debianPackage)
    }
  }
  const candidates = options.cniBinDir === undefined ? CNI_PLACES : [options.cniBinDir]
  const cniBinDir = candidates.find((dir) => CNI_PLUGINS.every((plugin) => isExecutable(join(dir, plugin))))
  if (cniBinDir === undefined) {
    missing.push(`the CNI plugins ${CNI_PLUGINS.join(', ')} are not in ${candidates.join(' or ')}`)
    packages.add('containernetworking-plugins')
  }
  if (process.geteuid?.() !== 0) missing.push('containers need root')
  const filesystems = readFileSync('/proc/filesystems', 'utf8')
  if (!/\boverlay\b/.test(filesystems)) missing.push('the kernel has no overlay file system')
  for (const namespace of ['mnt', 'net', 'pid', 'uts', 'ipc'])
    if (!existsSync(`/proc/self/ns/${namespace}`)) missing.push(`the kernel has no ${namespace} namespaces`)
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')
  const cgroups = cgroupLayoutOf(mountinfo)
  if (cgroups === undefined) missing.push('no cgroup file system is mounted')

  const { containerd, runc, nft, nsenter } = found
  if (
    missing.length > 0 ||
    containerd === undefined ||
    runc === undefined ||
    nft === undefined ||
    nsenter === undefined ||
    cniBinDir === undefined ||
    cgroups === undefined
  ) {
    throw new UserError(
      `this machine cannot run containers: ${missing.join('; ')}`,
      packages.size === 0 ? undefined : `on Debian: apt-get install --no-install-recommends ${[...packages].join(' ')}`,
    )
  }
  const countsHugePages =
    cgroups.version === 1
      ? cgroups.controllers.hugetlb !== undefined
      : readFileSync(join(cgroups.mount, 'cgroup.controllers'), 'utf8').split(/\s/).includes('hugetlb')
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
  return {
    binaries: { containerd, runc, nft, nsenter },
    path: [...(containerdDir === '' ? [] : [containerdDir]), ...PLACES].join(delimiter),
    cniBinDir,
    countsHugePages,
    mayLowerOomScore: ((bounding >> CAP_SYS_RESOURCE) & 1n) === 1n,
    cgroups,
    apparmor: existsSync('/sys/module/apparmor') && readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y'),
  }
}
