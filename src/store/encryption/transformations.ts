import { type Clock, Counters, Histograms, type MetricText } from '#base'
import type { Cipher } from './ciphers.ts'

type Direction = 'to_storage' | 'from_storage'

/** Counts what is sealed and opened. */
export interface TransformationMeter {
  readonly clock: Clock
  done(direction: Direction, key: string, cipher: Cipher, ms: number, failed: boolean): void
}

const BOUNDS = Array.from({ length: 25 }, (_, at) => 5e-6 * 2 ** at)
const ROOT = '/registry/'

/** What is sealed before it is stored, and opened after it was read. */
export class TransformationMetrics implements TransformationMeter {
  readonly clock: Clock
  readonly #total = new Counters(
    { name: 'apiserver_storage_transformation_operations_total', help: 'Values that were encrypted or decrypted.' },
    ['resource', 'transformation_type', 'transformer_prefix', 'status'],
  )
  readonly #seconds = new Histograms(
    { name: 'apiserver_storage_transformation_duration_seconds', help: 'Time that this took.' },
    ['transformation_type', 'transformer_prefix'],
    BOUNDS,
  )

  constructor(clock: Clock) {
    this.clock = clock
  }

  done(direction: Direction, key: string, { prefix }: Cipher, ms: number, failed: boolean): void {
    this.#total.of(resourceOf(key), direction, prefix, failed ? 'Unknown' : 'OK').value++
    this.#seconds.of(direction, prefix).observe(ms / 1000)
  }

  write(text: MetricText): void {
    this.#total.write(text)
    this.#seconds.write(text)
  }
}

/** Groups have dots: `/registry/secrets/…`, `/registry/example.com/widgets/…`. */
function resourceOf(key: string): string {
  const [first = '', second = ''] = key.slice(ROOT.length).split('/', 2)
  return first.includes('.') ? `${second}.${first}` : first
}

/** Does it, and says how that went. */
export function metered<T extends Uint8Array | Promise<Uint8Array>>(
  meter: TransformationMeter | undefined,
  direction: Direction,
  key: string,
  cipher: Cipher,
  run: () => T,
): T {
  if (meter === undefined) return run()
  const startedAt = meter.clock.monotonic()
  const done = (failed: boolean): void => meter.done(direction, key, cipher, meter.clock.monotonic() - startedAt, failed)
  let answer: T
  try {
    answer = run()
  } catch (error) {
    done(true)
    throw error
  }
  if (!(answer instanceof Promise)) done(false)
  else
    answer.then(
      () => done(false),
      () => done(true),
    )
  return answer
}
