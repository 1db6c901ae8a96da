import { type Cell, Counters, type Histogram, Histograms, type MetricText } from '#base'

/** The bounds of kube-apiserver: each twice the one before. */
const BOUNDS = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at)

const FILTER_BOUNDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 5, 10, 15, 30]

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
  readonly #filters = new Histograms(
    { name: 'apiserver_request_filter_duration_seconds', help: 'Time that requests spend before they are worked on, by the step.' },
    ['filter'],
    FILTER_BOUNDS,
  )
  readonly #handshakes = new Counters(
    { name: 'apiserver_tls_handshake_errors_total', help: 'Connections whose TLS handshake has failed.' },
    [],
  )
  readonly #authentication = this.#filters.of('authentication')
  readonly #authorization = this.#filters.of('authorization')
  readonly #turn = this.#filters.of('priorityandfairness')
  readonly #other: Cell = this.#users.of('other')
  readonly #outcomes = outcomes(['success', 'failure', 'error'] as const, this.#attempts, this.#recognizing)
  readonly #verdicts = outcomes(['allowed', 'denied', 'no-opinion', 'error'] as const, this.#decisions, this.#judging)

  /** `user`: the name, where somebody was recognized. */
  recognized(result: 'success' | 'failure' | 'error', seconds: number, user = ''): void {
    if (result === 'success') this.#userCell(user).value++
    count(this.#outcomes[result], seconds)
    this.#authentication.observe(seconds)
  }
  #userCell(user: string): Cell {
    if (KNOWN_USERS.has(user)) return this.#users.of(user)
    return user.includes('@') ? this.#users.of('email_id') : this.#other
  }
  judged(result: 'allowed' | 'denied' | 'no-opinion' | 'error', seconds: number): void {
    count(this.#verdicts[result], seconds)
    this.#authorization.observe(seconds)
  }
  handshakeFailed(): void {
    this.#handshakes.of().value++
  }
  /** A request has been given its turn, or turned away. */
  waited(seconds: number): void {
    this.#turn.observe(seconds)
  }
  write(text: MetricText): void {
    for (const family of [this.#users, this.#attempts, this.#recognizing, this.#decisions, this.#judging, this.#filters, this.#handshakes])
      family.write(text)
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
