import { type Cell, Counters, type Histogram, Histograms, type MetricText } from '#base'

/** The bounds of kube-apiserver: each twice the one before. */
const BOUNDS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at)

const KNOWN_USERS: ReadonlySet<string> = new Set(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default'])

/** How those who send requests were recognized, and whether they were let in. */
export class AccessMetrics {
  readonly #users = new Counters(
    { name: 'authenticated_user_requests', help: 'Requests of users who were recognized; all names but a few are other.' },
    ['username'],
  )
  readonly #attempts = new Counters({ name: 'authentication_attempts', help: 'Attempts to recognize who sends a request, by result.' }, [
    'result',
  ])
  readonly #recognizing = new Histograms(
    { name: 'authentication_duration_seconds', help: 'Time to recognize who sends a request, by result.' },
    ['result'],
    BOUNDS,
  )
  readonly #decisions = new Counters(
    { name: 'authorization_attempts_total', help: 'Requests judged by the authorizers, by result: allowed, denied, no-opinion or error.' },
    ['result'],
  )
  readonly #judging = new Histograms(
    { name: 'authorization_duration_seconds', help: 'Time to judge whether a request is allowed, by result.' },
    ['result'],
    BOUNDS,
  )
  readonly #other: Cell = this.#users.of('other')
  readonly #outcomes = outcomes(['success', 'failure', 'error'] as const, this.#attempts, this.#recognizing)
  readonly #verdicts = outcomes(['allowed', 'denied', 'no-opinion', 'error'] as const, this.#decisions, this.#judging)

  /** `user`: the name, where somebody was recognized. */
  recognized(result: 'success' | 'failure' | 'error', seconds: number, user = ''): void {
    if (result === 'success') this.#userCell(user).value++
    count(this.#outcomes[result], seconds)
  }
  #userCell(user: string): Cell {
    if (KNOWN_USERS.has(user)) return this.#users.of(user)
    return user.includes('@') ? this.#users.of('email_id') : this.#other
  }
  judged(result: 'allowed' | 'denied' | 'no-opinion' | 'error', seconds: number): void {
    count(this.#verdicts[result], seconds)
  }
  write(text: MetricText): void {
    for (const family of [this.#users, this.#attempts, this.#recognizing, this.#decisions, this.#judging]) family.write(text)
  }
}

interface Outcome {
  readonly count: Cell
  readonly seconds: Histogram
}
function outcomes<K extends string>(results: readonly K[], counters: Counters, histograms: Histograms): Record<K, Outcome> {
  return Object.fromEntries(results.map((result) => [result, { count: counters.of(result), seconds: histograms.of(result) }])) as Record<
    K,
    Outcome
  >
}
function count(outcome: Outcome, seconds: number): void {
  outcome.count.value++
  outcome.seconds.observe(seconds)
}
