import { type Cell, Counters, type Histogram, Histograms, type MetricText } from '#base'

/** What the watches of one kind and version count. */
export interface WatchMeter {
  readonly events: Cell
  readonly sizes: Histogram
  readonly initial: Cell
  readonly cutOff: Cell
}

interface Kind {
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** Events as they are sent: one addition and one look at a table of eight for each. */
export class WatchMetrics {
  readonly #events = new Counters({ name: 'apiserver_watch_events_total', help: 'Events sent to watchers.' }, [
    'group',
    'version',
    'resource',
  ])
  readonly #sizes = new Histograms(
    { name: 'apiserver_watch_events_sizes', help: 'Bytes of events sent to watchers.' },
    ['group', 'version', 'resource'],
    Array.from({ length: 8 }, (_, at) => 1024 * 2 ** at),
  )
  readonly #initial = new Counters({ name: 'apiserver_init_events_total', help: 'Objects that watches have begun with.' }, [
    'group',
    'resource',
  ])
  readonly #cutOff = new Counters(
    { name: 'apiserver_terminated_watchers_total', help: 'Watches that were ended because the client was slower than the changes.' },
    ['group', 'resource'],
  )

  readonly #listing = new Histograms(
    { name: 'apiserver_watch_list_duration_seconds', help: 'Time until a watch that begins with all objects has told of them.' },
    ['group', 'version', 'resource', 'scope'],
    [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60],
  )

  listed({ group, version, plural }: Kind, scope: string, seconds: number): void {
    this.#listing.of(group, version, plural, scope).observe(seconds)
  }

  meter({ group, version, plural }: Kind): WatchMeter {
    return {
      events: this.#events.of(group, version, plural),
      sizes: this.#sizes.of(group, version, plural),
      initial: this.#initial.of(group, plural),
      cutOff: this.#cutOff.of(group, plural),
    }
  }

  write(text: MetricText): void {
    for (const family of [this.#events, this.#sizes, this.#initial, this.#cutOff, this.#listing]) family.write(text)
  }
}
