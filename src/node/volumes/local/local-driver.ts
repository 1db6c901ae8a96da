import { lstat, mkdir, open, rm, rmdir, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { runCommand } from '../../host/command.ts'
import type { DriverFeatures, NodeDriver, PublishRequest, StageRequest } from '../csi/node-driver.ts'
import { mountPoints, unmountAll } from '../mounts.ts'
import { growMounted, growUnmounted, mountOptionsOf } from './filesystems.ts'
import type { LocalVolumes } from './local-volumes.ts'
import { attachLoop, detachLoops } from './loop-devices.ts'
import { VolumeRefused } from './volume-record.ts'

/** The name by which classes and volumes ask for the node's own volumes. */
export const LOCAL_DRIVER = 'local.sampan.dev'

const FEATURES: DriverFeatures = { stages: true, tellsStats: true, expands: false, mountsGroups: false, knowsSingleWriters: true }

/** Shows the node's own volumes to pods. An image is a loop device from staging to unstaging; a directory is bound where it is published. */
export function localDriver(volumes: LocalVolumes): NodeDriver {
  return {
    features: async () => FEATURES,

    stage: (scope, { volumeId, stagingPath, capability }: StageRequest) =>
      volumes.turn(volumeId, async () => {
        const record = await volumes.volume(volumeId)
        if (record.block !== (capability.mount === undefined)) throw new VolumeRefused('invalid', `volume ${volumeId} has another mode`)
        if (record.kind === 'directory') return
        const image = volumes.imageOf(volumeId)
        if (record.fsType === undefined || capability.mount === undefined) return void (await attachLoop(scope, image))
        if ((await mountPoints(stagingPath)).includes(stagingPath)) return
        const device = await attachLoop(scope, image)
        const isWhole = record.filesystemBytes === record.sizeBytes
        if (!isWhole) await growUnmounted(scope, record.fsType, device)
        await mkdir(stagingPath, { recursive: true, mode: 0o750 })
        const options = [...mountOptionsOf(record.fsType), ...capability.mount.mountFlags]
        const given = options.length === 0 ? [] : ['-o', options.join(',')]
        await runCommand(scope, 'mount', ['--no-canonicalize', '-t', record.fsType, ...given, device, stagingPath])
        if (!isWhole) {
          await growMounted(scope, record.fsType, device, stagingPath)
          await volumes.noteGrown(record)
        }
        // From here on the device goes with the mount, whoever takes that away.
        await detachLoops(scope, image)
      }),

    unstage: (scope, volumeId, stagingPath) =>
      volumes.turn(volumeId, async () => {
        await unmountAll(scope, stagingPath)
        await detachLoops(scope, volumes.imageOf(volumeId))
      }),

    publish: (scope, { volumeId, stagingPath = '', targetPath, readOnly, capability }: PublishRequest) =>
      volumes.turn(volumeId, async () => {
        const record = await volumes.volume(volumeId)
        if ((await mountPoints(targetPath)).includes(targetPath)) return
        const isDevice = capability.mount === undefined
        await mkdir(isDevice ? dirname(targetPath) : targetPath, { recursive: true, mode: 0o750 })
        if (isDevice) await (await open(targetPath, 'a', 0o600)).close()
        const source = isDevice
          ? await attachLoop(scope, volumes.imageOf(volumeId))
          : record.kind === 'directory'
            ? volumes.directoryOf(volumeId)
            : stagingPath
        if (!isDevice && record.kind === 'image' && !(await mountPoints(stagingPath)).includes(stagingPath))
          throw new VolumeRefused('invalid', `volume ${volumeId} is not staged`)
        await runCommand(scope, 'mount', ['--no-canonicalize', '--bind', source, targetPath])
        if (readOnly && !isDevice) await runCommand(scope, 'mount', ['--no-canonicalize', '-o', 'remount,bind,ro', targetPath])
      }),

    unpublish: (scope, volumeId, targetPath) =>
      volumes.turn(volumeId, async () => {
        await unmountAll(scope, targetPath)
        // A file where a device was shown, a directory otherwise; what is not empty is not ours to delete.
        const isDirectory = (await lstat(targetPath).catch(() => undefined))?.isDirectory() === true
        await (isDirectory ? rmdir(targetPath) : rm(targetPath, { force: true }))
      }),

    // A volume grows where it lies, by the node's API: there is nothing left to do for those who use it.
    expand: async () => undefined,

    async stats(_, volumeId, volumePath) {
      const record = await volumes.volume(volumeId)
      if (record.block) return { usage: [{ unit: 'bytes', total: record.sizeBytes, available: 0, used: 0 }] }
      const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(volumePath)
      const isLost = record.kind === 'image' && !(await mountPoints(volumePath)).includes(volumePath)
      return {
        usage: [
          { unit: 'bytes', total: blocks * bsize, available: bavail * bsize, used: (blocks - bfree) * bsize },
          { unit: 'inodes', total: files, available: ffree, used: files - ffree },
        ],
        ...(isLost ? { abnormal: 'the volume is not mounted any more' } : {}),
      }
    },
  }
}
