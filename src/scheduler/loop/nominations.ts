import type { Cluster } from '../cluster/cluster.ts'
import type { PodInfo } from '../pod/pod-info.ts'

export interface Nomination {
  readonly pod: PodInfo
  readonly node: string
}

const NOBODY: readonly PodInfo[] = []

/** Promised places: pods that wait for others to leave their node. */
export class Nominations {
  readonly #byUid = new Map<string, Nomination>()
  readonly #byNode = new Map<string, Map<string, Nomination>>()

  get size(): number {
    return this.#byUid.size
  }

  of(uid: string): string | undefined {
    return this.#byUid.get(uid)?.node
  }

  on(node: string): Iterable<Nomination> {
    return this.#byNode.get(node)?.values() ?? []
  }

  /** Those that are not in the cluster yet: one that is being bound is there already. */
  awaitedOn(node: string, cluster: Pick<Cluster, 'placedOn'>): readonly PodInfo[] {
    const there = this.#byNode.get(node)
    return there === undefined ? NOBODY : [...there.values()].map(({ pod }) => pod).filter(({ uid }) => cluster.placedOn(uid) === undefined)
  }

  set(pod: PodInfo, node: string): void {
    this.delete(pod.uid)
    const nomination = { pod, node }
    this.#byUid.set(pod.uid, nomination)
    const there = this.#byNode.get(node)
    if (there === undefined) this.#byNode.set(node, new Map([[pod.uid, nomination]]))
    else there.set(pod.uid, nomination)
  }

  /** What was promised until now. */
  delete(uid: string): Nomination | undefined {
    const before = this.#byUid.get(uid)
    if (before === undefined) return undefined
    this.#byUid.delete(uid)
    const there = this.#byNode.get(before.node)
    there?.delete(uid)
    if (there?.size === 0) this.#byNode.delete(before.node)
    return before
  }
}
