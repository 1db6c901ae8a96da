/**
 * Nodes in trouble lose their pods one after another: in each zone one at once, the next when its turn has come, so that a mistake of whoever judges
 * nodes does not empty a cluster in one blow. Whose turn has come keeps it until it is forgotten. Times are monotonic.
 */
export class EvictionPace {
  readonly #lastMs = new Map<string, number>()
  readonly #begun = new Set<string>()

  /** How long this node has to wait before its evictions may begin; 0 when they may. */
  waitMs(zone: string, name: string, perSecond: number, nowMs: number): number {
    if (this.#begun.has(name)) return 0
    const lastMs = this.#lastMs.get(zone)
    const leftMs = lastMs === undefined ? 0 : lastMs + 1000 / perSecond - nowMs
    if (leftMs > 0) return leftMs
    this.#lastMs.set(zone, nowMs)
    this.#begun.add(name)
    return 0
  }

  /** The node is well again, or gone. */
  forget(name: string): void {
    this.#begun.delete(name)
  }
}
