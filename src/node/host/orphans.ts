import { readdirSync } from 'node:fs'
import { readFile, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { cgroupDirs, podParents, removeCgroupTree } from './cgroup-tree.ts'
import { runCommand } from './command.ts'
import type { Host } from './host.ts'
import type { HostLayout } from './layout.ts'
import type { CgroupLayout } from './machine/cgroup-layout.ts'
import type { Machine } from './machine/machine.ts'
import { mountsBelow } from './release.ts'
import { type Shim, removeShim, shimsOf } from './shims.ts'

const BETWEEN_MS = 10_000
const CNI_RESULTS = '/var/lib/cni/results'

type Runtime = Pick<ContainerRuntime, 'listContainers' | 'listPodSandboxes'>

/** What is known of the pods of this node. */
export interface SweptPods {
  /** Whether something is being made for one of them just now. */
  isStarting(): boolean
  /** Whether there is one with this uid. */
  has(uid: string): boolean
}

export interface Orphan {
  /** Names it: where it is, or which process it is. */
  readonly path: string
  readonly kind: 'owned' | 'netns' | 'record' | 'shim' | 'cgroup'
  readonly owner: string
}
/** A file that says what was given to a sandbox. */
export interface Given {
  readonly path: string
  readonly owner: string
  readonly text: string
}

/** The mounts of containerd that belong to one sandbox or container: `…/sandboxes/ID/shm`, `…/k8s.io/ID/rootfs`, and network namespaces, which do not say whose they are. */
export function ownedMounts(mountinfo: string, state: string): Orphan[] {
  return mountsBelow(mountinfo, [state]).flatMap((path): Orphan[] => {
    const owner = /\/(?:sandboxes|k8s\.io)\/([0-9a-f]{64})\/(?:shm|rootfs)$/.exec(path)?.[1]
    if (owner !== undefined) return [{ path, kind: 'owned', owner }]
    return /\/netns\/cni-[^/]+$/.test(path) ? [{ path, kind: 'netns', owner: '' }] : []
  })
}

/** Mounts, records and processes that belong to nobody. A namespace belongs to whom the record says that names it. */
export function orphansOf(found: readonly Orphan[], given: readonly Given[], ids: ReadonlySet<string>): Orphan[] {
  const alive = given.filter(({ owner }) => ids.has(owner))
  return [
    ...found.filter(({ kind, owner, path }) =>
      kind === 'netns' ? !alive.some(({ text }) => text.includes(basename(path))) : !ids.has(owner),
    ),
    ...given.filter(({ owner }) => !ids.has(owner)).map(({ path, owner }): Orphan => ({ path, kind: 'record', owner })),
  ]
}

/** The control groups of pods, each once: `…/kubepods/burstable/podUID`. The owner is the pod's uid. */
function podGroups(layout: CgroupLayout, root: string): Orphan[] {
  const paths = podParents(root).flatMap((parent) =>
    cgroupDirs(layout, parent).flatMap((dir) =>
      readdirSync(dir)
        .filter((name) => name.startsWith('pod'))
        .map((name) => join(parent, name)),
    ),
  )
  return [...new Set(paths)].map((path) => ({ path, kind: 'cgroup', owner: basename(path).slice('pod'.length) }))
}

/**
 * Takes away what a containerd that was killed left half made: it forgets a sandbox whose making it did not finish, and its mounts, its address, its pod's control group,
 * the records of the network plugins and the process that was to keep it stay. It looks twice after each time that the runtime came (back): only what nobody owned in
 * both looks, while nothing was being started, is taken for left.
 */
export class OrphanSweep {
  readonly #layout: HostLayout
  readonly #machine: Machine
  readonly #runtime: Runtime
  readonly #pods: SweptPods
  #isRunning = false
  #again = false

  constructor({ layout, machine }: Host, runtime: Runtime, pods: SweptPods) {
    this.#layout = layout
    this.#machine = machine
    this.#runtime = runtime
    this.#pods = pods
  }

  /** The runtime has come back, and may have been killed. */
  begin(scope: Scope): void {
    this.#again = true
    if (!this.#isRunning) void this.#run(scope)
  }

  async #run(scope: Scope): Promise<void> {
    this.#isRunning = true
    while (this.#again && !scope.signal.aborted) {
      this.#again = false
      try {
        const first = await this.#calmLook(scope)
        if (first.length === 0) continue
        const second = new Set((await this.#calmLook(scope)).map(({ path }) => path))
        for (const orphan of first) if (second.has(orphan.path)) await this.#remove(scope, orphan)
      } catch (error) {
        if (!isCancelled(error)) scope.log.warn('what is left of sandboxes could not be taken away', { error: messageOf(error) })
      }
    }
    this.#isRunning = false
  }

  async #remove(scope: Scope, { path, kind, owner }: Orphan): Promise<void> {
    scope.log.info('taking away what is left of a sandbox', { path, owner })
    if (kind === 'shim') {
      const shim = shimsOf(this.#layout).find((one) => nameOf(one) === path)
      if (shim !== undefined) await removeShim(scope, this.#layout, this.#machine, shim)
      return
    }
    if (kind === 'cgroup') return removeCgroupTree(scope, this.#machine.cgroups, path)
    if (kind !== 'record') await runCommand(scope, 'umount', ['--lazy', '--no-canonicalize', path])
    if (kind !== 'owned') await rm(path, { force: true })
  }

  async #calmLook(scope: Scope): Promise<Orphan[]> {
    for (;;) {
      await scope.sleep(BETWEEN_MS)
      if (this.#pods.isStarting()) continue
      const groups = podGroups(this.#machine.cgroups, this.#layout.cgroupRoot).filter(({ owner }) => !this.#pods.has(owner))
      const found = [...(await look(scope, this.#layout, this.#runtime)), ...groups]
      if (!this.#pods.isStarting()) return found
    }
  }
}

async function look(scope: Scope, layout: HostLayout, runtime: Runtime): Promise<Orphan[]> {
  const mounts = ownedMounts(await readFile('/proc/self/mountinfo', 'utf8'), layout.containerd.state)
  const shims = shimsOf(layout).map((shim): Orphan => ({ path: nameOf(shim), kind: 'shim', owner: shim.owner }))
  const given = [...(await records(layout)), ...(await leases(layout))]
  const [containers, sandboxes] = await Promise.all([runtime.listContainers(scope), runtime.listPodSandboxes(scope)])
  const ids = new Set([...containers, ...sandboxes].map(({ id }) => id))
  return orphansOf([...mounts, ...shims], given, ids)
}

/** What the network plugins' library keeps of what they gave. */
async function records({ cni }: HostLayout): Promise<Given[]> {
  return filesIn(CNI_RESULTS, (name) => name.startsWith(`${cni.networkName}-`))
}
/** Addresses that are taken, by the id of the sandbox. */
async function leases({ cni }: HostLayout): Promise<Given[]> {
  return filesIn(join(cni.dataDir, cni.networkName), (name) => /^[0-9a-f.:]+$/.test(name))
}

async function filesIn(dir: string, isOne: (name: string) => boolean): Promise<Given[]> {
  const names = (await readdir(dir).catch(() => [])).filter(isOne)
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), text: await readFile(join(dir, name), 'utf8').catch(() => '') })),
  )
  return files.flatMap(({ path, text }) => {
    const owner = /[0-9a-f]{64}/.exec(`${basename(path)} ${text}`)?.[0]
    return owner === undefined ? [] : [{ path, owner, text }]
  })
}

const nameOf = ({ pid, start }: Shim): string => `process ${pid} started at ${start}`
