import { type Scope, isCancelled, messageOf, nameSuffix } from '#base'
import type { Client } from '#client'
import type { GatewayModel } from '../model/model.ts'
import { Measurements } from './measurements.ts'
import { ObservedRoutes } from './observed-routes.ts'
import { type Observer, RequestLog } from './request-log.ts'

const REGISTER_AGAIN_MS = 10_000
/** Somebody may have taken the registration away, or made it only now. */
const LOOK_AGAIN_MS = 60_000

/** What a gateway counts, and who may see it. */
export class MeasureWork {
  readonly measurements: Measurements
  readonly log: RequestLog
  readonly routes: ObservedRoutes
  readonly #client: Client
  readonly #observer: Observer

  constructor(scope: Scope, client: Client, socketPath: string, observer: Observer) {
    const nowMs = scope.clock.now()
    this.measurements = new Measurements(`${nowMs.toString(36)}-${nameSuffix(scope.random)}`, nowMs)
    this.routes = new ObservedRoutes(scope.log)
    this.log = new RequestLog(socketPath, this.measurements, this.routes, observer)
    this.#client = client
    this.#observer = observer
  }

  /** Forgets what the model does not know any more. */
  keepOnly(model: GatewayModel): void {
    const backends = new Set(model.backends())
    const addresses = new Set([...backends].flatMap((key) => model.addresses(key) ?? []))
    this.measurements.keepOnly(backends, addresses)
  }

  /** Resolves when it answers; says so to the cluster then, again and again until the scope ends. */
  async serve(scope: Scope, address: string, port: number, linesLost: (scope: Scope) => Promise<number>): Promise<number> {
    // Whoever measures for nobody does without certificates and a server.
    const [{ startMeasureServer }, { Answers }, { makeCertificate, register }, { metricText }] = await Promise.all([
      import('./api/server.ts'),
      import('./api/answers.ts'),
      import('./api/register.ts'),
      import('./metric-text.ts'),
    ])
    const registration = await makeCertificate(scope, address)
    const server = await startMeasureServer(scope, {
      client: this.#client,
      address,
      port,
      certificate: registration.certificate,
      answers: new Answers(this.#client, this.measurements),
      prometheus: async (within) => metricText(this.measurements, await linesLost(within), this.#observer.breakers(), this.routes.routes()),
    })
    scope.log.info('measurements are served', { address, port: server.port })
    void this.#keepRegistered(scope, () => register(scope, this.#client, registration, address, server.port))
    return server.port
  }

  async #keepRegistered(scope: Scope, register: () => Promise<readonly string[]>): Promise<void> {
    let told = ''
    while (!scope.signal.aborted) {
      let nextMs = LOOK_AGAIN_MS
      try {
        const elsewhere = (await register()).join(', ')
        if (elsewhere !== told && elsewhere !== '') scope.log.warn('these APIs do not lead here', { apiServices: elsewhere })
        told = elsewhere
      } catch (error) {
        if (isCancelled(error)) return
        scope.log.warn('the cluster could not be told where measurements are', { error: messageOf(error) })
        nextMs = REGISTER_AGAIN_MS
      }
      await scope.sleep(nextMs).catch(() => undefined)
    }
  }
}
