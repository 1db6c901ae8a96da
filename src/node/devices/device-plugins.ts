import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { type CancellableScope, type Scope, isCancelled, messageOf } from '#base'
import { type core, isExtendedResource, quantityValue } from '#api'
import type { Hint, Hints, NodeMask } from '../alignment/hints.ts'
import type { AlignedProvider } from '../alignment/provider.ts'
import { reusableBy } from '../alignment/reusable.ts'
import { serveGrpc } from '../cri/grpc/serve.ts'
import type { DeviceCounts } from '../node-object/node-resources.ts'
import { type AnyContainer, initContainersOf, isSidecar, mainContainersOf, uidOf } from '../pods/pod-facts.ts'
import type { PluginHandler } from '../plugins/plugin-registry.ts'
import { PluginRefused, PodRejected, StartRefused } from '../refusal.ts'
import { Turns } from '../turns.ts'
import { chooseDevices } from './choose-devices.ts'
import { type ContainerExtras, NO_EXTRAS, type PodResources, joinExtras } from './container-extras.ts'
import { DeviceBook, type HeldDevices } from './device-book.ts'
import { deviceHints, distanceOf } from './device-hints.ts'
import { DeviceEndpoint } from './device-endpoint.ts'
import {
  type ContainerAllocation,
  DEVICE_PLUGIN_VERSION,
  HEALTHY,
  type PluginOptions,
  type RegisterMessage,
  devicePluginMethods,
} from './device-plugin-api.ts'

/** A plugin that went may come back, as with an update of it; until then its devices are there and do not work. */
const GONE_AFTER_MS = 300_000
const SOCKET = 'kubelet.sock'
const BOOK = 'devices.json'

/** The devices of one resource, as its plugin last told. */
interface Resource {
  endpoint: DeviceEndpoint | undefined
  /** Ends the conversation with the plugin that is there. */
  life: CancellableScope | undefined
  readonly devices: Map<string, { readonly healthy: boolean; readonly numaNodes: readonly number[] }>
  goneTimer: { cancel(): void } | undefined
}

export interface DevicePluginsParts {
  /** `device-plugins`: its own socket, and those of plugins. */
  readonly dir: string
  /** What the Node tells of devices is other than before. */
  readonly changed: () => void
  /** Pods whose devices have become well or ill. */
  readonly healthChanged: (podUids: readonly string[]) => void
}

/** Devices that plugins announce: counted in the Node, handed out to containers, remembered over restarts of the agent. */
export class DevicePlugins implements PodResources, AlignedProvider {
  readonly #parts: DevicePluginsParts
  readonly #book: DeviceBook
  readonly #resources = new Map<string, Resource>()
  /** Devices are chosen for one container after the other. */
  readonly #turns = new Turns()

  constructor(parts: DevicePluginsParts) {
    this.#parts = parts
    this.#book = new DeviceBook(join(parts.dir, BOOK))
  }

  /** Takes registrations until the scope ends. Plugins see by the new socket that the agent has started, and register anew. */
  async start(scope: Scope): Promise<void> {
    const { dir } = this.#parts
    await mkdir(dir, { recursive: true, mode: 0o750 })
    await this.#book.load().catch((error: unknown) => scope.log.error('the book of devices cannot be read', { error: messageOf(error) }))
    for (const name of this.#book.resources) this.#resource(name)
    for (const file of await readdir(dir)) if (file !== BOOK) await rm(join(dir, file), { recursive: true, force: true })
    const register = devicePluginMethods().get('Registration/Register')
    await serveGrpc(scope, join(dir, SOCKET), [
      [
        register,
        async ({ version, endpoint, resourceName, options }: RegisterMessage) => {
          try {
            verify(resourceName, [version])
            await this.#connect(scope.child(), resourceName, join(dir, endpoint), options ?? NO_OPTIONS)
          } catch (error) {
            throw new ConnectError(messageOf(error), Code.Unknown)
          }
          return {}
        },
      ],
    ])
  }

  /** For plugins that register as those of storage do. */
  get handler(): PluginHandler {
    return {
      validate: ({ name, versions }) => verify(name, versions),
      register: (life, { name, endpoint }) => this.#connect(life.child(), name, endpoint, undefined),
    }
  }

  get counts(): DeviceCounts {
    const capacity: Record<string, number> = {}
    const allocatable: Record<string, number> = {}
    for (const [name, { devices }] of this.#resources) {
      capacity[name] = devices.size
      allocatable[name] = [...devices.values()].filter(({ healthy }) => healthy).length
    }
    return { capacity, allocatable }
  }

  /** It is here that pods are kept from asking for more of it than there is. */
  handles = (resource: string): boolean => this.#resources.has(resource)

  /** Frees what pods have that are no longer there. */
  async keepOnly(podUids: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#book.pods].filter((uid) => !podUids.has(uid))
    for (const uid of gone) this.#book.release(uid)
    if (gone.length > 0) await this.#book.save()
  }

  /** For a pod that nobody else sees to. Throws `PodRejected`. */
  async prepare(scope: Scope, pod: core.Pod): Promise<void> {
    try {
      for (const container of [...initContainersOf(pod), ...mainContainersOf(pod)]) await this.allocate(scope, pod, container, undefined)
    } catch (error) {
      if (isCancelled(error)) throw error
      throw new PodRejected('UnexpectedAdmissionError', `Pod was rejected: Allocate failed due to ${messageOf(error)}, which is unexpected`)
    }
  }

  hints(pod: core.Pod, container: AnyContainer | undefined): Hints {
    const whose = container === undefined ? [...initContainersOf(pod), ...mainContainersOf(pod)] : [container]
    const wanted = new Map<string, number>()
    // Init containers have what they ask for one after the other; the others together.
    for (const one of whose)
      for (const [resource, count] of this.#asked(pod, one)) {
        const passes = initContainersOf(pod).includes(one) && !isSidecar(pod, one)
        wanted.set(resource, passes ? Math.max(wanted.get(resource) ?? 0, count) : (wanted.get(resource) ?? 0) + count)
      }
    return new Map([...wanted].map(([resource, count]) => [resource, this.#hints(pod, whose, resource, count)]))
  }

  #hints(pod: core.Pod, whose: readonly AnyContainer[], resource: string, count: number): readonly Hint[] | undefined {
    const nodesOf = (id: string): readonly number[] => this.#numaNodes(resource, id)
    const known = this.#resources.get(resource)
    const all = new Set(known?.devices.keys())
    const had = new Set(whose.flatMap(({ name }) => [...this.#held(pod, resource)(name)]))
    if (had.size === count) return deviceHints(all, had, new Set(), count, nodesOf)
    if (had.size > 0) return []
    const [first] = whose
    const reusable = first === undefined || whose.length > 1 ? new Set<string>() : reusableBy(pod, first, this.#held(pod, resource))
    const free = (known === undefined ? new Set<string>() : healthyOf(known)).difference(this.#book.inUse(resource))
    return deviceHints(all, free, reusable, count, nodesOf)
  }

  /** By container: what it has of a resource. */
  #held(pod: core.Pod, resource: string): (container: string) => ReadonlySet<string> {
    return (name) => new Set(this.#book.of(uidOf(pod), name).find((one) => one.resource === resource)?.ids)
  }

  async allocate(scope: Scope, pod: core.Pod, container: AnyContainer, nodes: NodeMask | undefined): Promise<void> {
    if (this.#asked(pod, container).length === 0) return
    await this.#turns.take('', () => this.#allocate(scope, pod, container, nodes))
  }

  async extrasOf(scope: Scope, pod: core.Pod, container: AnyContainer): Promise<ContainerExtras> {
    const asked = this.#asked(pod, container)
    if (asked.length === 0) return NO_EXTRAS
    // An agent that was not there when the pod was let in makes up for it.
    if (this.#book.of(uidOf(pod), container.name).length < asked.length) await this.prepare(scope, pod)
    const held = this.#book.of(uidOf(pod), container.name)
    for (const { resource, ids } of held) {
      try {
        await this.#resources.get(resource)?.endpoint?.preStart(scope, ids)
      } catch (error) {
        if (isCancelled(error)) throw error
        throw new StartRefused('CreateContainerConfigError', `device plugin PreStartContainer rpc failed with err: ${messageOf(error)}`, {
          cause: error,
        })
      }
    }
    return joinExtras(held.map(({ given }) => extrasOf(given)))
  }

  async release(_scope: Scope, pod: core.Pod): Promise<void> {
    if (this.#book.release(uidOf(pod))) await this.#book.save()
  }

  healthOf(pod: core.Pod, container: string): readonly core.ResourceStatus[] {
    return this.#book.of(uidOf(pod), container).map(({ resource, ids }) => ({
      name: resource,
      resources: ids.map((resourceID) => ({
        resourceID,
        health: this.#resources.get(resource)?.devices.get(resourceID)?.healthy === true ? 'Healthy' : 'Unhealthy',
      })),
    }))
  }

  /** For who watches the use of devices. */
  held(podUid: string, container: string): readonly (HeldDevices & { readonly numaNodes: (id: string) => readonly number[] })[] {
    return this.#book.of(podUid, container).map((one) => ({ ...one, numaNodes: (id) => this.#numaNodes(one.resource, id) }))
  }
  /** Every device that can be handed out. */
  usable(): readonly { readonly resource: string; readonly id: string; readonly numaNodes: readonly number[] }[] {
    return [...this.#resources].flatMap(([resource, { devices }]) =>
      [...devices].flatMap(([id, { healthy, numaNodes }]) => (healthy ? [{ resource, id, numaNodes }] : [])),
    )
  }

  #numaNodes(resource: string, id: string): readonly number[] {
    return this.#resources.get(resource)?.devices.get(id)?.numaNodes ?? []
  }

  /** What a container asks for of plugins; what the scheduler has claimed for it of a driver is not theirs. */
  #asked(pod: core.Pod, container: AnyContainer): [resource: string, count: number][] {
    const claimed = pod.status?.extendedResourceClaimStatus?.requestMappings ?? []
    return Object.entries(container.resources?.limits ?? {}).flatMap(([resource, amount]): [string, number][] => {
      if (!this.#resources.has(resource)) return []
      if (claimed.some((one) => one.containerName === container.name && one.resourceName === resource)) return []
      const count = quantityValue(amount)
      return count === 0 ? [] : [[resource, count]]
    })
  }

  async #allocate(scope: Scope, pod: core.Pod, container: AnyContainer, nodes: NodeMask | undefined): Promise<void> {
    const podUid = uidOf(pod)
    for (const [resource, count] of this.#asked(pod, container)) {
      const known = this.#resources.get(resource)
      const held = this.#book.of(podUid, container.name).find((one) => one.resource === resource)
      const ids = await chooseDevices({
        resource,
        count,
        has: held && new Set(held.ids),
        healthy: known?.endpoint === undefined ? undefined : healthyOf(known),
        inUse: this.#book.inUse(resource),
        reusable: reusableBy(pod, container, this.#held(pod, resource)),
        distance: (id) => distanceOf(id, nodes, (one) => this.#numaNodes(resource, one)),
        prefer: async (...of) => (await known?.endpoint?.prefer(scope, ...of)) ?? [],
      })
      if (ids.length === 0) continue
      if (known?.endpoint === undefined) throw new PluginRefused(`unknown Device Plugin ${resource}`)
      const given = await known.endpoint.allocate(scope, ids)
      this.#book.add({ podUid, container: container.name, resource, ids, given })
      // Before the container has them: an agent that ends here must not hand them out twice.
      await this.#book.save()
    }
  }

  #resource(name: string): Resource {
    const known = this.#resources.get(name)
    if (known !== undefined) return known
    const fresh: Resource = { endpoint: undefined, life: undefined, devices: new Map(), goneTimer: undefined }
    this.#resources.set(name, fresh)
    return fresh
  }

  /** The newest plugin of a resource is the one that is asked. */
  async #connect(life: CancellableScope, name: string, socketPath: string, options: PluginOptions | undefined): Promise<void> {
    const endpoint = await DeviceEndpoint.open(life, socketPath, options)
    const resource = this.#resource(name)
    resource.life?.cancel()
    resource.goneTimer?.cancel()
    resource.endpoint = endpoint
    resource.life = life
    if (!this.#book.resources.has(name)) {
      this.#book.know(name)
      await this.#book.save()
    }
    life.log.info('a device plugin is there', { resource: name })
    void this.#follow(life, name, resource, endpoint)
  }

  async #follow(life: CancellableScope, name: string, resource: Resource, endpoint: DeviceEndpoint): Promise<void> {
    try {
      for await (const devices of endpoint.devices(life)) {
        resource.devices.clear()
        for (const { ID, health, topology } of devices)
          resource.devices.set(ID, { healthy: health === HEALTHY, numaNodes: (topology?.nodes ?? []).map((node) => Number(node.ID)) })
        this.#tell(name)
      }
    } catch (error) {
      if (!isCancelled(error)) life.log.warn('a device plugin does not answer', { resource: name, error: messageOf(error) })
    }
    endpoint.close()
    if (resource.life !== life) return
    resource.endpoint = undefined
    resource.life = undefined
    for (const [id, device] of resource.devices) resource.devices.set(id, { ...device, healthy: false })
    resource.goneTimer = life.clock.after(
      GONE_AFTER_MS,
      () => {
        resource.devices.clear()
        this.#tell(name)
      },
      { background: true },
    )
    this.#tell(name)
  }

  #tell(resource: string): void {
    this.#parts.changed()
    const holders = this.#book.holders(resource)
    if (holders.length > 0) this.#parts.healthChanged(holders)
  }
}

const NO_OPTIONS: PluginOptions = { preStartRequired: false, getPreferredAllocationAvailable: false }

const healthyOf = ({ devices }: Resource): Set<string> => new Set([...devices].flatMap(([id, { healthy }]) => (healthy ? [id] : [])))

function verify(resource: string, versions: readonly string[]): void {
  if (!versions.includes(DEVICE_PLUGIN_VERSION))
    throw new PluginRefused(
      `requested API version ${JSON.stringify(versions.join(' '))} is not supported by kubelet. Supported version is ["${DEVICE_PLUGIN_VERSION}"]`,
    )
  if (!isExtendedResource(resource)) throw new PluginRefused(`the ResourceName ${JSON.stringify(resource)} is invalid`)
}

const extrasOf = ({ envs, mounts, devices, annotations, cdiDevices }: ContainerAllocation): ContainerExtras => ({
  env: Object.entries(envs).map(([name, value]) => ({ name, value })),
  mounts: mounts.map((mount) => ({ ...mount, recursiveReadOnly: false, propagation: 'private' })),
  devices,
  annotations,
  cdiDevices: cdiDevices.map(({ name }) => name),
})
