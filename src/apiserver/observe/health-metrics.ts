import { Counters, type MetricDefinition, type MetricText } from '#base'

const STATE: MetricDefinition = {
  name: 'kubernetes_healthcheck',
  help: 'Result of a health check when it was last made: 1 is well.',
  type: 'gauge',
}

/** Results of the health checks, which `/metrics/slis` shows. */
export class HealthMetrics {
  readonly #last = new Map<string, { readonly name: string; readonly type: string; readonly value: number }>()
  readonly #total = new Counters({ name: 'kubernetes_healthchecks_total', help: 'Health checks that were made, by result.' }, [
    'name',
    'type',
    'status',
  ])

  checked(name: string, type: string, isWell: boolean): void {
    this.#last.set(`${type}/${name}`, { name, type, value: isWell ? 1 : 0 })
    this.#total.of(name, type, isWell ? 'success' : 'error').value++
  }
  write(text: MetricText): void {
    if (this.#last.size === 0) return
    text.family(STATE)
    for (const { name, type, value } of this.#last.values()) text.sample(STATE.name, { name, type }, value)
    this.#total.write(text)
  }
}
