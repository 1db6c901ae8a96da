import type { Clock, MetricText } from '#base'
import { AccessMetrics } from './access-metrics.ts'
import { AdmissionMetrics } from './admission-metrics.ts'
import { AuditMetrics } from './audit-metrics.ts'
import { HealthMetrics } from './health-metrics.ts'
import { ReadMetrics } from './read-metrics.ts'
import { RequestMetrics } from './request-metrics.ts'
import { RuleMetrics } from './rule-metrics.ts'
import { type ResourceOfKey, StoreMetrics } from './store-metrics.ts'
import { WatchMetrics } from './watch-metrics.ts'

/** Writes what somebody else has counted. */
export type MetricSource = (text: MetricText) => void

/** All that the server counts, by who counts it. */
export class ServerMetrics {
  readonly requests = new RequestMetrics()
  readonly access = new AccessMetrics()
  readonly admission = new AdmissionMetrics()
  readonly audit = new AuditMetrics()
  readonly watches = new WatchMetrics()
  readonly reads = new ReadMetrics()
  readonly health = new HealthMetrics()
  readonly store: StoreMetrics
  /** Of custom kinds. */
  readonly rules: RuleMetrics
  readonly #sources: MetricSource[] = []

  constructor(clock: Clock, resourceOf: ResourceOfKey) {
    this.rules = new RuleMetrics(clock)
    this.store = new StoreMetrics(resourceOf)
  }

  /** What else is shown at `/metrics`. */
  add(source: MetricSource): void {
    this.#sources.push(source)
  }

  write(text: MetricText): void {
    const parts = [this.requests, this.access, this.admission, this.audit, this.watches, this.reads, this.store, this.rules]
    for (const part of parts) part.write(text)
    for (const source of this.#sources) source(text)
  }
}
