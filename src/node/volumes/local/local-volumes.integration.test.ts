import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { runCommand } from '../../host/command.ts'
import { releaseLoops } from '../../host/loops.ts'
import { findProgram } from '../../host/machine/programs.ts'
import type { NodeDriver, VolumeCapability } from '../csi/node-driver.ts'
import { usualFilesystem } from './filesystems.ts'
import { localDriver } from './local-driver.ts'
import { LocalVolumes } from './local-volumes.ts'
import { loopDevicesOf } from './loop-devices.ts'
import { VolumeRefused, type VolumeWish } from './volume-record.ts'

const MIB = 2 ** 20
const OWNER = { namespace: 'n', name: 'c', uid: 'u' }
const MOUNT: VolumeCapability = { accessMode: 'single-node-writer', mount: { fsType: '', mountFlags: [] } }
const BLOCK: VolumeCapability = { accessMode: 'single-node-writer' }

function missing(): string | false {
  if (process.geteuid?.() !== 0) return 'mounts need root'
  for (const program of ['losetup', 'mkfs.ext4', 'mount']) if (findProgram(program) === undefined) return `${program} is not installed`
  return false
}

describe("the node's own volumes", { skip: missing() }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sampan-volumes-'))
  let scope: CancellableScope
  let volumes: LocalVolumes
  let driver: NodeDriver
  const image = (more: Partial<VolumeWish> = {}): VolumeWish => ({
    sizeBytes: 300 * MIB,
    kind: 'image',
    block: false,
    owner: OWNER,
    ...more,
  })
  const at = (id: string) => ({ staging: join(dir, 'staging', id), target: join(dir, 'target', id) })

  async function show(id: string, capability = MOUNT, readOnly = false): Promise<string> {
    const { staging, target } = at(id)
    const request = { volumeId: id, capability, publishContext: {}, volumeContext: {}, secrets: {} }
    await driver.stage(scope, { ...request, stagingPath: staging })
    await driver.publish(scope, { ...request, stagingPath: staging, targetPath: target, readOnly })
    return target
  }
  async function hide(id: string): Promise<void> {
    await driver.unpublish(scope, id, at(id).target)
    await driver.unstage(scope, id, at(id).staging)
  }

  before(async () => {
    scope = rootScope()
    volumes = new LocalVolumes(join(dir, 'storage'))
    driver = localDriver(volumes)
    await volumes.recover(scope)
  })
  after(async () => {
    await releaseLoops(scope, dir)
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })

  it('have the size that was asked for and no more, and grow while they are used', async () => {
    await volumes.ensure(scope, 'sized', image())
    const path = await show('sized')
    assert.throws(() => writeFileSync(join(path, 'too-much'), Buffer.alloc(320 * MIB)), /ENOSPC/)
    rmSync(join(path, 'too-much'))
    const sizeOf = (): number => statfsSync(path).blocks * statfsSync(path).bsize
    const before = sizeOf()
    assert.ok(before <= 300 * MIB)
    if ((await usualFilesystem()) === 'xfs') {
      await volumes.expand(scope, 'sized', 400 * MIB)
      assert.ok(sizeOf() > before + 90 * MIB, `${sizeOf()} after ${before}`)
    }
    await hide('sized')
    assert.deepEqual(await loopDevicesOf(volumes.imageOf('sized')), [])
    await volumes.remove('sized')
  })

  it('keep their data from one use to the next, in either file system, and grow between them', async () => {
    for (const fsType of ['ext4', ...((await usualFilesystem()) === 'xfs' ? (['xfs'] as const) : [])] as const) {
      await volumes.ensure(scope, 'kept', image({ fsType }))
      const path = await show('kept')
      writeFileSync(join(path, 'word'), 'kept')
      const before = statfsSync(path).blocks
      await hide('kept')
      await volumes.expand(scope, 'kept', 500 * MIB)
      await show('kept')
      assert.equal(readFileSync(join(path, 'word'), 'utf8'), 'kept')
      assert.ok(statfsSync(path).blocks > before * 1.4, fsType)
      await hide('kept')
      await volumes.remove('kept')
    }
  })

  it('can be shown as devices, read-only, and as directories', async () => {
    await volumes.ensure(scope, 'raw', image({ block: true, sizeBytes: 8 * MIB }))
    const device = await show('raw', BLOCK)
    assert.equal((await runCommand(scope, 'blockdev', ['--getsize64', device])).trim(), String(8 * MIB))
    await volumes.expand(scope, 'raw', 16 * MIB)
    assert.equal((await runCommand(scope, 'blockdev', ['--getsize64', device])).trim(), String(16 * MIB))
    await hide('raw')
    await volumes.ensure(scope, 'plain', { sizeBytes: 1, kind: 'directory', block: false, owner: OWNER })
    const folder = await show('plain')
    writeFileSync(join(folder, 'word'), 'kept')
    await assert.rejects(volumes.remove('plain'), isRefused('in-use'))
    await assert.rejects(volumes.expand(scope, 'plain', 5), isRefused('invalid'))
    await hide('plain')
    assert.throws(() => writeFileSync(join(folder, 'word'), 'new'))
    const again = await show('plain', MOUNT, true)
    assert.equal(readFileSync(join(again, 'word'), 'utf8'), 'kept')
    assert.throws(() => writeFileSync(join(again, 'word'), 'new'), /EROFS/)
    await hide('plain')
    await Promise.all([volumes.remove('raw'), volumes.remove('plain'), volumes.remove('never-was')])
    assert.deepEqual(readdirSync(join(dir, 'storage', 'volumes')), [])
  })

  it('are copied as they were at one moment, and the copies can be used beside them', async () => {
    await volumes.ensure(scope, 'source', image())
    const path = await show('source')
    writeFileSync(join(path, 'word'), 'before')
    await volumes.takeSnapshot(scope, 'moment', 'source')
    writeFileSync(join(path, 'word'), 'after')
    await volumes.ensure(scope, 'restored', image({ sizeBytes: 450 * MIB, source: { snapshot: 'moment' } }))
    await volumes.ensure(scope, 'cloned', image({ source: { volume: 'source' } }))
    const [restored, cloned] = [await show('restored'), await show('cloned')]
    assert.equal(readFileSync(join(restored, 'word'), 'utf8'), 'before')
    assert.ok(statfsSync(restored).blocks > statfsSync(path).blocks * 1.3)
    assert.equal(readFileSync(join(cloned, 'word'), 'utf8'), 'after')
    for (const id of ['source', 'restored', 'cloned']) await hide(id)
    for (const id of ['source', 'restored', 'cloned']) await volumes.remove(id)
    assert.equal((await volumes.takeSnapshot(scope, 'moment', 'source')).sizeBytes >= 300 * MIB, true)
    await volumes.removeSnapshot('moment')
    await assert.rejects(volumes.ensure(scope, 'late', image({ source: { snapshot: 'moment' } })), isRefused('not-found'))
  })

  it('are refused when the disk has no room for what is promised', async () => {
    const free = await volumes.freeBytes()
    await assert.rejects(volumes.ensure(scope, 'huge', image({ sizeBytes: free + MIB })), isRefused('no-room'))
    await volumes.ensure(scope, 'most', image({ sizeBytes: free - 512 * MIB, block: true }))
    await assert.rejects(volumes.ensure(scope, 'more', image({ sizeBytes: 1024 * MIB })), isRefused('no-room'))
    await assert.rejects(volumes.expand(scope, 'most', free + MIB), isRefused('no-room'))
    await volumes.remove('most')
  })

  it('survive that everything is killed between any two steps', async () => {
    await volumes.ensure(scope, 'torn', image())
    // As after losetup, before mount.
    await runCommand(scope, 'losetup', ['--find', volumes.imageOf('torn')])
    const again = new LocalVolumes(join(dir, 'storage'))
    driver = localDriver(again)
    writeFileSync(join(dir, 'storage', 'volumes', '.new-half'), '')
    await again.recover(scope)
    const path = await show('torn')
    // As after staging and publishing, with nobody who remembers it.
    driver = localDriver(new LocalVolumes(join(dir, 'storage')))
    assert.equal(await show('torn'), path)
    await hide('torn')
    await hide('torn')
    assert.deepEqual(await loopDevicesOf(volumes.imageOf('torn')), [])
    await volumes.remove('torn')
    assert.deepEqual(readdirSync(join(dir, 'storage', 'volumes')), [])
  })
})

const isRefused =
  (refusal: string) =>
  (error: unknown): boolean =>
    error instanceof VolumeRefused && error.refusal === refusal
