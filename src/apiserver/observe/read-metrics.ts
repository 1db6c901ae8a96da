import { type Cell, Counters, type MetricText } from '#base'

interface Kind {
  readonly group: string
  readonly plural: string
}

/** What reads of lists find in the watch caches. */
export interface ListMeter {
  readonly lists: Cell
  readonly returned: Cell
  readonly consistent: Cell
}

export class ReadMetrics {
  readonly #lists = new Counters({ name: 'apiserver_cache_list_total', help: 'Lists that were read from a watch cache.' }, [
    'group',
    'resource',
    'index',
  ])
  readonly #returned = new Counters(
    { name: 'apiserver_cache_list_returned_objects_total', help: 'Objects that lists read from a watch cache have returned.' },
    ['group', 'resource'],
  )
  readonly #consistent = new Counters(
    { name: 'apiserver_watch_cache_consistent_read_total', help: 'Lists of the newest state that were read from a watch cache.' },
    ['group', 'resource', 'success', 'fallback'],
  )
  readonly #meters = new WeakMap<object, ListMeter>()

  /** `owner`: what stands for the kind, and lives as long. */
  meter(owner: object, { group, plural }: Kind): ListMeter {
    let meter = this.#meters.get(owner)
    if (meter === undefined) {
      meter = {
        lists: this.#lists.of(group, plural, ''),
        returned: this.#returned.of(group, plural),
        consistent: this.#consistent.of(group, plural, 'true', 'false'),
      }
      this.#meters.set(owner, meter)
    }
    return meter
  }

  write(text: MetricText): void {
    for (const family of [this.#lists, this.#returned, this.#consistent]) family.write(text)
  }
}
