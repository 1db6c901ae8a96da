import { type Scope, rfc3339 } from '#base'
import { refs, statusError } from '#api'
import type { Client } from '#client'
import type { Counts, PodCounts } from '../counts.ts'
import { measurementOf } from '../measurement-of.ts'
import type { Measurements } from '../measurements.ts'
import { POD_METRICS, SERVICE_METRICS, type ServiceMetric, Windows, podMetric, serviceMetric } from '../windows.ts'
import { CUSTOM } from './paths.ts'

interface Value {
  readonly name: string
  readonly value: number
}

/** The answers with figures in them. Throws `StatusError`; 503 while the figures stand still, so that nobody takes silence for no traffic. */
export class Answers {
  readonly #client: Client
  readonly #measurements: Measurements
  readonly #services: Windows<Counts>
  readonly #pods: Windows<ReadonlyMap<string, PodCounts>>

  constructor(client: Client, measurements: Measurements) {
    this.#client = client
    this.#measurements = measurements
    this.#services = new Windows((service) => measurements.ofService(service))
    this.#pods = new Windows((addresses) => measurements.ofPods(new Set(addresses.split(' '))))
  }

  /** Counts since the gateway began; who wants those of a time takes the difference of two, of the same `instance`. */
  counts(namespace: string, service: string): object {
    this.#checkReading()
    return measurementOf(this.#measurements, namespace, service)
  }

  async serviceMetric(scope: Scope, namespace: string, service: string, metric: string): Promise<object> {
    const wanted = SERVICE_METRICS.find((one) => one === metric)
    if (wanted === undefined) throw statusError.notFound({ group: CUSTOM.group, plural: `services/${metric}` }, service)
    this.#checkReading()
    if (service === '*') throw statusError.badRequest('figures of all Services at once are not served')
    const { from, to } = await this.#services.between(scope, `${namespace}/${service}`)
    const seconds = (to.atMs - from.atMs) / 1000
    const value = serviceMetric(wanted satisfies ServiceMetric, from.counts, to.counts, seconds)
    return this.#list(scope, 'Service', namespace, metric, seconds, [{ name: service, value }])
  }

  /** Of one pod, or with `*` of all that the selector is for: those without a request are among them with 0. */
  async podMetric(scope: Scope, namespace: string, pod: string, metric: string, labelSelector: string | undefined): Promise<object> {
    const wanted = POD_METRICS.find((one) => one === metric)
    if (wanted === undefined) throw statusError.notFound({ group: CUSTOM.group, plural: `pods/${metric}` }, pod)
    this.#checkReading()
    const pods = this.#client.resource(refs.pods)
    const found =
      pod === '*' ? (await pods.list(scope, { namespace, labelSelector })).items : [await pods.get(scope, { namespace, name: pod })]
    const addressed = found.flatMap(({ metadata, status }) =>
      status?.podIP === undefined || status.podIP === '' ? [] : [{ name: metadata?.name ?? '', address: status.podIP }],
    )
    if (addressed.length === 0) return this.#list(scope, 'Pod', namespace, metric, 0, [])
    const key = addressed
      .map(({ address }) => address)
      .sort()
      .join(' ')
    const { from, to } = await this.#pods.between(scope, key)
    const seconds = (to.atMs - from.atMs) / 1000
    const values = addressed.map(({ name, address }) => ({
      name,
      value: podMetric(wanted, from.counts.get(address), to.counts.get(address), seconds),
    }))
    return this.#list(scope, 'Pod', namespace, metric, seconds, values)
  }

  #checkReading(): void {
    if (!this.#measurements.isReading) throw statusError.unavailable('the gateway does not count at the moment')
  }

  #list(scope: Scope, kind: string, namespace: string, metric: string, seconds: number, values: readonly Value[]): object {
    const timestamp = rfc3339(scope.clock.now())
    return {
      kind: 'MetricValueList',
      apiVersion: `${CUSTOM.group}/${CUSTOM.version}`,
      metadata: {},
      items: values.map(({ name, value }) => ({
        describedObject: { kind, namespace, name, apiVersion: 'v1' },
        metric: { name: metric, selector: null },
        timestamp,
        windowSeconds: Math.round(seconds),
        value: quantityOf(value),
      })),
    }
  }
}

/** In micro-units below ten, else in thousandths: what a quantity can hold and what is measured. */
const quantityOf = (value: number): string => (value < 10 ? `${Math.round(value * 1e6)}u` : `${Math.round(value * 1000)}m`)
