import type { Version } from './version.ts'

/**
 * Keeps the values written or read last in memory, up to a number of bytes: replayed watches and the `previous` of events
 * rarely need the disk then. First in, first out.
 */
export class RecentValues {
  readonly #capacityBytes: number
  #queue: Version[] = []
  #start = 0
  #bytes = 0

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  /** `version.value` is there, and stays until newer values take the room. */
  add(version: Version): void {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return
    this.#queue.push(version)
    this.#bytes += costOf(version)
    while (this.#bytes > this.#capacityBytes) this.#evict()
  }

  #evict(): void {
    const version = this.#queue[this.#start] as Version
    this.#bytes -= costOf(version)
    version.value = undefined
    this.#start++
    if (this.#start * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#start)
    this.#start = 0
  }
}

/** The value and what remembering it takes, so that many empty values have an end too. */
function costOf(version: Version): number {
  return (version.value?.byteLength ?? 0) + 128
}
