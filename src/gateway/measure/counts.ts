import { BUCKETS, bucketOf } from './histogram.ts'

/** What one request was, as the data plane saw it. */
export interface Answered {
  /** 0 or -1: there was none. */
  readonly status: number
  /** From the request's first byte to the answer's last one. */
  readonly us: number
  /** No server was there, none could be reached, or one broke its answer off. */
  readonly failed: boolean
  /** The client went away, or what it sent was no request: nothing that a server could be blamed for. */
  readonly aborted: boolean
  /** The gateway has answered in the place of a server: as a policy says, or since nobody had room in time. */
  readonly isShed: boolean
}

/** Counts of one backend since the gateway began; they only grow. */
export class Counts {
  /** Requests that were answered, or should have been: aborted ones are not among them. */
  requests = 0
  /** Of those, answers of 5xx, the gateway's own included, and answers that were broken off. */
  errors = 0
  /** Of the errors, those that no server has chosen to give. */
  failed = 0
  aborted = 0
  /** Requests that no server was to see, by a policy; in no other figure. */
  shed = 0
  /** By hundreds of the status: 1xx to 5xx. */
  readonly classes = new Float64Array(6)
  seconds = 0
  readonly buckets = new Float64Array(BUCKETS)

  add({ status, us, failed, aborted, isShed }: Answered): void {
    if (isShed) {
      this.shed++
      return
    }
    if (aborted) {
      this.aborted++
      return
    }
    this.requests++
    const hundreds = status >= 100 && status < 600 ? Math.floor(status / 100) : 5
    this.classes[hundreds] = (this.classes[hundreds] ?? 0) + 1
    if (hundreds === 5 || failed) this.errors++
    if (failed) this.failed++
    // A connection that was changed to another protocol ends when its owners like.
    if (status === 101) return
    this.seconds += us / 1e6
    const bucket = bucketOf(us)
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
  }

  addAll(other: Counts): void {
    this.requests += other.requests
    this.errors += other.errors
    this.failed += other.failed
    this.aborted += other.aborted
    this.shed += other.shed
    this.seconds += other.seconds
    for (let at = 0; at < this.classes.length; at++) this.classes[at] = (this.classes[at] ?? 0) + (other.classes[at] ?? 0)
    for (let at = 0; at < BUCKETS; at++) this.buckets[at] = (this.buckets[at] ?? 0) + (other.buckets[at] ?? 0)
  }

  copy(): Counts {
    const copy = new Counts()
    copy.addAll(this)
    return copy
  }
}

/** Counts of one pod's address; without a histogram, since there are many. */
export interface PodCounts {
  requests: number
  errors: number
  seconds: number
}
