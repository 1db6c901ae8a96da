import type { MetricFamily, MetricSample } from '#base'
import type { core } from '#api'

/** Upper bounds in seconds: the usual ones of Prometheus' libraries. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

interface Tally {
  readonly labels: Readonly<Record<string, string>>
  readonly uid: string
  successful: number
  failed: number
  sumSeconds: number
  /** One for each bucket, and one for what took longer. */
  readonly within: number[]
}

/** How often the probes of the node's containers succeeded and failed, and how long the answers took. A container that has ended is told of no more. */
export class ProbeTally {
  readonly #tallies = new Map<string, Map<string, Tally>>()

  /** `kind`: `Startup`, `Readiness`, `Liveness`. */
  note(containerId: string, pod: core.Pod, container: string, kind: string, result: 'success' | 'failure', seconds: number): void {
    const own = this.#tallies.get(containerId) ?? new Map<string, Tally>()
    this.#tallies.set(containerId, own)
    const tally = own.get(kind) ?? newTally(pod, container, kind)
    own.set(kind, tally)
    if (result === 'failure') return void tally.failed++
    tally.successful++
    tally.sumSeconds += seconds
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
    const place = bucket === -1 ? BUCKETS.length : bucket
    tally.within[place] = (tally.within[place] ?? 0) + 1
  }

  forget(containerId: string): void {
    this.#tallies.delete(containerId)
  }

  families(): readonly MetricFamily[] {
    const all = [...this.#tallies.values()].flatMap((own) => [...own.values()])
    return [
      {
        name: 'prober_probe_duration_seconds',
        help: 'Duration in seconds for a probe response.',
        type: 'histogram',
        samples: all.filter(({ successful }) => successful > 0).flatMap(durations),
      },
      {
        name: 'prober_probe_total',
        help: 'Cumulative number of a liveness, readiness or startup probe for a container by result.',
        type: 'counter',
        samples: all.flatMap(({ labels, uid, successful, failed }) =>
          Object.entries({ successful, failed })
            .filter(([, value]) => value > 0)
            .map(([result, value]) => ({ labels: { ...labels, pod_uid: uid, result }, value })),
        ),
      },
    ]
  }
}

const newTally = ({ metadata }: core.Pod, container: string, kind: string): Tally => ({
  labels: { container, namespace: metadata?.namespace ?? '', pod: metadata?.name ?? '', probe_type: kind },
  uid: metadata?.uid ?? '',
  successful: 0,
  failed: 0,
  sumSeconds: 0,
  within: new Array<number>(BUCKETS.length + 1).fill(0),
})

function durations({ labels, within, sumSeconds, successful }: Tally): readonly MetricSample[] {
  let sum = 0
  const buckets = [...BUCKETS.map(String), '+Inf'].map((le, i): MetricSample => {
    sum += within[i] ?? 0
    return { part: 'bucket', labels: { ...labels, le }, value: sum }
  })
  return [...buckets, { part: 'sum', labels, value: sumSeconds }, { part: 'count', labels, value: successful }]
}
