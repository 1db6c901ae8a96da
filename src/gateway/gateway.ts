import { type Scope, UserError } from '#base'
import { type Client, Unreachable } from '#client'
import { type ControllerDefinition, after, createEvents, createInformers, done, runControllers } from '#reconcile'
import { type Installed, installGatewayApi, makeGatewayClass } from './gateway-api/install.ts'
import { DataPlane, type DataPlaneStats } from './haproxy/data-plane.ts'
import { placesIn } from './haproxy/places.ts'
import { endHaproxy, processesOf } from './haproxy/process.ts'
import { MeasureWork } from './measure/measure-work.ts'
import { measurementOf } from './measure/measurement-of.ts'
import type { Measurements } from './measure/measurements.ts'
import type { ObservedRoute } from './measure/observed-routes.ts'
import type { GatewayModel } from './model/model.ts'
import { RouteWork } from './route-work.ts'
import { installTrafficPolicies } from './traffic/install.ts'
import { TrafficWork } from './traffic/traffic-work.ts'
import { EndedSessions } from './login/ended-sessions.ts'
import { keyFor, keyIn } from './login/sealed.ts'
import { askIssuer } from './tokens/ask-issuer.ts'
import { serveTokens } from './tokens/token-server.ts'

export interface GatewayOptions {
  readonly client: Client
  /** Belongs to this gateway alone. */
  readonly stateDir: string
  /** Where to listen (IPv4). */
  readonly address: string
  /** What Ingresses say about where they are served. */
  readonly publishedAddress: string
  /** Of the machine (IPv4), besides: each is for one Gateway that has it for itself. */
  readonly ownAddresses?: readonly string[] | undefined
  readonly httpPort: number
  readonly httpsPort: number
  /** Network namespace to listen and to connect in; the present one when absent. */
  readonly netns?: string | undefined
  /** Where measurements are served; nowhere when absent. */
  readonly measure?: { readonly address: string; readonly port: number } | undefined
  /** Which addresses routes may name for keys of tokens and for logins; absent: those that lead outward. */
  readonly mayAsk?: (ip: string) => boolean
  /** How often Secrets are read again that no change of an Ingress points to. */
  readonly secretsEveryMs?: number
}

export interface RunningGateway {
  stats(): DataPlaneStats & { readonly routes: number }
  readonly measurements: Measurements
  /** The counts of a Service as they are served. */
  measured(namespace: string, service: string): object
  /** Those that want their requests to be told of one by one. */
  observedRoutes(): Iterable<ObservedRoute>
  readonly measurePort: number | undefined
  /** Ends HAProxy once it has finished what it has. */
  stop(scope: Scope): Promise<void>
}

const SECRETS_EVERY_MS = 60_000
const SWEEP_MS = 1000
const AFTER_END_MS = 200
const API_CHECK_MS = 500
/** What there is to do, whatever has changed; the second one never keeps the first one waiting. */
const ROUTES = 'routes'
const STATUS = 'status'
const SECRETS = 'secrets'
const POLICIES = 'policies'

/**
 * Serves the Ingresses and Gateways of its classes until the scope is cancelled; HAProxy serves on then, until `stop` or the next gateway over the same folder. Resolves
 * when requests are answered; rejects with `UserError` for a folder that cannot hold its state, and when HAProxy does not start.
 */
export async function startGateway(scope: Scope, options: GatewayOptions): Promise<RunningGateway> {
  const { client } = options
  let work: RouteWork | undefined
  let served: GatewayModel | undefined
  let wake = (): void => undefined
  const first = Promise.withResolvers<void>()
  const places = placesIn(options.stateDir)
  const traffic = new TrafficWork(scope, client, places)
  const measure = new MeasureWork(scope, client, places.socket, traffic)
  const loginKey = keyIn(places.loginKey, scope.random)
  const plane = new DataPlane({
    ...options,
    places,
    affinityKey: keyFor(loginKey, 'affinity').toString('hex'),
    onEnd: () => wake(),
    policies: () => traffic.texts,
    onServe: (within, told) => {
      measure.log.follow(within, told)
      traffic.follow(told.policies)
    },
  })
  const { installed, hasPolicies } = await prepareKinds(scope, client)
  await serveTokens(scope, places, {
    token: async (id, token) => work?.tokens.judge(id, token),
    login: async (question) => work?.logins.judge(question),
  })
  const gatewayApi = installed.isUsable ? { isRecognized: installed.isRecognized } : undefined
  const definition: ControllerDefinition = {
    name: 'gateway',
    eventSource: 'sampan-gateway',
    workers: 4,
    setup(context) {
      wake = () => context.enqueue(ROUTES, AFTER_END_MS)
      const routes = new RouteWork(
        client,
        context,
        {
          ...options,
          gatewayApi,
          traffic,
          observed: measure.routes,
          loginKey,
          endedSessions: new EndedSessions(places.endedSessions, scope.random, scope.clock.now() / 1000),
          ask: (within, uri, more) => askIssuer(within, uri, { ...more, isAllowed: options.mayAsk }),
        },
        {
          onRoutes: () => context.enqueue(ROUTES),
          onStatus: () => context.enqueue(STATUS),
        },
      )
      work = routes
      if (hasPolicies)
        traffic.start(context, {
          hasService: (service) => routes.hasService(service),
          isBehind: (service) => routes.isBehind(service),
          onServers: (service) => {
            if (routes.noteServers(service)) context.enqueue(ROUTES)
          },
          onStatus: () => context.enqueue(POLICIES),
        })
      // Without an Ingress there is a listener too, which answers 404.
      context.enqueue(ROUTES)
      context.enqueue(SECRETS)
      return async (within, key) => {
        if (key === STATUS) {
          await routes.publish(within)
          return done
        }
        if (key === POLICIES) {
          await traffic.publish(within)
          return done
        }
        if (key === SECRETS) {
          if (await routes.readSecretsAgain(within)) context.enqueue(ROUTES)
          if (served !== undefined) measure.keepOnly(served)
          plane.cutLog()
          return after(options.secretsEveryMs ?? SECRETS_EVERY_MS)
        }
        const model = await routes.update(within)
        served = model
        const changes = await plane.apply(within, model).catch((error: unknown) => {
          if (error instanceof UserError) first.reject(error)
          throw error
        })
        first.resolve()
        routes.applied()
        traffic.caughtUp()
        if (routes.couldNotListen(plane.unavailable)) context.enqueue(ROUTES)
        routes.tell(changes.wishes)
        context.enqueue(STATUS)
        return (await plane.sweep(within)) > 0 ? after(SWEEP_MS) : done
      }
    },
  }
  await runControllers(scope, [definition], {
    client,
    informers: createInformers(client, { withoutManagedFields: true }),
    events: createEvents(scope, client),
  })
  const leave = (): void => {
    plane.leave()
    traffic.close()
    measure.log.close()
    first.reject(scope.signal.reason)
  }
  scope.signal.addEventListener('abort', leave, { once: true })
  await first.promise
  const measurePort =
    options.measure === undefined
      ? undefined
      : await measure.serve(scope, options.measure.address, options.measure.port, (within) => plane.linesLost(within))
  return {
    measurements: measure.measurements,
    measured: (namespace, service) => measurementOf(measure.measurements, namespace, service),
    observedRoutes: () => measure.routes.routes(),
    measurePort,
    stats: () => ({ ...plane.stats(), routes: work?.routes ?? 0 }),
    stop: (within) => plane.stop(within),
  }
}

/** Kinds that are not there are made, once the API answers. Where those of somebody else do not do, Ingresses are served alone, and the log names them. */
async function prepareKinds(scope: Scope, client: Client): Promise<{ readonly installed: Installed; readonly hasPolicies: boolean }> {
  for (;;) {
    try {
      const installed = await installGatewayApi(scope, client)
      for (const problem of installed.problems) scope.log.error('Gateway API is not served', { problem })
      if (installed.isUsable) await makeGatewayClass(scope, client)
      return { installed, hasPolicies: await installTrafficPolicies(scope, client) }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      scope.log.warn('the API is not there yet', { error: error.message })
      await scope.sleep(API_CHECK_MS)
    }
  }
}

/** Ends the HAProxy of a gateway that is gone. */
export function releaseGateway(scope: Scope, stateDir: string): Promise<void> {
  return endHaproxy(scope, placesIn(stateDir))
}

/** Those of HAProxy, of the present one first. */
export function gatewayProcesses(stateDir: string): readonly number[] {
  return processesOf(placesIn(stateDir)).toReversed()
}
