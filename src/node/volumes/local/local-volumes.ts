import { chmod, mkdir, stat, statfs, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '#base'
import { runCommand } from '../../host/command.ts'
import { mountsOfSource } from '../../host/mount-table.ts'
import { Turns } from '../../turns.ts'
import { type FilesystemType, growMounted, makeFilesystem, roundedSize, usualFilesystem } from './filesystems.ts'
import { loopDevicesOf, resizeLoops } from './loop-devices.ts'
import { RecordFiles } from './record-files.ts'
import { copyImage, thaw } from './image-copies.ts'
import { type SnapshotRecord, type VolumeRecord, VolumeRefused, type VolumeWish } from './volume-record.ts'

const IMAGE = 'image'
const DATA = 'data'

/**
 * The volumes that lie on this node's disk, and their snapshots. What there is, is what the disk, the kernel's loop devices and its mounts say:
 * every operation can be repeated, and killed between any two steps. Files of images are sparse; a new one is refused when the disk has not
 * the room for all that is promised.
 */
export class LocalVolumes {
  readonly #volumes: RecordFiles<VolumeRecord>
  readonly #snapshots: RecordFiles<SnapshotRecord>
  readonly #dir: string
  readonly #turns = new Turns()

  constructor(dir: string) {
    this.#dir = dir
    this.#volumes = new RecordFiles(join(dir, 'volumes'))
    this.#snapshots = new RecordFiles(join(dir, 'snapshots'))
  }

  /** Takes away what was half made, and lets those write again whose snapshot was being taken. */
  async recover(scope: Scope): Promise<void> {
    await Promise.all([this.#volumes.sweep(), this.#snapshots.sweep()])
    for (const { id } of await this.#volumes.list()) await thaw(scope, this.#volumes.placeOf(id))
  }

  volumes(): Promise<readonly VolumeRecord[]> {
    return this.#volumes.list()
  }
  snapshots(): Promise<readonly SnapshotRecord[]> {
    return this.#snapshots.list()
  }

  /** Throws `VolumeRefused` when there is none. */
  async volume(id: string): Promise<VolumeRecord> {
    const found = await this.#volumes.read(id)
    if (found === undefined) throw new VolumeRefused('not-found', `this node has no volume ${id}`)
    return found
  }

  imageOf(id: string): string {
    return join(this.#volumes.placeOf(id), IMAGE)
  }
  directoryOf(id: string): string {
    return join(this.#volumes.placeOf(id), DATA)
  }

  /** One at a time for each volume: whoever mounts it takes its turn here too. */
  turn<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(id, work)
  }

  /** The bytes that the disk still has for new volumes. */
  async freeBytes(): Promise<number> {
    const [disk, volumes] = await Promise.all([statfs(this.#dir), this.#volumes.list()])
    const promised = await Promise.all(
      volumes.map(async ({ id, kind, sizeBytes }) => {
        if (kind === 'directory') return 0
        const file = await stat(this.imageOf(id)).catch(() => undefined)
        return file === undefined ? 0 : Math.max(sizeBytes - file.blocks * 512, 0)
      }),
    )
    return Math.max(disk.bavail * disk.bsize - promised.reduce((sum, bytes) => sum + bytes, 0), 0)
  }

  /** Makes the volume, or finds that it is there as it is wanted. */
  ensure(scope: Scope, id: string, wish: VolumeWish): Promise<VolumeRecord> {
    // One after the other: each looks at the room that those before it have left.
    return this.#turns.take('', async () => {
      const there = await this.#volumes.read(id)
      if (there !== undefined) {
        const fits = there.kind === wish.kind && there.block === wish.block && there.sizeBytes >= wish.sizeBytes
        if (fits && (wish.fsType === undefined || wish.fsType === there.fsType)) return there
        throw new VolumeRefused('exists', `volume ${id} is there, but it is another one`)
      }
      const source = wish.source === undefined ? undefined : await this.#sourceOf(wish)
      const fsType = wish.kind === 'directory' || wish.block ? undefined : (source?.fsType ?? wish.fsType ?? (await usualFilesystem()))
      const asked = Math.max(wish.sizeBytes, source?.sizeBytes ?? 0)
      const sizeBytes = wish.kind === 'directory' ? asked : roundedSize(asked, fsType)
      await this.#refuseBeyond(sizeBytes, `a volume of ${sizeBytes} bytes`)
      return this.#volumes.add(id, async (place) => {
        if (wish.kind === 'directory') await makeDirectory(join(place, DATA))
        else if (source === undefined) await makeImage(scope, join(place, IMAGE), sizeBytes, fsType)
        else {
          const copy = (): Promise<void> => copyImage(scope, source.image, join(place, IMAGE), source.holder)
          await (source.volume === undefined ? copy() : this.turn(source.volume, copy))
          await truncate(join(place, IMAGE), sizeBytes)
        }
        const { kind, block, owner } = wish
        const filesystemBytes = source === undefined ? sizeBytes : (source.filesystemBytes ?? source.sizeBytes)
        return { id, kind, block, owner, sizeBytes, kept: false, ...(fsType === undefined ? {} : { fsType, filesystemBytes }) }
      })
    })
  }

  /** From here on it is somebody's. */
  keep(id: string): Promise<VolumeRecord> {
    return this.turn(id, async () => {
      const record = await this.volume(id)
      return record.kept ? record : this.#volumes.replace(id, { ...record, kept: true })
    })
  }

  /** Deletes it and all that is in it. Nothing happens when it is not there; refused while a pod has it. */
  remove(id: string): Promise<void> {
    return this.turn(id, async () => {
      const record = await this.#volumes.read(id)
      if (record === undefined) return
      if (await this.#isUsed(record)) throw new VolumeRefused('in-use', `volume ${id} is still used on this node`)
      await this.#volumes.remove(id)
    })
  }

  /** Makes it larger, its file system too, whether it is in use or not. Never smaller. */
  expand(scope: Scope, id: string, bytes: number): Promise<VolumeRecord> {
    return this.#turns.take('', () =>
      this.turn(id, async () => {
        const record = await this.volume(id)
        if (record.kind === 'directory')
          throw new VolumeRefused('invalid', `volume ${id} is a directory: it has no size that could be changed`)
        const sizeBytes = Math.max(record.sizeBytes, roundedSize(bytes, record.fsType))
        await this.#refuseBeyond(sizeBytes - record.sizeBytes, `${sizeBytes - record.sizeBytes} more bytes`)
        const image = this.imageOf(id)
        await truncate(image, sizeBytes)
        await resizeLoops(scope, image)
        const filesystemBytes = (await this.#growWhereMounted(scope, record)) ? sizeBytes : record.filesystemBytes
        const grown = { ...record, sizeBytes, ...(filesystemBytes === undefined ? {} : { filesystemBytes }) }
        return this.#volumes.replace(id, grown)
      }),
    )
  }

  /** Its file system has all of its image now. In the volume's turn. */
  async noteGrown(record: VolumeRecord): Promise<void> {
    await this.#volumes.replace(record.id, { ...record, filesystemBytes: record.sizeBytes })
  }

  /** Keeps a copy of a volume as it is at one moment. */
  takeSnapshot(scope: Scope, id: string, volume: string): Promise<SnapshotRecord> {
    return this.#turns.take('', async () => {
      const there = await this.#snapshots.read(id)
      if (there !== undefined) {
        if (there.volume === volume) return there
        throw new VolumeRefused('exists', `snapshot ${id} is there, but of volume ${there.volume}`)
      }
      const record = await this.volume(volume)
      if (record.kind === 'directory') throw new VolumeRefused('invalid', `volume ${volume} is a directory: only images have snapshots`)
      const { blocks } = await stat(this.imageOf(volume))
      await this.#refuseBeyond(blocks * 512, `a snapshot of ${blocks * 512} bytes`)
      return this.turn(volume, () =>
        this.#snapshots.add(id, async (place) => {
          await copyImage(scope, this.imageOf(volume), join(place, IMAGE), this.#volumes.placeOf(volume))
          const { sizeBytes, block, fsType, filesystemBytes } = record
          const optional = { ...(fsType === undefined ? {} : { fsType }), ...(filesystemBytes === undefined ? {} : { filesystemBytes }) }
          return { id, volume, sizeBytes, block, ...optional, madeAtMs: scope.clock.now() }
        }),
      )
    })
  }

  removeSnapshot(id: string): Promise<void> {
    return this.#turns.take('', () => this.#snapshots.remove(id))
  }

  async #sourceOf({ source, block, kind, fsType }: VolumeWish): Promise<ImageSource> {
    if (source === undefined || kind !== 'image') throw new VolumeRefused('invalid', 'only image volumes are made from others')
    const found = 'volume' in source ? await this.volume(source.volume) : await this.#snapshotOf(source.snapshot)
    if ('kind' in found && found.kind !== 'image') throw new VolumeRefused('invalid', `volume ${found.id} is a directory`)
    if (found.block !== block) throw new VolumeRefused('invalid', 'a copy has the volume mode of what it is made from')
    if (fsType !== undefined && fsType !== found.fsType)
      throw new VolumeRefused('invalid', `a copy has the file system of what it is made from, ${found.fsType ?? 'none'}`)
    const holder = 'volume' in source ? this.#volumes.placeOf(source.volume) : undefined
    const image = 'volume' in source ? this.imageOf(source.volume) : join(this.#snapshots.placeOf(source.snapshot), IMAGE)
    return { ...found, image, holder, volume: 'volume' in source ? source.volume : undefined }
  }

  async #snapshotOf(id: string): Promise<SnapshotRecord> {
    const found = await this.#snapshots.read(id)
    if (found === undefined) throw new VolumeRefused('not-found', `this node has no snapshot ${id}`)
    return found
  }

  async #refuseBeyond(bytes: number, what: string): Promise<void> {
    const free = await this.freeBytes()
    if (bytes > free) throw new VolumeRefused('no-room', `${what} is more than the node's disk has room for: ${free} bytes are free`)
  }

  async #isUsed(record: VolumeRecord): Promise<boolean> {
    if (record.kind === 'image') return (await loopDevicesOf(this.imageOf(record.id))).length > 0
    return (await mountsOfSource(this.directoryOf(record.id))).length > 0
  }

  async #growWhereMounted(scope: Scope, { id, fsType }: VolumeRecord): Promise<boolean> {
    if (fsType === undefined) return false
    for (const device of await loopDevicesOf(this.imageOf(id))) {
      const [mountPoint] = await mountsOfSource(device)
      if (mountPoint === undefined) continue
      await growMounted(scope, fsType, device, mountPoint)
      return true
    }
    return false
  }
}

interface ImageSource {
  readonly image: string
  /** Where a volume that may be in use is; a snapshot never is. */
  readonly holder: string | undefined
  readonly volume: string | undefined
  readonly sizeBytes: number
  readonly fsType?: FilesystemType
  readonly filesystemBytes?: number
}

/** As an empty directory of the kubelet: whoever the pod runs as may write. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path)
  await chmod(path, 0o777)
}

async function makeImage(scope: Scope, path: string, sizeBytes: number, fsType: FilesystemType | undefined): Promise<void> {
  await runCommand(scope, 'truncate', ['--size', String(sizeBytes), path])
  if (fsType !== undefined) await makeFilesystem(scope, fsType, path)
}
