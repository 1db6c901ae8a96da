import { connect as connectHttp2 } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { type Scope, isCancelled, messageOf } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { type Channel, openChannel } from '../cri/grpc/channel.ts'
import type { Methods } from '../cri/grpc/descriptors.ts'
import type { Plugin, PluginHandler } from '../plugins/plugin-registry.ts'
import { RuntimeError } from '../cri/runtime.ts'
import { PluginRefused } from '../refusal.ts'
import type { DeviceHealth } from './device-health.ts'
import { type ClaimMessage, DRIVER_SERVICES, type DriverService, type PreparedDevice, driverMethods } from './driver-api.ts'
import { type DeviceHealthMessage, healthMethods } from './health-api.ts'

/** A driver that is updated has so long to come back before nobody is sent to its devices any more. */
const GONE_AFTER_MS = 30_000
const CALL_MS = 45_000
const RETRY_MS = 5000
const LOOK_AGAIN_MS = 1000
const MOST_BYTES = 16 * 2 ** 20

interface Instance {
  readonly endpoint: string
  readonly methods: Methods
}

export interface DriversParts {
  readonly client: Client
  readonly nodeName: string
  /** A driver has come (back): what waits for one may go on. */
  readonly came: (driver: string) => void
  readonly health: DeviceHealth
}

/** The drivers of dynamic resources on this node. What a driver that is not here has announced of the node is taken back. */
export class ResourceDrivers {
  readonly #parts: DriversParts
  /** The newest last: during an update there are two. */
  readonly #instances = new Map<string, Instance[]>()
  readonly #leaving = new Map<string, { cancel(): void }>()

  constructor(parts: DriversParts) {
    this.#parts = parts
  }

  /** None has registered yet: nobody shall be sent to devices of a driver that may never come. Drivers announce them anew. */
  start(scope: Scope): void {
    void this.#withdraw(scope, undefined)
  }

  handler(scope: Scope): PluginHandler {
    return {
      validate: ({ name, endpoint, versions }) => {
        try {
          serviceOf(versions)
        } catch (error) {
          throw new PluginRefused(
            `invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${endpoint}: ${messageOf(error)}`,
          )
        }
      },
      register: async (life, plugin) => this.#register(scope, life, plugin),
    }
  }

  #register(scope: Scope, life: Scope, { name, endpoint, versions }: Plugin): void {
    const instance = { endpoint, methods: driverMethods(serviceOf(versions)) }
    const leave = (): void => {
      const left = (this.#instances.get(name) ?? []).filter((one) => one !== instance)
      this.#instances.set(name, left)
      if (left.length > 0 || scope.signal.aborted || this.#leaving.has(name)) return
      this.#leaving.set(
        name,
        scope.clock.after(GONE_AFTER_MS, () => void this.#withdraw(scope, name), { background: true }),
      )
    }
    const come = (): void => {
      this.#leaving.get(name)?.cancel()
      this.#leaving.delete(name)
      this.#instances.set(name, [...(this.#instances.get(name) ?? []).filter((one) => one !== instance), instance])
      this.#parts.came(name)
    }
    come()
    life.signal.addEventListener('abort', leave, { once: true })
    void this.#watch(life, instance, come, leave)
    void this.#followHealth(life, name, endpoint)
  }

  /** A driver that is killed leaves its sockets behind: that it is there is told by a connection that stands. */
  async #watch(life: Scope, { endpoint }: Instance, come: () => void, leave: () => void): Promise<void> {
    for (let isBack = false; !life.signal.aborted; isBack = true) {
      const session = connectHttp2('http://localhost', { createConnection: () => connectSocket({ path: endpoint }) })
      const close = (): void => session.destroy()
      life.signal.addEventListener('abort', close, { once: true })
      await new Promise<void>((resolve) => {
        session.once('close', resolve).on('error', () => undefined)
        if (isBack) session.once('connect', come)
      })
      life.signal.removeEventListener('abort', close)
      if (life.signal.aborted) return
      leave()
      await life.sleep(LOOK_AGAIN_MS).catch(() => undefined)
    }
  }

  /** Until the driver goes, or says that it does not tell. */
  async #followHealth(life: Scope, driver: string, endpoint: string): Promise<void> {
    const method = healthMethods().get('DRAResourceHealth/NodeWatchResources')
    while (!life.signal.aborted) {
      const channel = openChannel({ path: endpoint }, { readMaxBytes: MOST_BYTES })
      try {
        for await (const message of channel.stream(life, method, {}))
          this.#parts.health.note(driver, (message as { devices: readonly DeviceHealthMessage[] }).devices)
      } catch (error) {
        if (error instanceof RuntimeError && error.failure === 'unimplemented') return
        if (!isCancelled(error)) life.log.info('a driver tells no more how its devices are', { driver, error: messageOf(error) })
      } finally {
        channel.close()
        this.#parts.health.forget(driver)
      }
      await life.sleep(RETRY_MS).catch(() => undefined)
    }
  }

  /** By claim uid. Throws `PluginRefused` or `RuntimeError`. */
  async prepare(scope: Scope, driver: string, claims: readonly ClaimMessage[]): Promise<ReadonlyMap<string, readonly PreparedDevice[]>> {
    const answers = await this.#call<{ devices: readonly PreparedDevice[]; error: string }>(scope, driver, 'NodePrepareResources', claims)
    return new Map(
      [...answers].map(([uid, { devices }]) => [
        uid,
        devices.map(({ requestNames, poolName, deviceName, cdiDeviceIds, shareId }) => ({
          requestNames: [...requestNames],
          poolName,
          deviceName,
          cdiDeviceIds: [...cdiDeviceIds],
          shareId,
        })),
      ]),
    )
  }

  async unprepare(scope: Scope, driver: string, claims: readonly ClaimMessage[]): Promise<void> {
    await this.#call(scope, driver, 'NodeUnprepareResources', claims)
  }

  async #call<T extends { readonly error: string }>(
    scope: Scope,
    driver: string,
    name: string,
    claims: readonly ClaimMessage[],
  ): Promise<ReadonlyMap<string, T>> {
    const instance = this.#instances.get(driver)?.at(-1)
    if (instance === undefined) throw new PluginRefused(`DRA driver ${driver} is not registered`)
    const channel: Channel = openChannel({ path: instance.endpoint }, { readMaxBytes: MOST_BYTES })
    try {
      const answer = (await channel.unary(scope, instance.methods.get(`DRAPlugin/${name}`), { claims }, { timeoutMs: CALL_MS })) as {
        claims: Readonly<Record<string, T>>
      }
      const results = new Map(Object.entries(answer.claims))
      for (const [uid, { error }] of results) {
        const claim = claims.find((one) => one.uid === uid)
        if (claim === undefined) throw new PluginRefused(`${name} returned result for unknown claim UID ${uid}`)
        if (error !== '') throw new PluginRefused(`${name} failed for ResourceClaim ${claim.name}: ${error}`)
      }
      if (results.size !== claims.length) throw new PluginRefused(`${name} skipped ${claims.length - results.size} ResourceClaims`)
      return results
    } finally {
      channel.close()
    }
  }

  async #withdraw(scope: Scope, driver: string | undefined): Promise<void> {
    const fieldSelector = [`spec.nodeName=${this.#parts.nodeName}`, ...(driver === undefined ? [] : [`spec.driver=${driver}`])].join(',')
    const isBack = (): boolean => driver !== undefined && (this.#instances.get(driver) ?? []).length > 0
    while (!scope.signal.aborted && !isBack()) {
      try {
        const slices = this.#parts.client.resource(refs.resourceslices)
        await slices.deleteCollection(scope, { fieldSelector })
        return
      } catch (error) {
        if (isCancelled(error)) return
        scope.log.warn('what drivers have announced of this node could not be taken back', { error: messageOf(error) })
        await scope.sleep(RETRY_MS).catch(() => undefined)
      }
    }
  }
}

function serviceOf(versions: readonly string[]): DriverService {
  const service = DRIVER_SERVICES.find((one) => versions.includes(one))
  if (service === undefined)
    throw new PluginRefused(
      `none of the services supported by the plugin (${versions.join(', ')}) are supported: ${DRIVER_SERVICES.join(', ')}`,
    )
  return service
}
