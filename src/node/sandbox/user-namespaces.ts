import { readFile } from 'node:fs/promises'
import { type Scope, UserError } from '#base'
import type { core } from '#api'
import { type ContainerExtras, NO_EXTRAS, type PodResources } from '../devices/container-extras.ts'
import type { UserMapping } from '../cri/runtime.ts'
import { uidOf } from '../pods/pod-facts.ts'
import { StartRefused } from '../refusal.ts'
import { SavedFile } from '../saved-file.ts'

/** As many users as a pod without a namespace of its own knows. */
export const IDS_PER_POD = 65_536
const MOST_IDS = 2 ** 32

/** Users of the node that pods may be given: `count` parts of `IDS_PER_POD` from `first` on. */
export interface UserRange {
  readonly first: number
  readonly count: number
}

/**
 * What `/etc/subuid` and `/etc/subgid` give to the user `kubelet`, as for a kubelet; where neither names it, everything above the node's own
 * users. Throws `UserError` for a range that pods cannot be given.
 */
export function userRange(subuid: string, subgid: string, maxPods: number): UserRange {
  const ofKubelet = (text: string): string | undefined => text.split('\n').find((line) => line.startsWith('kubelet:'))
  const users = ofKubelet(subuid)
  if (users !== ofKubelet(subgid))
    throw new UserError('the user kubelet has other ranges in /etc/subuid than in /etc/subgid', 'make them the same, or remove both')
  if (users === undefined) return { first: IDS_PER_POD, count: MOST_IDS / IDS_PER_POD - 2 }
  const [, first = Number.NaN, length = Number.NaN] = users.split(':').map(Number)
  const isWhole = first % IDS_PER_POD === 0 && length % IDS_PER_POD === 0 && first >= IDS_PER_POD && first + length <= MOST_IDS
  if (!isWhole || length / IDS_PER_POD < maxPods)
    throw new UserError(
      `/etc/subuid gives the user kubelet a range that its pods cannot have: ${users}`,
      `it begins at a multiple of ${IDS_PER_POD}, not at 0, and has ${IDS_PER_POD} for each of ${maxPods} pods`,
    )
  return { first, count: length / IDS_PER_POD }
}

/** Of this machine. */
export async function usersForPods(maxPods: number): Promise<UserRange> {
  const [subuid, subgid] = await Promise.all(['/etc/subuid', '/etc/subgid'].map((path) => readFile(path, 'utf8').catch(() => '')))
  return userRange(subuid ?? '', subgid ?? '', maxPods)
}

/** Where a node begins in the range: nodes that share a machine seldom meet then. Any text gives a number below `count`. */
export function startIn(range: UserRange, node: string): number {
  let hash = 0
  for (const char of node) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % range.count
  return hash
}

/** The first part from `start` on, going around, that nobody has; undefined when all are taken. */
export function freePart(taken: ReadonlySet<number>, { count }: UserRange, start: number): number | undefined {
  for (let step = 0; step < Math.min(count, taken.size + 1); step++) {
    const part = (start + step) % count
    if (!taken.has(part)) return part
  }
  return undefined
}

/** Which users of the node each pod with `hostUsers: false` is. No two have one in common, and a pod keeps its own as long as anything of it is there. */
export class UserNamespaces implements PodResources {
  readonly #file: SavedFile<Readonly<Record<string, number>>>
  readonly #range: UserRange
  readonly #start: number
  /** By the pod's uid: the first of its users on the node. */
  readonly #given = new Map<string, number>()

  constructor(path: string, range: UserRange, node: string) {
    this.#file = new SavedFile(path)
    this.#range = range
    this.#start = startIn(range, node)
  }

  async start(): Promise<void> {
    for (const [uid, hostId] of Object.entries((await this.#file.load()) ?? {})) this.#given.set(uid, hostId)
  }

  /** Forgets pods that are not among these. */
  async keepOnly(present: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#given.keys()].filter((uid) => !present.has(uid))
    for (const uid of gone) this.#given.delete(uid)
    if (gone.length > 0) await this.#save()
  }

  /** Undefined for a pod whose users are the node's. */
  of(pod: core.Pod): UserMapping | undefined {
    const hostId = this.#given.get(uidOf(pod))
    return hostId === undefined ? undefined : { hostId, length: IDS_PER_POD }
  }

  async prepare(_: Scope, pod: core.Pod): Promise<void> {
    if (pod.spec?.hostUsers !== false || this.#given.has(uidOf(pod))) return
    const { first } = this.#range
    const taken = new Set([...this.#given.values()].map((hostId) => (hostId - first) / IDS_PER_POD))
    const part = freePart(taken, this.#range, this.#start)
    if (part === undefined) throw new StartRefused('FailedCreatePodSandBox', 'could not find an empty slot to allocate a user namespace')
    this.#given.set(uidOf(pod), first + part * IDS_PER_POD)
    // Before anything runs as these users: they are never given away after a crash.
    await this.#save()
  }
  async extrasOf(): Promise<ContainerExtras> {
    return NO_EXTRAS
  }
  async release(_: Scope, pod: core.Pod): Promise<void> {
    if (this.#given.delete(uidOf(pod))) await this.#save()
  }
  healthOf(): readonly core.ResourceStatus[] {
    return []
  }

  #save(): Promise<void> {
    return this.#file.save(() => Object.fromEntries(this.#given))
  }
}
