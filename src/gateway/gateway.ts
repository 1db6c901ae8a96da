import { type Scope, UserError } from '#base'
import { type discovery, type networking, refs } from '#api'
import type { Client } from '#client'
import { type ControllerDefinition, after, createEvents, createInformers, done, runControllers } from '#reconcile'
import { DataPlane, type DataPlaneStats } from './haproxy/data-plane.ts'
import { placesIn } from './haproxy/places.ts'
import { endHaproxy, processesOf } from './haproxy/process.ts'
import { oursOf } from './model/classes.ts'
import { type Finding, type GatewayModel, keyOfIngress, modelOf, secretsOf } from './model/model.ts'
import { KnownServers } from './model/servers.ts'
import { Publisher } from './publish.ts'
import { Secrets } from './secrets.ts'

export interface GatewayOptions {
  readonly client: Client
  /** Belongs to this gateway alone. */
  readonly stateDir: string
  /** Where to listen (IPv4). */
  readonly address: string
  /** What Ingresses say about where they are served. */
  readonly publishedAddress: string
  readonly httpPort: number
  readonly httpsPort: number
  /** Network namespace to listen and to connect in; the present one when absent. */
  readonly netns?: string | undefined
  /** How often Secrets are read again that no change of an Ingress points to. */
  readonly secretsEveryMs?: number
}

export interface RunningGateway {
  stats(): DataPlaneStats & { readonly routes: number }
  /** Ends HAProxy once it has finished what it has. */
  stop(scope: Scope): Promise<void>
}

const SERVICE_LABEL = 'kubernetes.io/service-name'
const BY_SERVICE = 'gateway-service'
const SECRETS_EVERY_MS = 60_000
const SWEEP_MS = 1000
const AFTER_END_MS = 200
/** What there is to do, whatever has changed; the second one never keeps the first one waiting. */
const ROUTES = 'routes'
const STATUS = 'status'

/**
 * Serves the Ingresses of its class until the scope is cancelled; HAProxy serves on then, until `stop` or the next gateway over the same folder. Resolves
 * when requests are answered; rejects with `UserError` for a folder that cannot hold its state, and when HAProxy does not start.
 */
export async function startGateway(scope: Scope, options: GatewayOptions): Promise<RunningGateway> {
  const { client } = options
  let model: GatewayModel | undefined
  let wake = (): void => undefined
  const first = Promise.withResolvers<void>()
  const plane = new DataPlane({ ...options, places: placesIn(options.stateDir), onEnd: () => wake() })
  const definition: ControllerDefinition = {
    name: 'gateway',
    eventSource: 'sampan-gateway',
    workers: 2,
    setup(context) {
      wake = () => context.enqueue(ROUTES, AFTER_END_MS)
      const always = (): readonly string[] => [ROUTES]
      const ingresses = context.watch(refs.ingresses, ({ old, now }) => [leadsAsBefore(old, now) ? STATUS : ROUTES])
      const classes = context.watch(refs.ingressclasses, always)
      const services = context.watch(refs.services, ({ key }) => (model?.services.has(key) === true ? [ROUTES] : []))
      const slices = context.watch(refs.endpointslices, ({ old, now }) =>
        [old, now].some((slice) => slice !== undefined && model?.services.has(serviceOf(slice)) === true) ? [ROUTES] : [],
      )
      slices.addIndex(BY_SERVICE, (slice) => [serviceOf(slice)])
      const secrets = new Secrets(client, options.secretsEveryMs ?? SECRETS_EVERY_MS)
      const servers = new KnownServers({ service: (key) => services.get(key), slices: (key) => slices.byIndex(BY_SERVICE, key) })
      const publisher = new Publisher(client, options.publishedAddress)
      let told = new Set<string>()
      // Without an Ingress there is a listener too, which answers 404.
      context.enqueue(ROUTES)
      return async (within, key) => {
        if (key === STATUS) {
          await publisher.publish(within, (model?.served ?? []).map(keyOfIngress), (name) => ingresses.get(name))
          return done
        }
        await secrets.refresh(within, secretsOf(oursOf(ingresses.list(), classes.list())))
        servers.begin()
        model = modelOf({
          ingresses: ingresses.list(),
          classes: classes.list(),
          servers: (key, port) => servers.of(key, port),
          certificate: (key) => secrets.get(key),
          nowMs: within.clock.now(),
        })
        await plane.apply(within, model).catch((error: unknown) => {
          if (error instanceof UserError) first.reject(error)
          throw error
        })
        first.resolve()
        told = tell(model.findings, told, ({ ingress, reason, message }) => context.events.event(ingress, 'Warning', reason, message))
        context.enqueue(STATUS)
        const leaving = await plane.sweep(within)
        return after(leaving > 0 ? SWEEP_MS : (options.secretsEveryMs ?? SECRETS_EVERY_MS))
      }
    },
  }
  await runControllers(scope, [definition], { client, informers: createInformers(client), events: createEvents(scope, client) })
  scope.signal.addEventListener('abort', () => first.reject(scope.signal.reason), { once: true })
  await first.promise
  return {
    stats: () => ({ ...plane.stats(), routes: model === undefined ? 0 : model.exact.size + model.prefix.size + model.defaults.size }),
    stop: (within) => plane.stop(within),
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

/** Only the status has changed, or metadata that say nothing here. */
function leadsAsBefore(old: networking.Ingress | undefined, now: networking.Ingress | undefined): boolean {
  const [before, present] = [old?.metadata, now?.metadata]
  return (
    before?.uid !== undefined &&
    before.uid === present?.uid &&
    before.generation === present.generation &&
    before.deletionTimestamp === present.deletionTimestamp &&
    JSON.stringify(before.annotations ?? {}) === JSON.stringify(present.annotations ?? {})
  )
}

/** Each finding is told once for as long as it holds. */
function tell(findings: readonly Finding[], told: ReadonlySet<string>, say: (finding: Finding) => void): Set<string> {
  const now = new Set<string>()
  for (const finding of findings) {
    const id = `${keyOfIngress(finding.ingress)} ${finding.ingress.metadata?.uid ?? ''} ${finding.message}`
    now.add(id)
    if (!told.has(id)) say(finding)
  }
  return now
}

const serviceOf = ({ metadata }: discovery.EndpointSlice): string =>
  `${metadata?.namespace ?? ''}/${metadata?.labels?.[SERVICE_LABEL] ?? ''}`
