import { delimiter, join } from 'node:path'
import { UserError } from '#base'
import type { HostOptions } from '../layout.ts'
import type { CgroupLayout } from './cgroup-layout.ts'
import { CNI_PLUGINS, type MachineFacts, NEEDED, type NeededName, lookAtMachine } from './machine-facts.ts'
import { PLACES, isExecutable } from './programs.ts'

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
  /** Swap is limited by cgroup. */
  readonly countsSwap: boolean
}

/** What keeps a machine from being a node, and the Debian package that brings it, where one does. */
export interface MachineLack {
  readonly message: string
  readonly package?: string
}

const CAP_SYS_RESOURCE = 24n
const NAMESPACES = ['mnt', 'net', 'pid', 'uts', 'ipc']
/** Of another containerd, these are of one release; runc and ctr come from its folder when they are there. */
const OF_CONTAINERD = ['containerd', 'containerd-shim-runc-v2'] as const

/** Pure. Empty: the machine can be a node. */
export function lacksOf(facts: MachineFacts): readonly MachineLack[] {
  return [
    ...(Object.entries(NEEDED) as readonly [NeededName, string][])
      .filter(([program]) => facts.programs[program] === undefined)
      .map(([program, brings]) => ({ message: `${program} is not installed`, package: brings })),
    ...(facts.cniBinDir === undefined
      ? [
          {
            message: `the CNI plugins ${CNI_PLUGINS.join(', ')} are not in ${facts.cniPlaces.join(' or ')}`,
            package: 'containernetworking-plugins',
          },
        ]
      : []),
    ...[
      ...(facts.isRoot ? [] : ['containers need root']),
      ...(facts.filesystems.has('overlay') ? [] : ['the kernel has no overlay file system']),
      ...NAMESPACES.filter((name) => !facts.namespaces.has(name)).map((name) => `the kernel has no ${name} namespaces`),
      ...(facts.seccomp ? [] : ['the kernel has no seccomp, under which every sandbox runs']),
      ...(facts.cgroups === undefined ? ['no cgroup file system is mounted'] : []),
      ...neededControllers(facts).map((name) => `the kernel gives no control group the controller ${name}`),
    ].map((message) => ({ message })),
  ]
}

/** Without these no control group of a pod can be made; with version 1, those that are not there are done without. */
const neededControllers = ({ cgroups, controllers }: MachineFacts): readonly string[] =>
  cgroups?.version === 2 ? ['cpu', 'memory', 'pids'].filter((name) => !controllers.has(name)) : []

/** Without it no process can be made less likely to be killed when memory runs out. */
export const mayLowerOomScore = ({ capabilities }: MachineFacts): boolean => ((capabilities >> CAP_SYS_RESOURCE) & 1n) === 1n
export const countsHugePages = ({ controllers }: MachineFacts): boolean => controllers.has('hugetlb')

/** Everything that is missing is reported at once, with the Debian package that brings it. */
export function inspectMachine(options: Pick<HostOptions, 'cniBinDir' | 'containerdDir'>): Machine {
  const { containerdDir = '' } = options
  for (const program of OF_CONTAINERD)
    if (containerdDir !== '' && !isExecutable(join(containerdDir, program)))
      throw new UserError(
        `there is no ${program} in ${containerdDir}`,
        `give a folder with ${OF_CONTAINERD.join(', ')} and ctr (and runc, where the machine's is too old)`,
      )
  const facts = lookAtMachine(options)
  const { containerd, runc, nft, nsenter } = facts.programs
  const { cniBinDir, cgroups } = facts
  const missing = lacksOf(facts)
  if (
    missing.length > 0 ||
    containerd === undefined ||
    runc === undefined ||
    nft === undefined ||
    nsenter === undefined ||
    cniBinDir === undefined ||
    cgroups === undefined
  ) {
    const packages = new Set(missing.flatMap((lack) => lack.package ?? []))
    throw new UserError(
      `this machine cannot run containers: ${missing.map(({ message }) => message).join('; ')}`,
      packages.size === 0 ? undefined : `on Debian: apt-get install --no-install-recommends ${[...packages].join(' ')}`,
    )
  }
  return {
    binaries: { containerd, runc, nft, nsenter },
    path: [...(containerdDir === '' ? [] : [containerdDir]), ...PLACES].join(delimiter),
    cniBinDir,
    countsHugePages: countsHugePages(facts),
    countsSwap: facts.countsSwap,
    mayLowerOomScore: mayLowerOomScore(facts),
    cgroups,
    apparmor: facts.apparmor,
  }
}
