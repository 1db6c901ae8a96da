import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostOptions } from '../layout.ts'
import { type CgroupLayout, cgroupLayoutOf } from './cgroup-layout.ts'
import { findProgram, isExecutable } from './programs.ts'

/** Program → Debian package. */
export const NEEDED = {
  containerd: 'containerd',
  'containerd-shim-runc-v2': 'containerd',
  runc: 'runc',
  nft: 'nftables',
  nsenter: 'util-linux',
  iptables: 'iptables',
  conntrack: 'conntrack',
} as const
export type NeededName = keyof typeof NEEDED

export const CNI_PLUGINS = ['ptp', 'host-local', 'portmap', 'loopback']
const CNI_PLACES = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni']

/** What a node was found to run on: what it is decided from whether it can, and what it does without. */
export interface MachineFacts {
  readonly isRoot: boolean
  /** Where each is that is there. */
  readonly programs: Readonly<Partial<Record<NeededName, string>>>
  /** Where the CNI plugins were looked for, and where all that are needed are. */
  readonly cniPlaces: readonly string[]
  readonly cniBinDir: string | undefined
  readonly filesystems: ReadonlySet<string>
  readonly namespaces: ReadonlySet<string>
  readonly cgroups: CgroupLayout | undefined
  readonly controllers: ReadonlySet<string>
  /** Swap is limited by cgroup. */
  readonly countsSwap: boolean
  /** The capabilities that a process here can have at most, bit by bit. */
  readonly capabilities: bigint
  readonly apparmor: boolean
  readonly seccomp: boolean
}

export function lookAtMachine({ cniBinDir, containerdDir }: Pick<HostOptions, 'cniBinDir' | 'containerdDir'>): MachineFacts {
  const places = cniBinDir === undefined ? CNI_PLACES : [cniBinDir]
  const cgroups = cgroupLayoutOf(readFileSync('/proc/self/mountinfo', 'utf8'))
  const status = readFileSync('/proc/self/status', 'utf8')
  return {
    isRoot: process.geteuid?.() === 0,
    programs: Object.fromEntries(
      Object.keys(NEEDED).flatMap((program) => {
        const path = findProgram(program, containerdDir)
        return path === undefined ? [] : [[program, path]]
      }),
    ),
    cniPlaces: places,
    cniBinDir: places.find((dir) => CNI_PLUGINS.every((plugin) => isExecutable(join(dir, plugin)))),
    filesystems: new Set(readFileSync('/proc/filesystems', 'utf8').split(/\s+/)),
    namespaces: new Set(['mnt', 'net', 'pid', 'uts', 'ipc', 'user'].filter((name) => existsSync(`/proc/self/ns/${name}`))),
    cgroups,
    controllers: new Set(cgroups === undefined ? [] : controllersOf(cgroups)),
    countsSwap: cgroups !== undefined && countsSwap(cgroups),
    capabilities: BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`),
    apparmor: existsSync('/sys/module/apparmor') && readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y'),
    seccomp: /^Seccomp:/m.test(status),
  }
}

const controllersOf = (layout: CgroupLayout): readonly string[] =>
  layout.version === 1
    ? Object.keys(layout.controllers)
    : readFileSync(join(layout.mount, 'cgroup.controllers'), 'utf8').trim().split(/\s+/)

/** The root group of version 2 has no limits: it is looked for where this process is. */
function countsSwap(layout: CgroupLayout): boolean {
  if (layout.version === 1) return existsSync(join(layout.controllers['memory'] ?? '', 'memory.memsw.limit_in_bytes'))
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? ''
  return existsSync(join(layout.mount, own, 'memory.swap.max'))
}
