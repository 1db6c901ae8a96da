import type { PodInfo } from '../pod/pod-info.ts'
import type { AffinityTerm, NamespaceLabels } from '../pod/terms.ts'
import { MatcherIndex } from './matcher-index.ts'
import { PodCounter } from './pod-counter.ts'
import type { Topology } from './columns.ts'

export interface OwnedTerm {
  readonly term: AffinityTerm
  /** Undefined: the term is required, not preferred. */
  readonly weight: number | undefined
  readonly owners: PodCounter
}

/**
 * Affinity terms of the pods that are placed, one entry for all pods with the same term, with where those pods are. Most clusters have as many
 * entries as workloads, however many pods each has.
 */
export class OwnedTerms {
  readonly #entries = new Map<string, OwnedTerm>()
  readonly #index = new MatcherIndex<OwnedTerm>(({ term }) => term.pods)
  readonly #termsOf: (pod: PodInfo) => readonly (AffinityTerm & { readonly weight?: number })[]
  readonly #makeCounter: (term: AffinityTerm) => PodCounter

  constructor(
    termsOf: (pod: PodInfo) => readonly (AffinityTerm & { readonly weight?: number })[],
    slots: () => Iterable<number>,
    topology: (key: string) => Topology,
  ) {
    this.#termsOf = termsOf
    this.#makeCounter = (term) => new PodCounter(term.pods, 16, slots, topology)
  }

  /** Tells each term that speaks of the pod. */
  forEachAbout(pod: PodInfo, namespaces: NamespaceLabels, tell: (entry: OwnedTerm) => void): void {
    if (!this.empty) this.#index.forEachMatching(pod, namespaces, tell)
  }

  get empty(): boolean {
    return this.#entries.size === 0
  }

  change(pod: PodInfo, slot: number, amount: 1 | -1): void {
    for (const term of this.#termsOf(pod)) {
      const { weight } = term
      const key = `${weight ?? 'required'} ${term.topologyKey} ${term.pods.key}`
      let entry = this.#entries.get(key)
      if (entry === undefined) {
        entry = { term, weight, owners: this.#makeCounter(term) }
        this.#entries.set(key, entry)
        this.#index.add(entry)
      }
      entry.owners.add(slot, amount)
      if (entry.owners.total > 0) continue
      this.#entries.delete(key)
      this.#index.delete(entry)
    }
  }

  forgetDomains(): void {
    for (const { owners } of this.#entries.values()) owners.forgetDomains()
  }
}
