import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type MachineCluster, commandOutput, tracesOf } from '#testing'

/** What a cluster has on the machine: what killing its parts must not leave more of. */
export interface Inventory {
  readonly containers: number
  readonly sandboxes: number
  readonly mounts: readonly string[]
  readonly cgroups: readonly string[]
  /** Interfaces of the node: one for each pod that has a network of its own. */
  readonly links: number
  /** Given out by the node's address file. */
  readonly addresses: number
  readonly podFolders: readonly string[]
  /** Processes that keep containers. */
  readonly shims: number
  /** By table and set: what traffic is sent where. */
  readonly elements: Readonly<Record<string, number>>
}

const NETWORK_NAMESPACES = '/run/netns'

export async function inventory(cluster: MachineCluster): Promise<Inventory> {
  const { scope, name, stateDir, layout, runtime, instance } = cluster
  const { namespace = '' } = instance.nodes[0]
  const [containers, sandboxes, traces, links, elements] = await Promise.all([
    runtime.listContainers(scope),
    runtime.listPodSandboxes(scope),
    tracesOf([`sampan-${name}`, stateDir, layout.runDir]),
    commandOutput('ip', ['-n', namespace, '-json', 'link', 'show']),
    commandOutput('ip', ['netns', 'exec', namespace, 'nft', '-j', 'list', 'ruleset']),
  ])
  return {
    containers: containers.length,
    sandboxes: sandboxes.length,
    mounts: traces.mounts.map((line) => line.split(' ')[4] ?? line).sort(),
    cgroups: [...traces.cgroups].sort(),
    links: (JSON.parse(links) as readonly unknown[]).length,
    addresses: readdirSync(join(layout.cni.dataDir, layout.cni.networkName)).filter((file) => /^\d/.test(file)).length,
    podFolders: readdirSync(layout.podsDir).sort(),
    shims: traces.processes.filter((line) => line.includes('containerd-shim')).length,
    elements: elementCounts(elements),
  }
}

/**
 * The same, of pods whose containers and sandboxes may have been replaced meanwhile: what only tells one from its successor is left out.
 * Of each container the last one that ended is kept, for its log, and the sandbox it was in; what is dead beside them is superfluous.
 */
export async function inventoryOfReplaced(cluster: MachineCluster): Promise<Inventory & { readonly superfluous: readonly string[] }> {
  const found = await inventory(cluster)
  const [containers, sandboxes] = await Promise.all([
    cluster.runtime.listContainers(cluster.scope),
    cluster.runtime.listPodSandboxes(cluster.scope),
  ])
  const dead = containers.filter(({ state }) => state === 'exited')
  const nameOf = ({ name, labels }: (typeof dead)[number]): string => `${labels['io.kubernetes.pod.uid']} ${name}`
  return {
    ...found,
    containers: containers.length - dead.length,
    sandboxes: sandboxes.filter(({ ready }) => ready).length,
    mounts: withoutIds(found.mounts),
    cgroups: withoutIds(found.cgroups),
    superfluous: [
      ...[...Map.groupBy(dead, nameOf).values()].flatMap((all) => all.slice(1)).map(({ id }) => `container ${id}`),
      ...sandboxes
        .filter(({ id, ready }) => !ready && !containers.some(({ sandboxId }) => sandboxId === id))
        .map(({ id }) => `sandbox ${id}`),
    ],
  }
}

/** Of containers and sandboxes, and of their network namespaces; those of pods stay. */
const withoutIds = (names: readonly string[]): readonly string[] =>
  names.map((name) => name.replaceAll(/[0-9a-f]{64}|cni-[-0-9a-f]{36}/g, 'ID')).sort()

/** The first process of each container and sandbox, with its start time: a pid alone may be another process's by now. */
export function mainProcesses({ name }: MachineCluster): readonly string[] {
  return pids()
    .filter((pid) => {
      const ids =
        /^NSpid:(.*)$/m
          .exec(read(`/proc/${pid}/status`))?.[1]
          ?.trim()
          .split(/\s+/) ?? []
      return ids.length > 1 && ids.at(-1) === '1' && read(`/proc/${pid}/cgroup`).includes(`sampan-${name}`)
    })
    .map((pid) => `${pid} ${startOf(pid)}`)
    .sort()
}

function startOf(pid: string): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/** Network namespaces of pods in which no process is left. The runtime names them alike for all clusters of the machine: those that others are making at this moment are among them. */
export function emptyNamespaces(): readonly string[] {
  const used = new Set(pids().map((pid) => link(`/proc/${pid}/ns/net`)))
  return readdirSync(NETWORK_NAMESPACES)
    .filter((file) => file.startsWith('cni-'))
    .filter((file) => {
      try {
        return !used.has(`net:[${statSync(join(NETWORK_NAMESPACES, file)).ino}]`)
      } catch {
        return false
      }
    })
    .sort()
}

interface NftSet {
  readonly table: string
  readonly name: string
  readonly flags?: readonly string[]
  readonly elem?: readonly unknown[]
}

/** Sets whose elements come and go with the traffic are left out, and empty ones: they are made and taken away as they are needed. */
function elementCounts(ruleset: string): Record<string, number> {
  const { nftables } = JSON.parse(ruleset) as { readonly nftables: readonly { readonly set?: NftSet; readonly map?: NftSet }[] }
  const sets = nftables.map(({ set, map }) => set ?? map).filter((one) => one !== undefined)
  return Object.fromEntries(
    sets
      .filter(({ flags = [], elem = [] }) => !flags.includes('dynamic') && !flags.includes('timeout') && elem.length > 0)
      .map(({ table, name, elem = [] }) => [`${table}/${name}`, elem.length]),
  )
}

const pids = (): readonly string[] => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Of a process that has ended meanwhile.
    return ''
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
