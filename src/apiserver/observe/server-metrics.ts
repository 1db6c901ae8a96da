import type { MetricText } from '#base'
import { AccessMetrics } from './access-metrics.ts'
import { AdmissionMetrics } from './admission-metrics.ts'
import { AuditMetrics } from './audit-metrics.ts'
import { HealthMetrics } from './health-metrics.ts'
import { ReadMetrics } from './read-metrics.ts'
import { RequestMetrics } from './request-metrics.ts'
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
  readonly #sources: MetricSource[] = []

  constructor(resourceOf: ResourceOfKey) {
    this.store = new StoreMetrics(resourceOf)
  }

  /** What else is shown at `/metrics`. */
  add(source: MetricSource): void {
    this.#sources.push(source)
  }

  write(text: MetricText): void {
    for (const part of [this.requests, this.access, this.admission, this.audit, this.watches, this.reads, this.store]) part.write(text)
    for (const source of this.#sources) source(text)
  }
}
