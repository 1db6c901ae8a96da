import { type Answered, Counts, type PodCounts } from './counts.ts'

/** Counts of everything that goes through a gateway, since it began. Memory is for those who get requests alone. */
export class Measurements {
  /** Of one gateway that runs: counts of another one cannot be compared with them. */
  readonly instance: string
  readonly sinceMs: number
  /** By key of the backend: `namespace/service:port`. */
  readonly #backends = new Map<string, Counts>()
  /** By `address:port`. */
  readonly #pods = new Map<string, PodCounts>()
  /** While nobody reads the counts stand still, and nothing may be concluded from that. */
  isReading = false

  constructor(instance: string, sinceMs: number) {
    this.instance = instance
    this.sinceMs = sinceMs
  }

  count(backend: string, address: string | undefined, answered: Answered): void {
    let counts = this.#backends.get(backend)
    if (counts === undefined) this.#backends.set(backend, (counts = new Counts()))
    counts.add(answered)
    if (address === undefined || answered.aborted || answered.isShed) return
    let pod = this.#pods.get(address)
    if (pod === undefined) this.#pods.set(address, (pod = { requests: 0, errors: 0, seconds: 0 }))
    pod.requests++
    if (answered.status >= 500 || answered.failed) pod.errors++
    pod.seconds += answered.us / 1e6
  }

  backends(): Iterable<readonly [string, Counts]> {
    return this.#backends
  }

  /** All ports of a Service (`namespace/name`) together; counts of nothing when it had no request. */
  ofService(service: string): Counts {
    const sum = new Counts()
    for (const [key, counts] of this.#backends) if (serviceIn(key) === service) sum.addAll(counts)
    return sum
  }

  /** By address, over all ports. */
  ofPods(addresses: ReadonlySet<string>): ReadonlyMap<string, PodCounts> {
    const found = new Map<string, PodCounts>()
    for (const [key, { requests, errors, seconds }] of this.#pods) {
      const address = key.slice(0, key.lastIndexOf(':'))
      if (!addresses.has(address)) continue
      const sum = found.get(address) ?? { requests: 0, errors: 0, seconds: 0 }
      found.set(address, { requests: sum.requests + requests, errors: sum.errors + errors, seconds: sum.seconds + seconds })
    }
    return found
  }

  /** Lets go of what is no more, so that a gateway does not grow with every pod that there has ever been. */
  keepOnly(backends: ReadonlySet<string>, addresses: ReadonlySet<string>): void {
    for (const key of this.#backends.keys()) if (!backends.has(key)) this.#backends.delete(key)
    for (const key of this.#pods.keys()) if (!addresses.has(key)) this.#pods.delete(key)
  }
}

export const serviceIn = (backend: string): string => backend.slice(0, backend.lastIndexOf(':'))
