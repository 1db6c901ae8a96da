import type { PodMatcher } from '../pod/terms.ts'
import { Column, type Topology } from './columns.ts'

/**
 * How many placed pods match, by node and by topology domain. Made by one walk over the pods when a matcher is first asked for, kept up to date
 * by every placement after that: the cost of a decision does not grow with the number of pods.
 */
export class PodCounter {
  readonly matcher: PodMatcher
  readonly #byNode: Column
  readonly #byDomain = new Map<string, Column>()
  readonly #slots: () => Iterable<number>
  readonly #topology: (key: string) => Topology
  #total = 0

  constructor(matcher: PodMatcher, capacity: number, slots: () => Iterable<number>, topology: (key: string) => Topology) {
    this.matcher = matcher
    this.#byNode = new Column(capacity)
    this.#slots = slots
    this.#topology = topology
  }

  get total(): number {
    return this.#total
  }

  onNode(slot: number): number {
    return this.#byNode.get(slot)
  }

  /** Matching pods by the domain numbers of one topology key. */
  byDomain(key: string): Column {
    const known = this.#byDomain.get(key)
    if (known !== undefined) return known
    const topology = this.#topology(key)
    const counts = new Column(topology.domains)
    for (const slot of this.#slots()) {
      const domain = topology.domainOf(slot)
      if (domain >= 0) counts.add(domain, this.#byNode.get(slot))
    }
    this.#byDomain.set(key, counts)
    return counts
  }

  /** `amount` more (or, below 0, fewer) matching pods on a node. */
  add(slot: number, amount: number): void {
    this.#total += amount
    this.#byNode.add(slot, amount)
    for (const [key, counts] of this.#byDomain) {
      const domain = this.#topology(key).domainOf(slot)
      if (domain >= 0) counts.add(domain, amount)
    }
  }

  /** The labels of nodes have changed: what was summed by domain is out of date. */
  forgetDomains(): void {
    this.#byDomain.clear()
  }

  forgetNode(slot: number): void {
    this.add(slot, -this.#byNode.get(slot))
  }
}
