import { Histograms, type MetricText } from '#base'

const HOUR = 3600
const DAY = 24 * HOUR
const BOUNDS = [0, HOUR / 2, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 180 * DAY, 360 * DAY]

/** How long the certificates of clients are still good: whoever looks after a cluster wants to know before they end. */
export class CertificateMetrics {
  readonly #left = new Histograms(
    { name: 'apiserver_client_certificate_expiration_seconds', help: 'Time that the certificate of a request is still good.' },
    [],
    BOUNDS,
  )
  readonly #all = this.#left.of()

  shown(secondsLeft: number): void {
    this.#all.observe(secondsLeft)
  }
  write(text: MetricText): void {
    this.#left.write(text)
  }
}
