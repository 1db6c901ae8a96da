import { type Scope, isCancelled, messageOf } from '#base'
import { type core, claimNameOf, isClaimOfPod, isReservedFor, notClaimOfPod, type resource } from '#api'
import { type ContainerExtras, NO_EXTRAS, type PodResources } from '../devices/container-extras.ts'
import type { ClaimUse } from '../devices/pod-resources-api.ts'
import { type AnyContainer, mainContainersOf, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import { PluginRefused, StartRefused } from '../refusal.ts'
import { Turns } from '../turns.ts'
import { type BookedClaim, ClaimBook } from './claim-book.ts'
import type { DeviceHealth } from './device-health.ts'
import type { PreparedDevice } from './driver-api.ts'
import type { ResourceDrivers } from './drivers.ts'

export interface PodClaimsParts {
  /** Where it is written down who has what. */
  readonly path: string
  readonly drivers: Pick<ResourceDrivers, 'prepare' | 'unprepare'>
  readonly health: Pick<DeviceHealth, 'of'>
  /** Throws what the API says. */
  readonly claim: (scope: Scope, namespace: string, name: string) => Promise<resource.ResourceClaim>
}

/** Claims of pods: made ready by their drivers before the pod runs, given back when nothing of it runs any more. */
export class PodClaims implements PodResources {
  readonly #parts: PodClaimsParts
  readonly #book: ClaimBook
  /** One claim may be used by several pods: they take turns. */
  readonly #turns = new Turns()

  constructor(parts: PodClaimsParts) {
    this.#parts = parts
    this.#book = new ClaimBook(parts.path)
  }

  async start(scope: Scope): Promise<void> {
    await this.#book.load().catch((error: unknown) => scope.log.error('the book of claims cannot be read', { error: messageOf(error) }))
  }

  async prepare(scope: Scope, pod: core.Pod): Promise<void> {
    const names = claimNames(pod)
    if (names === 'none') return
    try {
      await this.#turns.take('', () => this.#prepare(scope, pod))
    } catch (error) {
      if (isCancelled(error)) throw error
      const message = `Failed to prepare dynamic resources: prepare dynamic resources: ${messageOf(error)}`
      throw new StartRefused('FailedPrepareDynamicResources', message, { cause: error })
    }
  }

  async extrasOf(_scope: Scope, pod: core.Pod, container: AnyContainer): Promise<ContainerExtras> {
    const cdiDevices = this.uses(pod, container.name).flatMap(({ claimResources }) =>
      claimResources.flatMap((device) => device.cdiDevices.map(({ name }) => name)),
    )
    return cdiDevices.length === 0 ? NO_EXTRAS : { ...NO_EXTRAS, cdiDevices: [...new Set(cdiDevices)] }
  }

  async release(scope: Scope, pod: core.Pod): Promise<void> {
    if (this.#book.of(uidOf(pod)).length > 0) await this.#turns.take('', () => this.#release(scope, uidOf(pod)))
  }

  /** Each claim that the container asks for by its name, with all devices that it gives. */
  healthOf(pod: core.Pod, containerName: string): readonly core.ResourceStatus[] {
    const container = mainContainersOf(pod).find(({ name }) => name === containerName)
    return (container?.resources?.claims ?? []).flatMap(({ name, request }) => {
      const claim = nameOfClaim(pod, name)
      const resources = new Map<string, core.ResourceHealth>()
      for (const { driverName, device } of (claim === undefined ? undefined : this.#devicesOf(pod, claim, request)) ?? []) {
        const { poolName, deviceName, cdiDeviceIds } = device
        const resourceID = cdiDeviceIds[0] ?? `${driverName}/${poolName}/${deviceName}`
        if (!resources.has(resourceID))
          resources.set(resourceID, { resourceID, ...this.#parts.health.of(driverName, poolName, deviceName) })
      }
      if (resources.size === 0) return []
      const isPart = request !== undefined && request !== ''
      return [{ name: isPart ? `claim:${name}/${request}` : `claim:${name}`, resources: [...resources.values()] }]
    })
  }

  /** Pods that have devices of a driver. */
  podsOf(driver: string): readonly string[] {
    return [...new Set(this.#book.all.filter(({ drivers }) => drivers.includes(driver)).flatMap(({ podUids }) => podUids))]
  }

  /** Gives back what is held for pods that are no longer there; what a driver refuses is tried again when it comes back. */
  async keepOnly(scope: Scope, podUids: ReadonlySet<string>): Promise<void> {
    const gone = new Set(this.#book.all.flatMap((claim) => claim.podUids).filter((uid) => !podUids.has(uid)))
    for (const uid of gone) {
      try {
        await this.#turns.take('', () => this.#release(scope, uid))
      } catch (error) {
        if (isCancelled(error)) return
        scope.log.warn('a claim of a pod that is gone could not be given back', { error: messageOf(error) })
      }
    }
  }

  /** What a container has of which claims. */
  uses(pod: core.Pod, containerName: string): readonly ClaimUse[] {
    const container = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find(({ name }) => name === containerName)
    const asked = (container?.resources?.claims ?? []).flatMap(({ name, request }) => {
      const claim = nameOfClaim(pod, name)
      return claim === undefined ? [] : [{ claim, request }]
    })
    const { resourceClaimName, requestMappings = [] } = pod.status?.extendedResourceClaimStatus ?? {}
    const extended = requestMappings.flatMap((one) =>
      resourceClaimName !== undefined && one.containerName === containerName
        ? [{ claim: resourceClaimName, request: one.requestName }]
        : [],
    )
    return [...asked, ...extended].flatMap(({ claim, request }) => {
      const claimResources = this.#devicesOf(pod, claim, request)?.map(({ driverName, device }) => useOf(driverName, device))
      return claimResources === undefined ? [] : [{ claimName: claim, claimNamespace: namespaceOf(pod), claimResources }]
    })
  }

  /** What the pod has by a request of a claim, or by all of them; undefined when it has not got the claim. */
  #devicesOf(
    pod: core.Pod,
    claim: string,
    request: string | undefined,
  ): readonly { readonly driverName: string; readonly device: PreparedDevice }[] | undefined {
    const booked = this.#book.named(namespaceOf(pod), claim)
    if (booked?.prepared === undefined || !booked.podUids.includes(uidOf(pod))) return undefined
    return Object.entries(booked.prepared).flatMap(([driverName, all]) =>
      all.filter((device) => isOf(device, request)).map((device) => ({ driverName, device })),
    )
  }

  async #prepare(scope: Scope, pod: core.Pod): Promise<void> {
    const names = claimNames(pod)
    if (names === 'none') return
    const claims: BookedClaim[] = []
    for (const { name, isGenerated } of names) claims.push(await this.#bookedOf(scope, pod, name, isGenerated))
    for (const claim of claims) await this.#book.set(claim)
    const waiting = claims.filter(({ prepared }) => prepared === undefined)
    const ready = new Map<string, Record<string, readonly PreparedDevice[]>>(waiting.map(({ uid }) => [uid, {}]))
    for (const driver of new Set(waiting.flatMap(({ drivers }) => drivers))) {
      const own = waiting.filter(({ drivers }) => drivers.includes(driver))
      const answers = await this.#parts.drivers.prepare(scope, driver, own.map(messageFor))
      for (const [uid, devices] of answers) Object.assign(ready.get(uid) ?? {}, { [driver]: devices })
    }
    for (const claim of waiting) await this.#book.set({ ...claim, prepared: ready.get(claim.uid) ?? {} })
  }

  async #bookedOf(scope: Scope, pod: core.Pod, name: string, isGenerated: boolean): Promise<BookedClaim> {
    const namespace = namespaceOf(pod)
    let claim: resource.ResourceClaim
    try {
      claim = await this.#parts.claim(scope, namespace, name)
    } catch (error) {
      scope.check()
      throw new PluginRefused(`fetch ResourceClaim ${name}: ${messageOf(error)}`, { cause: error })
    }
    const uid = claim.metadata?.uid ?? ''
    if (isGenerated && !isClaimOfPod(pod, claim)) throw new PluginRefused(notClaimOfPod(pod, claim))
    if (!isReservedFor(pod, claim))
      throw new PluginRefused(`pod ${nameOf(pod)} (${uidOf(pod)}) is not allowed to use ResourceClaim ${name} (${uid})`)
    const results = claim.status?.allocation?.devices?.results
    if (results === undefined) throw new PluginRefused(`ResourceClaim ${name}: not allocated`)
    const other = this.#book.named(namespace, name)
    if (other !== undefined && other.uid !== uid)
      throw new PluginRefused(
        `old ResourceClaim with same name ${name} and different UID ${other.uid} still exists (previous pod force-deleted?!)`,
      )
    const booked = this.#book.get(uid) ?? {
      namespace,
      uid,
      name,
      podUids: [],
      drivers: [...new Set(results.map(({ driver }) => driver))],
      prepared: undefined,
    }
    return { ...booked, podUids: [...new Set([...booked.podUids, uidOf(pod)])] }
  }

  async #release(scope: Scope, podUid: string): Promise<void> {
    for (const claim of this.#book.of(podUid)) {
      const left = claim.podUids.filter((uid) => uid !== podUid)
      if (left.length > 0) {
        await this.#book.set({ ...claim, podUids: left })
        continue
      }
      for (const driver of claim.drivers) await this.#parts.drivers.unprepare(scope, driver, [messageFor(claim)])
      await this.#book.delete(claim.uid)
    }
  }
}

/** Throws when a claim of the pod has not been made yet. */
function claimNames(pod: core.Pod): readonly { readonly name: string; readonly isGenerated: boolean }[] | 'none' {
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
  const asked = pod.spec?.resourceClaims ?? []
  if (asked.length === 0 && extended === undefined) return 'none'
  const names = asked.flatMap((podClaim) => {
    const known = claimNameOf(pod, podClaim)
    if (known === undefined)
      throw new PluginRefused(`pod ${JSON.stringify(`${namespaceOf(pod)}/${nameOf(pod)}`)}: ResourceClaim not created yet`)
    return known === 'unneeded' ? [] : [known]
  })
  return extended === undefined ? names : [...names, { name: extended, isGenerated: false }]
}

/** The name of the object that a claim of the pod's own stands for; undefined when there is none, or none yet. */
function nameOfClaim(pod: core.Pod, name: string): string | undefined {
  const podClaim = pod.spec?.resourceClaims?.find((one) => one.name === name)
  const known = podClaim && claimNameOf(pod, podClaim)
  return known === 'unneeded' ? undefined : known?.name
}

const messageFor = ({ namespace, uid, name }: BookedClaim): { namespace: string; uid: string; name: string } => ({ namespace, uid, name })

/** A device without requests of its own belongs to all of them. */
const isOf = ({ requestNames }: PreparedDevice, request: string | undefined): boolean =>
  request === undefined || request === '' || requestNames.length === 0 || requestNames.includes(request)

const useOf = (
  driverName: string,
  { poolName, deviceName, cdiDeviceIds, shareId }: PreparedDevice,
): ClaimUse['claimResources'][number] => ({
  cdiDevices: cdiDeviceIds.map((name) => ({ name })),
  driverName,
  poolName,
  deviceName,
  ...(shareId === '' ? {} : { shareId }),
})
