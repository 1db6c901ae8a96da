import type { Refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Candidate } from './candidates.ts'

type Found = Candidate | Refusal

const MOST_KINDS = 16

/** Who would have to leave each node for pods that ask for the same with the same priority, until what the node holds changes. */
export class VictimMemo {
  readonly #kinds = new Map<string, VictimsByNode>()

  of({ requestKey, priority }: PodInfo): VictimsByNode {
    const key = `${priority} ${requestKey}`
    const known = this.#kinds.get(key) ?? new VictimsByNode()
    this.#kinds.delete(key)
    this.#kinds.set(key, known)
    const [oldest] = this.#kinds.keys()
    if (this.#kinds.size > MOST_KINDS && oldest !== undefined) this.#kinds.delete(oldest)
    return known
  }
}

export class VictimsByNode {
  readonly #versions: number[] = []
  readonly #found: (Found | undefined)[] = []

  get(slot: number, version: number): Found | undefined {
    return this.#versions[slot] === version ? this.#found[slot] : undefined
  }

  set(slot: number, version: number, found: Found): void {
    while (this.#versions.length < slot) {
      this.#versions.push(0)
      this.#found.push(undefined)
    }
    this.#versions[slot] = version
    this.#found[slot] = found
  }
}
