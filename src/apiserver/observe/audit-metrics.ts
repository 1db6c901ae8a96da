import { Counters, type MetricText } from '#base'
import type { AuditSink } from '../audit/audit-record.ts'

/** How much of what is asked is written down. */
export class AuditMetrics {
  readonly #events = new Counters(
    { name: 'apiserver_audit_event_total', help: 'Audit events that were handed to the log and the webhook.' },
    [],
  )
  readonly #levels = new Counters({ name: 'apiserver_audit_level_total', help: 'Requests by how much of them is written down.' }, ['level'])
  readonly #event = this.#events.of()

  /** One for each request. */
  decided(level: string): void {
    this.#levels.of(level).value++
  }
  /** Counts what goes to a sink. */
  counting(sink: AuditSink): AuditSink {
    return {
      write: (event) => {
        this.#event.value++
        sink.write(event)
      },
      close: () => sink.close(),
    }
  }
  write(text: MetricText): void {
    this.#events.write(text)
    this.#levels.write(text)
  }
}
