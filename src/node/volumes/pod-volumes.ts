import { chmod, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Scope, messageOf } from '#base'
import { type core, quantityValue } from '#api'
import { expand } from '../containers/expand.ts'
import type { ContainerRuntime, Device, Mount } from '../cri/runtime.ts'
import type { ObjectSource } from '../objects.ts'
import { type AnyContainer, uidOf } from '../pods/pod-facts.ts'
import type { PodVolumes } from '../pods/services.ts'
import { PodRejected, StartRefused, configError } from '../refusal.ts'
import { hostnameOf, hostsFile, hostsPathOf, keepHostsFile } from '../sandbox/hosts-file.ts'
import type { NodeSettings } from '../settings.ts'
import { openDirectory, writeAtomically } from './atomic-writer.ts'
import { prepareHostPath } from './host-path.ts'
import { pageBytesOf } from './huge-pages.ts'
import { dropImages, mountImage } from './image-volumes.ts'
import { bindDescriptor, mountHugePages, mountPoints, mountTmpfs, unmountAll } from './mounts.ts'
import { giveToGroup } from './ownership.ts'
import { type PayloadContext, payloadOf } from './payload.ts'
import { isRecursivelyReadOnly } from './recursive-read-only.ts'
import { openInside } from './sub-path.ts'
import type { DriverVolumes } from './csi/driver-volumes.ts'
import { type VolumeUse, useOfClaim, useOfInline } from './csi/volume-use.ts'
import { Turns } from '../turns.ts'
import { type VolumeKind, claimedVolume, kindOf, pathOfVolume, volumeDir } from './volume-kind.ts'

const PROPAGATIONS = { None: 'private', HostToContainer: 'host-to-container', Bidirectional: 'bidirectional' } as const

/** What could not be brought up to date is tried again, with or without a reason to. */
const REFRESH_RETRY_MS = 60_000

type ViewRuntime = Pick<ContainerRuntime, 'viewImage' | 'dropImageView'>

/** Volumes on the node's own file system, and (for Secrets and tokens) on one tmpfs of the node, which no disk ever sees. */
export function podVolumes(
  settings: NodeSettings & { readonly memoryDir: string },
  objects: ObjectSource,
  runtime: ViewRuntime,
  driven: DriverVolumes,
): PodVolumes {
  const done = new Map<string, Set<string>>()
  /** Of pods with users of their own: by uid and volume, the image to show. */
  const images = new Map<string, Map<string, string>>()
  /** Writes to one volume follow each other. */
  const writing = new Turns()
  const podDir = (pod: core.Pod): string => join(settings.podsDir, uidOf(pod))
  const volumesOf = (pod: core.Pod): readonly core.Volume[] => pod.spec?.volumes ?? []
  const pathOf = (pod: core.Pod, volume: core.Volume, kind: VolumeKind): string => {
    if (kind === 'hostPath') return settings.kubelet.onNode(volume.hostPath?.path ?? '')
    const root = kind === 'secret' || kind === 'projected' ? join(settings.memoryDir, uidOf(pod)) : podDir(pod)
    return volumeDir(root, kind, volume.name)
  }
  const contextOf = (pod: core.Pod, podIps: readonly string[], renewBy: (atMs: number) => void): PayloadContext => ({
    pod,
    podIps,
    objects,
    settings,
    renewBy,
  })

  async function writePayload(
    scope: Scope,
    pod: core.Pod,
    volume: core.Volume,
    kind: VolumeKind,
    podIps: readonly string[],
    renewBy: (atMs: number) => void,
  ): Promise<void> {
    const path = pathOf(pod, volume, kind)
    await writing.take(path, async () => {
      const payload = await payloadOf(scope, contextOf(pod, podIps, renewBy), volume)
      await mkdir(path, { recursive: true, mode: 0o755 })
      const stamp = `${new Date(scope.clock.now()).toISOString().replaceAll(/[-:T]/g, '_').slice(0, 19)}.${Buffer.from(scope.random.bytes(4)).toString('hex')}`
      await writeAtomically(path, payload, stamp, pod.spec?.securityContext?.fsGroup)
    })
  }

  async function makeEmptyDir(scope: Scope, pod: core.Pod, volume: core.Volume, path: string): Promise<void> {
    const { medium = '', sizeLimit } = volume.emptyDir ?? {}
    const pageBytes = medium.startsWith('HugePages') ? pageBytesOf(pod, medium) : undefined
    await mkdir(path, { recursive: true, mode: 0o777 })
    await chmod(path, 0o777)
    const isMounted = (await mountPoints(path)).includes(path)
    if (medium === 'Memory' && !isMounted) await mountTmpfs(scope, path, memoryBytes(pod, sizeLimit, settings))
    if (pageBytes !== undefined && !isMounted) await mountHugePages(scope, path, pageBytes)
    const { fsGroup, fsGroupChangePolicy } = pod.spec?.securityContext ?? {}
    if (fsGroup !== undefined) await giveToGroup(path, fsGroup, fsGroupChangePolicy)
  }

  /** The volume's use when a driver sees to it; otherwise what its claim is bound to. */
  async function lookUp(
    scope: Scope,
    pod: core.Pod,
    volume: core.Volume,
  ): Promise<
    { readonly use: VolumeUse; readonly bound?: undefined } | { readonly use?: undefined; readonly bound: core.PersistentVolume }
  > {
    const inline = useOfInline(pod, volume)
    if (inline !== undefined) return { use: inline }
    const bound = await claimedVolume(scope, objects, pod, volume)
    const use = useOfClaim(pod, volume, bound)
    return use === undefined ? { bound } : { use }
  }

  async function setUp(scope: Scope, pod: core.Pod, volume: core.Volume, podIps: readonly string[]): Promise<void> {
    const kind = kindOf(volume)
    const path = pathOf(pod, volume, kind)
    switch (kind) {
      case 'empty-dir':
        return makeEmptyDir(scope, pod, volume, path)
      case 'hostPath':
        return prepareHostPath(path, volume.hostPath?.type ?? '')
      case 'driver':
      case 'claim': {
        const { use, bound } = await lookUp(scope, pod, volume)
        if (use !== undefined) return driven.mount(scope, use)
        const found = pathOfVolume(bound)
        await prepareHostPath(found.path, found.type)
        const { fsGroup, fsGroupChangePolicy } = pod.spec?.securityContext ?? {}
        if (found.groupOwned && fsGroup !== undefined) await giveToGroup(found.path, fsGroup, fsGroupChangePolicy)
        return
      }
      case 'image':
        // Mounted for the container that wants it, after its image was pulled.
        return
      case 'configmap':
      case 'secret':
      case 'downward-api':
      case 'projected':
        return writePayload(scope, pod, volume, kind, podIps, () => undefined)
      default:
        return kind satisfies never
    }
  }

  const failed = (volume: core.Volume, error: unknown): StartRefused =>
    new StartRefused('FailedMount', `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, { cause: error })

  async function hostPathOf(scope: Scope, pod: core.Pod, volume: core.Volume): Promise<string> {
    const kind = kindOf(volume)
    if (!isLookedUp(kind)) return pathOf(pod, volume, kind)
    const { use, bound } = await lookUp(scope, pod, volume)
    const { path, isBlock } = use === undefined ? pathOfVolume(bound) : { path: driven.pathOf(use), isBlock: use.block }
    if (isBlock) throw configError(`volume ${volume.name} has volumeMode Block, but is specified in volumeMounts`)
    return path
  }

  /** Binds the part of a volume to a place of the pod's, where it can no longer be exchanged. */
  async function subPathMount(
    scope: Scope,
    pod: core.Pod,
    container: AnyContainer,
    index: number,
    volumePath: string,
    subPath: string,
    readOnlyVolume: boolean,
  ): Promise<string> {
    const target = join(podDir(pod), 'volume-subpaths', container.name, String(index))
    await using handle = await openInside(volumePath, subPath, readOnlyVolume ? undefined : { mode: 0o750 })
    const isDirectory = (await handle.stat()).isDirectory()
    await mkdir(join(podDir(pod), 'volume-subpaths', container.name), { recursive: true, mode: 0o750 })
    await unmountAll(scope, target)
    if (isDirectory) await mkdir(target, { recursive: true, mode: 0o750 })
    else await (await open(target, 'a', 0o640)).close()
    await bindDescriptor(scope, handle.fd, target)
    return target
  }

  return {
    async resolve(scope, pod) {
      await Promise.all(
        volumesOf(pod).map(async (volume) => {
          try {
            const kind = kindOf(volume)
            if (isLookedUp(kind)) {
              const { bound } = await lookUp(scope, pod, volume)
              if (bound !== undefined) pathOfVolume(bound)
            } else if (hasPayload(kind))
              await payloadOf(
                scope,
                contextOf(pod, [], () => undefined),
                volume,
              )
          } catch (error) {
            scope.check()
            throw failed(volume, error)
          }
        }),
      )
    },

    async mount(scope, pod, podIps) {
      const ready = done.get(uidOf(pod)) ?? new Set()
      done.set(uidOf(pod), ready)
      await mkdir(podDir(pod), { recursive: true, mode: 0o750 })
      await Promise.all(
        volumesOf(pod).map(async (volume) => {
          // Addresses are known only once the sandbox is there; what shows them is then written again.
          const key = `${volume.name} ${volume.downwardAPI !== undefined || volume.projected !== undefined ? podIps.join(',') : ''}`
          if (ready.has(key)) return
          try {
            await setUp(scope, pod, volume, podIps)
            ready.add(key)
          } catch (error) {
            scope.check()
            throw error instanceof PodRejected ? error : failed(volume, error)
          }
        }),
      )
    },

    async showImage(scope, pod, volume, image) {
      // Layers on top of each other cannot be shown with other owners here: the runtime does that where it makes them.
      if (pod.spec?.hostUsers === false) {
        const shown = images.get(uidOf(pod)) ?? new Map<string, string>()
        images.set(uidOf(pod), shown.set(volume, image.id))
        return
      }
      await mountImage(scope, runtime, image.id, { podDir: podDir(pod), podUid: uidOf(pod), volume })
    },

    async mountsOf(scope, pod, container, environment, { recursiveReadOnlyMounts }) {
      const mounts: Mount[] = []
      for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
        const volume = volumesOf(pod).find(({ name }) => name === mount.name)
        if (volume === undefined) throw configError(`volume "${mount.name}" is not defined`)
        const kind = kindOf(volume)
        const isPayload = hasPayload(kind) || kind === 'image'
        const subPath =
          mount.subPathExpr === undefined || mount.subPathExpr === '' ? (mount.subPath ?? '') : expandAll(mount.subPathExpr, environment)
        const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`
        const imageId = images.get(uidOf(pod))?.get(volume.name)
        if (imageId !== undefined) {
          const image = { id: imageId, subPath }
          mounts.push({ containerPath, hostPath: '', readOnly: true, recursiveReadOnly: false, propagation: 'private', image })
          continue
        }
        let hostPath = await hostPathOf(scope, pod, volume)
        if (subPath !== '') {
          hostPath = await subPathMount(scope, pod, container, index, hostPath, subPath, isPayload).catch((error: unknown) => {
            scope.check()
            throw configError(
              `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}": ${messageOf(error)}`,
              error,
            )
          })
        }
        const propagation = PROPAGATIONS[(mount.mountPropagation ?? 'None') as keyof typeof PROPAGATIONS]
        // The files of an image are mounted read-only here already; asked for again, the runtime would forget that they are not executable.
        const readOnly = kind !== 'image' && (isPayload || mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true)
        mounts.push({
          containerPath,
          hostPath,
          readOnly,
          recursiveReadOnly: isRecursivelyReadOnly(mount, recursiveReadOnlyMounts),
          propagation,
        })
      }
      if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts')) {
        mounts.push({
          containerPath: '/etc/hosts',
          hostPath: hostsPathOf(podDir(pod)),
          readOnly: false,
          recursiveReadOnly: false,
          propagation: 'private',
        })
      }
      return mounts
    },

    async devicesOf(scope, pod, container) {
      return Promise.all(
        (container.volumeDevices ?? []).map(async ({ name, devicePath }): Promise<Device> => {
          const volume = volumesOf(pod).find((one) => one.name === name)
          if (volume === undefined || kindOf(volume) !== 'claim')
            throw configError(`volume ${JSON.stringify(name)} is not a claim: it cannot be a device`)
          const { use, bound } = await lookUp(scope, pod, volume)
          const found = use === undefined ? pathOfVolume(bound) : { path: driven.pathOf(use), isBlock: use.block }
          if (!found.isBlock) throw configError(`volume ${name} has volumeMode Filesystem, but is specified in volumeDevices`)
          await prepareHostPath(found.path, 'BlockDevice')
          const permissions = volume.persistentVolumeClaim?.readOnly === true ? 'r' : 'mrw'
          return { containerPath: devicePath, hostPath: found.path, permissions }
        }),
      )
    },

    async writeHosts(pod, podIps) {
      const nodeHosts = await readFile('/etc/hosts', 'utf8').catch(() => '')
      const text = hostsFile(pod, podIps, hostnameOf(pod, settings.clusterDomain), nodeHosts)
      await keepHostsFile(hostsPathOf(podDir(pod)), text)
    },

    async refresh(scope, pod, podIps) {
      let againAtMs: number | undefined
      const renewBy = (atMs: number | undefined): void => {
        if (atMs !== undefined) againAtMs = Math.min(againAtMs ?? Number.POSITIVE_INFINITY, atMs)
      }
      for (const volume of volumesOf(pod)) {
        const kind = kindOf(volume)
        try {
          if (hasPayload(kind)) await writePayload(scope, pod, volume, kind, podIps, renewBy)
          else if (isLookedUp(kind)) {
            const { use } = await lookUp(scope, pod, volume)
            if (use !== undefined) renewBy(await driven.refresh(scope, use))
          }
        } catch (error) {
          scope.check()
          scope.log.warn('a volume could not be brought up to date', {
            volume: volume.name,
            error: messageOf(error),
          })
          renewBy(scope.clock.now() + REFRESH_RETRY_MS)
        }
      }
      return againAtMs
    },

    async release(scope, pod) {
      const uid = uidOf(pod)
      if (uid === '' || uid.includes('/') || uid.includes('..')) throw new Error(`not a pod uid: ${JSON.stringify(uid)}`)
      await driven.release(scope, uid)
      for (const dir of [podDir(pod), join(settings.memoryDir, uid)]) {
        if ((await stat(dir).catch(() => undefined)) === undefined) continue
        await (await openDirectory(dir)).close()
        await unmountAll(scope, dir)
        if (dir === podDir(pod)) await dropImages(scope, runtime, dir, uid)
        await rm(dir, { recursive: true, force: true })
      }
      done.delete(uid)
      images.delete(uid)
    },
  }
}

/** Whether its files are written by the node. */
const hasPayload = (kind: VolumeKind): kind is 'configmap' | 'secret' | 'downward-api' | 'projected' =>
  kind === 'configmap' || kind === 'secret' || kind === 'downward-api' || kind === 'projected'

/** Whether it has to be asked of the API what it is. */
const isLookedUp = (kind: VolumeKind): boolean => kind === 'claim' || kind === 'driver'

/** A tmpfs is as large as asked for, and never larger than what its pod may use. */
function memoryBytes(pod: core.Pod, sizeLimit: string | undefined, settings: NodeSettings): number {
  const limits = (pod.spec?.containers ?? []).map(({ resources }) => resources?.limits?.memory)
  const podBytes = limits.every((limit) => limit !== undefined)
    ? limits.reduce((sum, limit) => sum + quantityValue(limit ?? '0'), 0)
    : settings.allocatable.memoryBytes
  const asked = sizeLimit === undefined ? 0 : quantityValue(sizeLimit)
  return asked > 0 ? Math.min(asked, podBytes) : podBytes
}

function expandAll(text: string, environment: ReadonlyMap<string, string>): string {
  const missing: string[] = []
  const expanded = expand(text, (name) => {
    const value = environment.get(name)
    if (value === undefined) missing.push(name)
    return value
  })
  if (missing.length > 0)
    throw configError(`failed to expand subPath: missing value for ${missing.map((name) => JSON.stringify(name)).join(', ')}`)
  return expanded
}
