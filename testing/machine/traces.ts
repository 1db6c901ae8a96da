import { type Dirent, existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { commandOutput } from './command.ts'

/** What a cluster can leave behind on a machine, kind by kind, each thing under the name by which a person would find it. */
export interface Traces {
  readonly processes: readonly string[]
  readonly mounts: readonly string[]
  readonly namespaces: readonly string[]
  readonly links: readonly string[]
  readonly tables: readonly string[]
  readonly cgroups: readonly string[]
  readonly containers: readonly string[]
  readonly files: readonly string[]
}

/** Words that stand in everything that belongs to one cluster: names, folders, ids of pods and containers. */
export type Marks = readonly string[]

/** Reads the whole machine and keeps what carries one of the marks. Other clusters on the machine do not disturb. */
export async function tracesOf(marks: Marks): Promise<Traces> {
  // Not followed by more of a word: sampan1 is not sampan12.
  const patterns = marks.map((mark) => new RegExp(`${RegExp.escape(mark)}(?![0-9a-zA-Z])`))
  const isOurs = (text: string): boolean => patterns.some((pattern) => pattern.test(text))
  const links = JSON.parse(await commandOutput('ip', ['-json', 'link', 'show'])) as readonly { readonly ifname: string }[]
  const tables = JSON.parse(await commandOutput('nft', ['-j', 'list', 'tables'])) as {
    readonly nftables: readonly { readonly table?: { readonly family: string; readonly name: string } }[]
  }
  return {
    processes: numbers('/proc')
      .filter((pid) => isOurs(describeProcess(pid)))
      .map((pid) => `${pid} ${describeProcess(pid).split('\n')[0]}`),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(isOurs),
    namespaces: entries('/run/netns').filter((name) => marks.includes(name)),
    links: links.map(({ ifname }) => ifname).filter((name) => marks.includes(name)),
    tables: tables.nftables.flatMap(({ table }) => (table === undefined ? [] : [`${table.family} ${table.name}`])).filter(isOurs),
    cgroups: foldersBelow('/sys/fs/cgroup').filter(isOurs),
    containers: entries('/run/containerd/runc/k8s.io').filter(isOurs),
    files: [
      '/run/sampan',
      '/run/containerd/s',
      '/var/lib/cni',
      '/var/lib/cni/results',
      '/run/lock',
      '/var/log/pods',
      '/var/log/containers',
      '/var/lib/kubelet/pods',
    ]
      .flatMap((folder) => entries(folder).map((entry) => join(folder, entry)))
      .filter(isOurs),
  }
}

export const countTraces = (traces: Traces): Record<string, number> =>
  Object.fromEntries(Object.entries(traces).map(([kind, all]) => [kind, (all as readonly string[]).length]))

/** Command line first, then what tells whose it is: control groups, folders in its environment and its network. */
function describeProcess(pid: string): string {
  if (pid === String(process.pid)) return ''
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    const marks = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .filter((variable) => variable.startsWith('SAMPAN_'))
    return [command, readFileSync(`/proc/${pid}/cgroup`, 'utf8'), marks.join('\n'), readlinkSync(`/proc/${pid}/ns/net`)].join('\n')
  } catch {
    return ''
  }
}

/** The mark of the processes in a network namespace. Undefined when there is none of that name. */
export async function networkMark(namespace: string): Promise<string> {
  return (await commandOutput('ip', ['netns', 'exec', namespace, 'readlink', '/proc/self/ns/net'])).trim()
}

const numbers = (folder: string): readonly string[] => readdirSync(folder).filter((entry) => /^\d+$/.test(entry))
const entries = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : [])

function foldersBelow(folder: string): readonly string[] {
  const below = (at: string): readonly string[] => {
    let found: Dirent[] = []
    try {
      found = readdirSync(at, { withFileTypes: true })
    } catch {
      // Gone while being looked at.
    }
    return found.filter((entry) => entry.isDirectory()).flatMap((entry) => [join(at, entry.name), ...below(join(at, entry.name))])
  }
  return below(folder)
}
