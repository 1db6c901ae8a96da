import { type Cell, Counters, type Histogram, Histograms, type MetricText } from '#base'

export type StoreOperation = 'create' | 'update' | 'delete' | 'get' | 'list'

/** Group and resource that lie under a key; undefined for what is no object. */
export type ResourceOfKey = (key: string) => { readonly group: string; readonly plural: string } | undefined

interface Meter {
  readonly requests: Cell
  readonly errors: Cell
  readonly seconds: Histogram
}

const ROOT = '/registry/'.length
const KIND = ['group', 'resource'] as const

/** What is asked of the store, under the names that it has where the store is etcd. */
export class StoreMetrics {
  readonly #requests = new Counters({ name: 'etcd_requests_total', help: 'What was asked of the store, of whatever kind it is.' }, [
    'operation',
    'group',
    'resource',
  ])
  readonly #errors = new Counters({ name: 'etcd_request_errors_total', help: 'What was asked of the store and failed.' }, [
    'operation',
    'group',
    'resource',
  ])
  readonly #seconds = new Histograms(
    { name: 'etcd_request_duration_seconds', help: 'Time that the store took; of writes until they were on disk.' },
    ['operation', 'group', 'resource'],
    [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
  )
  readonly #lists = new Counters({ name: 'apiserver_storage_list_total', help: 'Lists that were read from the store.' }, KIND)
  readonly #fetched = new Counters({ name: 'apiserver_storage_list_fetched_objects_total', help: 'Objects that they read.' }, KIND)
  readonly #returned = new Counters({ name: 'apiserver_storage_list_returned_objects_total', help: 'Objects that they returned.' }, KIND)
  readonly #resourceOf: ResourceOfKey
  /** By operation and the folder of the key. */
  readonly #meters = new Map<StoreOperation, Map<string, Meter>>()

  constructor(resourceOf: ResourceOfKey) {
    this.#resourceOf = resourceOf
  }

  done(operation: StoreOperation, key: string, ms: number, failed: boolean): void {
    const meter = this.#meter(operation, key)
    if (meter === undefined) return
    meter.requests.value++
    meter.seconds.observe(ms / 1000)
    if (failed) meter.errors.value++
  }

  /** A list has been read. */
  listed(key: string, count: number): void {
    const resource = this.#resourceOf(key)
    if (resource === undefined) return
    const { group, plural } = resource
    this.#lists.of(group, plural).value++
    this.#fetched.of(group, plural).value += count
    this.#returned.of(group, plural).value += count
  }

  #meter(operation: StoreOperation, key: string): Meter | undefined {
    let meters = this.#meters.get(operation)
    if (meters === undefined) this.#meters.set(operation, (meters = new Map()))
    const folder = folderOf(key)
    const known = meters.get(folder)
    if (known !== undefined) return known
    const resource = this.#resourceOf(key)
    if (resource === undefined) return undefined
    const meter = this.#make(operation, resource.group, resource.plural)
    meters.set(folder, meter)
    return meter
  }

  #make(operation: StoreOperation, group: string, resource: string): Meter {
    return {
      requests: this.#requests.of(operation, group, resource),
      errors: this.#errors.of(operation, group, resource),
      seconds: this.#seconds.of(operation, group, resource),
    }
  }

  write(text: MetricText): void {
    for (const family of [this.#requests, this.#errors, this.#seconds, this.#lists, this.#fetched, this.#returned]) family.write(text)
  }
}

/** Groups have dots, and so have two parts where core kinds have one; Services have two for what they are. */
function folderOf(key: string): string {
  const first = key.indexOf('/', ROOT)
  if (first === -1) return key
  const dot = key.indexOf('.', ROOT)
  if ((dot === -1 || dot > first) && !key.startsWith('services/', ROOT)) return key.slice(ROOT, first)
  const second = key.indexOf('/', first + 1)
  return second === -1 ? key.slice(ROOT) : key.slice(ROOT, second)
}
