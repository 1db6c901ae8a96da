import { Counters, type Histogram, Histograms, type MetricText } from '#base'
import type { Transport, TransportAnswer } from './transport.ts'

const SIZES = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]

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

  readonly #sent = new Histograms(
    { name: 'rest_client_request_size_bytes', help: 'Bytes of the bodies of requests.' },
    ['host', 'verb'],
    SIZES,
  )
  readonly #received = new Histograms(
    { name: 'rest_client_response_size_bytes', help: 'Bytes of answers that were read as a whole.' },
    ['host', 'verb'],
    SIZES,
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
          const { body } = request
          this.#sent.of(host, method).observe(body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length)
          return this.#sized(answer, this.#received.of(host, method))
        } catch (error) {
          done('<error>')
          throw error
        }
      },
    }
  }

  #sized(answer: TransportAnswer, sizes: Histogram): TransportAnswer {
    return {
      status: answer.status,
      headers: answer.headers,
      bytes: async () => {
        const bytes = await answer.bytes()
        sizes.observe(bytes.length)
        return bytes
      },
      chunks: () => answer.chunks(),
      discard: () => answer.discard(),
    }
  }

  write(text: MetricText): void {
    for (const family of [this.#requests, this.#seconds, this.#sent, this.#received]) family.write(text)
  }
}
