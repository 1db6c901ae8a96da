import { Counters, type MetricText } from '#base'

/** How tokens of service accounts are recognized. */
export class TokenMetrics {
  readonly #requests = new Counters(
    { name: 'authentication_token_cache_request_total', help: 'Tokens of service accounts, by whether their signature was known.' },
    ['status'],
  )
  readonly #fetches = new Counters(
    { name: 'authentication_token_cache_fetch_total', help: 'Signatures that had to be checked, by what came of it.' },
    ['status'],
  )
  readonly #valid = new Counters({ name: 'serviceaccount_valid_tokens_total', help: 'Uses of tokens that are good.' }, [])
  readonly #hits = this.#requests.of('hit')
  readonly #misses = this.#requests.of('miss')
  readonly #good = this.#valid.of()

  known(): void {
    this.#hits.value++
  }
  checked(isOurs: boolean): void {
    this.#misses.value++
    this.#fetches.of(isOurs ? 'ok' : 'error').value++
  }
  accepted(): void {
    this.#good.value++
  }

  write(text: MetricText): void {
    for (const family of [this.#requests, this.#fetches, this.#valid]) family.write(text)
  }
}
