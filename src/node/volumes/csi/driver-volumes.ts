import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import { type core, compareQuantities, quantityValue, type storage } from '#api'
import { uidOf } from '../../pods/pod-facts.ts'
import { PodRejected } from '../../refusal.ts'
import { mountPoints } from '../mounts.ts'
import { giveToGroup } from '../ownership.ts'
import { Turns } from '../../turns.ts'
import type { CsiObjects } from './csi-objects.ts'
import { Journal, type JournalEntry, type VolumePlaces, removeEmpty } from './journal.ts'
import type { DriverFeatures, NodeDriver, NodeDrivers, VolumeCapability, VolumeHealth } from './node-driver.ts'
import { type VolumeUse, accessModeOf, attachmentName, isGivenToGroup, uniqueName } from './volume-use.ts'

/** Volumes that nobody uses any more are looked for, and claims that grow are asked about, this often. */
const TEND_MS = 30_000
const REPUBLISH_MS = 60_000
/** gRPC's code, as attachers pass it on: the node has as many volumes of the driver as it can have. */
const RESOURCE_EXHAUSTED = 8
const DEFAULT_POLICY = 'ReadWriteOnceWithFSType'

export interface DriverVolumesOptions {
  readonly nodeName: string
  readonly rootDir: string
  readonly podsDir: string
  readonly drivers: NodeDrivers
  readonly objects: CsiObjects
  /** Resolves when the Node says which volumes are in use: before they are. */
  readonly reportInUse: (scope: Scope) => Promise<void>
  readonly record: (pod: core.Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void
}

/**
 * Volumes that drivers see to. Before a driver is called, it is written down what it is called for: a volume that was staged and never published,
 * or published for a pod that is gone, is found by that and taken back, whoever was killed in between.
 */
export class DriverVolumes {
  readonly #options: DriverVolumesOptions
  readonly #journal: Journal
  readonly #turns = new Turns()
  readonly #uses = new Map<string, Map<string, VolumeUse>>()
  readonly #inUse = new Map<string, string>()

  constructor(options: DriverVolumesOptions) {
    this.#options = options
    this.#journal = new Journal(options.rootDir, options.podsDir)
  }

  /** For the Node's status: volumes that must not be taken from it. */
  get inUse(): readonly string[] {
    return [...new Set(this.#inUse.values())].sort()
  }
  /** What running pods use, as far as it has been seen. */
  usesOf(podUid: string): readonly VolumeUse[] {
    return [...(this.#uses.get(podUid)?.values() ?? [])]
  }

  /** Reads what was in use when the agent ended. */
  async recover(): Promise<void> {
    for (const { entry, places } of await this.#journal.volumes())
      if (entry.attachmentID !== '')
        this.#inUse.set(places.volumeEntry, uniqueName({ driver: entry.driverName, handle: entry.volumeHandle }))
  }

  /** Until the scope ends: takes back what nobody uses, and lets file systems grow with their volumes. */
  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      try {
        for (const { entry, places } of await this.#journal.volumes()) await this.#unstageUnused(scope, entry, places)
        for (const uses of this.#uses.values()) for (const use of uses.values()) if (use.claim !== undefined) await this.#grow(scope, use)
      } catch (error) {
        if (!isCancelled(error)) scope.log.warn('volumes could not be tended', { error: messageOf(error) })
      }
      await scope.sleep(TEND_MS).catch(() => undefined)
    }
  }

  /** Where the pod sees it on the node; what is there is `mount`'s doing. */
  pathOf(use: VolumeUse): string {
    return this.#journal.placesOf(uidOf(use.pod), use).target
  }

  /** The pod uses it, and did before the agent came. */
  follow(use: VolumeUse): void {
    const uid = uidOf(use.pod)
    const uses = this.#uses.get(uid) ?? new Map<string, VolumeUse>()
    this.#uses.set(uid, uses.set(use.volume, use))
  }

  /** Stages and publishes it for the pod. Idempotent. */
  async mount(scope: Scope, use: VolumeUse): Promise<void> {
    const { drivers, objects } = this.#options
    const driver = drivers.get(use.driver)
    const [features, object] = await Promise.all([driver.features(scope), objects.driver(scope, use.driver)])
    refuseLifecycle(use, object)
    await this.#turns.take(turnOf(use.driver, use.handle), async () => {
      const publishContext = await this.#attached(scope, use, object)
      const places = this.#journal.placesOf(uidOf(use.pod), use)
      const entry = this.#entryOf(use, publishContext !== undefined)
      await this.#journal.write(places.podEntry, entry)
      if (!use.ephemeral) await this.#stage(scope, use, { driver, features, places, entry, publishContext })
      await this.#publish(scope, use, { driver, features, object, places, publishContext })
    })
    this.follow(use)
    if (use.claim !== undefined) await this.#grow(scope, use)
  }

  /** Publishes again what its driver wants published from time to time, with fresh tokens; when to do it again. */
  async refresh(scope: Scope, use: VolumeUse): Promise<number | undefined> {
    this.follow(use)
    const { drivers, objects } = this.#options
    const object = await objects.driver(scope, use.driver)
    if (object?.spec.requiresRepublish !== true) return undefined
    const driver = drivers.get(use.driver)
    const features = await driver.features(scope)
    const places = this.#journal.placesOf(uidOf(use.pod), use)
    await this.#turns.take(turnOf(use.driver, use.handle), async () => {
      const publishContext = await this.#attached(scope, use, object)
      await this.#publish(scope, use, { driver, features, object, places, publishContext })
    })
    return scope.clock.now() + REPUBLISH_MS
  }

  /** Takes all of a pod's back, and unstages what no other pod uses. Idempotent; throws while a driver that is needed for it is away. */
  async release(scope: Scope, podUid: string): Promise<void> {
    for (const { entry, places } of await this.#journal.ofPod(podUid)) {
      const { driverName, volumeHandle } = entry
      await this.#turns.take(turnOf(driverName, volumeHandle), async () => {
        await this.#options.drivers.get(driverName).unpublish(scope, volumeHandle, places.target)
        // The driver's own duty; one that forgets it would keep the pod's directory.
        if (!(await mountPoints(places.target)).includes(places.target)) await removeTarget(places.target)
        await this.#journal.forget(places.podEntry)
      })
      await this.#unstageUnused(scope, entry, places)
    }
    this.#uses.delete(podUid)
  }

  /** Undefined for drivers that tell nothing. */
  async health(scope: Scope, use: VolumeUse): Promise<VolumeHealth | undefined> {
    const driver = this.#options.drivers.get(use.driver)
    const { tellsStats, stages } = await driver.features(scope)
    const { target, staging } = this.#journal.placesOf(uidOf(use.pod), use)
    return tellsStats ? driver.stats(scope, use.handle, target, stages && !use.ephemeral ? staging : undefined) : undefined
  }

  #entryOf(use: VolumeUse, isAttached: boolean): JournalEntry {
    const { nodeName } = this.#options
    return {
      driverName: use.driver,
      volumeHandle: use.handle,
      specVolID: use.name,
      nodeName,
      volumeLifecycleMode: use.ephemeral ? 'Ephemeral' : 'Persistent',
      attachmentID: isAttached ? attachmentName(use, nodeName) : '',
    }
  }

  /** What the attacher has said; undefined when nothing is attached for this driver. Throws until it has been. */
  async #attached(
    scope: Scope,
    use: VolumeUse,
    object: storage.CSIDriver | undefined,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    if (use.ephemeral || object?.spec.attachRequired === false) return undefined
    const { objects, nodeName } = this.#options
    const attachment = await objects.attachment(scope, attachmentName(use, nodeName))
    if (attachment?.status?.attached === true && attachment.metadata?.deletionTimestamp === undefined)
      return attachment.status.attachmentMetadata ?? {}
    const { message: why, errorCode } = attachment?.status?.attachError ?? {}
    if (errorCode === RESOURCE_EXHAUSTED && object?.spec.nodeAllocatableUpdatePeriodSeconds !== undefined)
      await this.#refuse(scope, use, why)
    throw new Error(`volume ${use.name} has not been attached to the node yet${why === undefined ? '' : `: ${why}`}`)
  }

  /** The scheduler believed that there was room: the API is told what the driver says now, and the pod makes way for one that is placed by that. */
  async #refuse(scope: Scope, { volume, driver }: VolumeUse, why = ''): Promise<never> {
    await this.#options.drivers.tellAgain(scope, driver)
    throw new PodRejected(
      'VolumeAttachmentLimitExceeded',
      `Pod was rejected: Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[${volume}], unattached volumes=[${volume}], failed to process volumes=[]: ${why}`,
    )
  }

  async #stage(scope: Scope, use: VolumeUse, { driver, features, places, entry, publishContext }: Staging): Promise<void> {
    await this.#journal.write(places.volumeEntry, entry)
    if (publishContext !== undefined && !this.#inUse.has(places.volumeEntry)) {
      this.#inUse.set(places.volumeEntry, uniqueName(use))
      await this.#options.reportInUse(scope)
    }
    if (!features.stages) return
    await mkdir(places.staging, { recursive: true, mode: 0o750 })
    await driver.stage(scope, {
      volumeId: use.handle,
      stagingPath: places.staging,
      capability: this.#capabilityOf(use, features),
      publishContext: publishContext ?? {},
      volumeContext: use.attributes,
      secrets: await this.#secrets(scope, use.stageSecret),
    })
  }

  async #publish(scope: Scope, use: VolumeUse, { driver, features, object, places, publishContext }: Publishing): Promise<void> {
    const [secrets, tokens] = await Promise.all([this.#secrets(scope, use.publishSecret), this.#tokens(scope, use, object)])
    const inSecrets = object?.spec.serviceAccountTokenInSecrets === true
    await mkdir(dirname(places.target), { recursive: true, mode: 0o750 })
    await driver.publish(scope, {
      volumeId: use.handle,
      targetPath: places.target,
      ...(features.stages && !use.ephemeral ? { stagingPath: places.staging } : {}),
      readOnly: use.readOnly,
      capability: this.#capabilityOf(use, features),
      publishContext: publishContext ?? {},
      volumeContext: { ...use.attributes, ...(object?.spec.podInfoOnMount === true ? podInfo(use) : {}), ...(inSecrets ? {} : tokens) },
      secrets: { ...secrets, ...(inSecrets ? tokens : {}) },
    })
    const { fsGroup, fsGroupChangePolicy } = use.pod.spec?.securityContext ?? {}
    const policy = object === undefined ? DEFAULT_POLICY : (object.spec.fsGroupPolicy ?? DEFAULT_POLICY)
    if (fsGroup !== undefined && !features.mountsGroups && isGivenToGroup(use, policy))
      await giveToGroup(places.target, fsGroup, fsGroupChangePolicy)
  }

  #capabilityOf(use: VolumeUse, features: DriverFeatures): VolumeCapability {
    const accessMode = accessModeOf(use, features)
    if (use.block) return { accessMode }
    const group = features.mountsGroups ? use.pod.spec?.securityContext?.fsGroup : undefined
    return {
      accessMode,
      mount: { fsType: use.fsType, mountFlags: use.mountFlags, ...(group === undefined ? {} : { group: String(group) }) },
    }
  }

  async #secrets(
    scope: Scope,
    ref: { readonly namespace: string; readonly name: string } | undefined,
  ): Promise<Readonly<Record<string, string>>> {
    if (ref === undefined) return {}
    const found = await this.#options.objects.secret(scope, ref.namespace, ref.name)
    if (found === undefined) throw new Error(`secret ${ref.namespace}/${ref.name} not found`)
    return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))
  }

  async #tokens(scope: Scope, use: VolumeUse, object: storage.CSIDriver | undefined): Promise<Readonly<Record<string, string>>> {
    const wanted = object?.spec.tokenRequests ?? []
    if (wanted.length === 0) return {}
    const tokens = await Promise.all(
      wanted.map(async ({ audience, expirationSeconds }) => {
        const { token, expirationTimestamp } = await this.#options.objects.token(scope, use.pod, audience, expirationSeconds)
        return [audience, { token, expirationTimestamp }] as const
      }),
    )
    return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(Object.fromEntries(tokens)) }
  }

  async #unstageUnused(scope: Scope, entry: JournalEntry, places: Pick<VolumePlaces, 'volumeEntry' | 'staging'>): Promise<void> {
    const { driverName, volumeHandle } = entry
    await this.#turns.take(turnOf(driverName, volumeHandle), async () => {
      if ((await this.#journal.read(places.volumeEntry)) === undefined) return
      if ((await this.#journal.usersOf(driverName, volumeHandle)).length > 0) return
      const driver = this.#options.drivers.get(driverName)
      if ((await driver.features(scope)).stages) await driver.unstage(scope, volumeHandle, places.staging)
      if (!(await mountPoints(places.staging)).includes(places.staging)) await removeEmptyDirectory(places.staging)
      await this.#journal.forget(places.volumeEntry)
      if (this.#inUse.delete(places.volumeEntry)) await this.#options.reportInUse(scope)
    })
  }

  /** The node's part of an expansion: after the controller's part the volume is larger than what the claim has. */
  async #grow(scope: Scope, use: VolumeUse): Promise<void> {
    const { drivers, objects, record } = this.#options
    const driver = drivers.get(use.driver)
    const features = await driver.features(scope)
    if (!features.expands || use.readOnly) return
    const found = await objects.bound(scope, use.pod.metadata?.namespace ?? '', use.claim ?? '')
    const [now, wanted] = [found?.claim.status?.capacity?.['storage'], found?.volume.spec?.capacity?.['storage']]
    if (found === undefined || now === undefined || wanted === undefined || compareQuantities(wanted, now) <= 0) return
    const { target, staging } = this.#journal.placesOf(uidOf(use.pod), use)
    try {
      await driver.expand(scope, {
        volumeId: use.handle,
        volumePath: target,
        ...(features.stages ? { stagingPath: staging } : {}),
        capability: this.#capabilityOf(use, features),
        requiredBytes: quantityValue(wanted),
        secrets: await this.#secrets(scope, use.expandSecret),
      })
    } catch (error) {
      scope.check()
      record(
        use.pod,
        'Warning',
        'VolumeResizeFailed',
        `NodeExpandVolume.NodeExpandVolume failed for volume "${use.name}" : ${messageOf(error)}`,
      )
      return
    }
    await objects.resized(scope, found.claim, wanted)
    record(use.pod, 'Normal', 'FileSystemResizeSuccessful', `MountVolume.NodeExpandVolume succeeded for volume "${use.name}"`)
  }
}

interface Publishing {
  readonly driver: NodeDriver
  readonly features: DriverFeatures
  readonly object: storage.CSIDriver | undefined
  readonly places: VolumePlaces
  readonly publishContext: Readonly<Record<string, string>> | undefined
}
interface Staging extends Omit<Publishing, 'object'> {
  readonly entry: JournalEntry
}

const turnOf = (driver: string, handle: string): string => `${driver} ${handle}`

function refuseLifecycle({ driver, ephemeral }: VolumeUse, object: storage.CSIDriver | undefined): void {
  const mode = ephemeral ? 'Ephemeral' : 'Persistent'
  if (object === undefined) {
    if (ephemeral) throw new Error(`volume mode "${mode}" not supported by driver ${driver} (no CSIDriver object)`)
    return
  }
  const modes = object.spec.volumeLifecycleModes ?? ['Persistent']
  if (!modes.includes(mode))
    throw new Error(
      `volume mode "${mode}" not supported by driver ${driver} (only supports [${modes.map((one) => JSON.stringify(one)).join(' ')}])`,
    )
}

function podInfo({ pod, ephemeral }: VolumeUse): Record<string, string> {
  return {
    'csi.storage.k8s.io/pod.name': pod.metadata?.name ?? '',
    'csi.storage.k8s.io/pod.namespace': pod.metadata?.namespace ?? '',
    'csi.storage.k8s.io/pod.uid': uidOf(pod),
    'csi.storage.k8s.io/serviceAccount.name': pod.spec?.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(ephemeral),
  }
}

/** A directory that was a mount point, or the file of a device. With content it stays, and the caller is told. */
async function removeTarget(target: string): Promise<void> {
  await rmdir(target).catch(async (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTDIR') return rm(target, { force: true })
    if (code !== 'ENOENT') throw error
  })
  if (target.includes('/publish/')) await removeEmpty(dirname(target))
}

async function removeEmptyDirectory(dir: string): Promise<void> {
  await rmdir(dir).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  })
}
