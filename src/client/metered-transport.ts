import { Counters, Histograms, type MetricText } from '#base'
import type { Transport } from './transport.ts'

/** What the clients of one process ask servers for. */
export class ClientMetrics {
  readonly #requests = new Counters({ name: 'rest_client_requests_total', help: 'Requests to API servers, by the status of the answer.' }, [
    'code',
    'host',
    'method',
  ])
  readonly #seconds = new Histograms(
    { name: 'rest_client_request_duration_seconds', help: 'Time until the answer of an API server began.' },
    ['host', 'verb'],
    [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
  )

  /** The same transport, counted. */
  meter(transport: Transport): Transport {
    const { server: host } = transport
    return {
      server: host,
      close: () => transport.close(),
      send: async (scope, request) => {
        const startedMs = scope.clock.monotonic()
        const { method } = request
        const done = (code: string): void => {
          this.#requests.of(code, host, method).value++
          this.#seconds.of(host, method).observe((scope.clock.monotonic() - startedMs) / 1000)
        }
        try {
          const answer = await transport.send(scope, request)
          done(String(answer.status))
          return answer
        } catch (error) {
          done('<error>')
          throw error
        }
      },
    }
  }

  write(text: MetricText): void {
    this.#requests.write(text)
    this.#seconds.write(text)
  }
}
