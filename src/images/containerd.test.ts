import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { rootScope } from '#base'
import { buildImage } from './build.ts'
import { importImage, importImages, listImages, parseImages } from './containerd.ts'
import { type ImageDefinition, pauseDefinition } from './definition.ts'

test('reads the table of images', () => {
  const table = [
    'REF                  TYPE                                       DIGEST      SIZE  PLATFORMS   LABELS',
    'sampan.local/pause:1 application/vnd.oci.image.manifest.v1+json sha256:aa11 1 KiB linux/amd64 io.cri-containerd.image=managed',
    'sha256:bb22          application/vnd.oci.image.manifest.v1+json sha256:aa11 1 KiB linux/amd64 -',
    '',
  ].join('\n')
  assert.deepEqual(parseImages(table), [{ name: 'sampan.local/pause:1', digest: 'sha256:aa11' }])
  assert.deepEqual(parseImages('REF TYPE DIGEST SIZE PLATFORMS LABELS\n'), [])
})

/** Programs of the machine, not of a package. */
const [CONTAINERD, CTR, RUNC] = ['containerd', 'ctr', 'runc'] as const
const reason =
  process.getuid?.() !== 0 ? 'needs root' : [CONTAINERD, CTR, RUNC].find((program) => spawnSync(program, ['--version']).error !== undefined)

describe('importing into a real containerd', { skip: reason === undefined ? false : `not here: ${reason}` }, () => {
  const scope = rootScope()
  const folder = mkdtempSync(join(tmpdir(), 'sampan-images-'))
  const containerd = { address: join(folder, 'containerd.sock') }
  const ctr = (...args: readonly string[]): string =>
    execFileSync(CTR, ['--address', containerd.address, '--namespace', 'k8s.io', ...args], { encoding: 'utf8' })
  let daemon: ChildProcess

  before(async () => {
    const config = join(folder, 'config.toml')
    const lines = [
      'version = 2',
      `root = "${join(folder, 'root')}"`,
      `state = "${join(folder, 'state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]',
      '[grpc]',
      `address = "${containerd.address}"`,
      '[plugins."io.containerd.internal.v1.opt"]',
      `path = "${join(folder, 'opt')}"`,
    ]
    writeFileSync(config, lines.join('\n'))
    daemon = spawn(CONTAINERD, ['--config', config], { stdio: 'ignore' })
    while (!existsSync(containerd.address)) {
      assert.equal(daemon.exitCode, null, 'containerd runs')
      await scope.sleep(20)
    }
  })
  after(async () => {
    daemon.kill()
    await once(daemon, 'exit')
    rmSync(folder, { recursive: true })
    scope.cancel()
  })

  const options = { cacheDir: join(folder, 'cache') }
  const second: ImageDefinition = { ...pauseDefinition, name: 'sampan.local/second:1', user: '1:1' }

  test('puts an image in once', async () => {
    const layout = await buildImage(scope, pauseDefinition, options)
    assert.deepEqual(await importImage(scope, { ...containerd, layout }), { name: layout.name, digest: layout.digest, imported: true })
    assert.equal((await importImage(scope, { ...containerd, layout })).imported, false)
    assert.deepEqual(await listImages(scope, containerd), [{ name: layout.name, digest: layout.digest }])
  })

  test('adds an image whose layer is there, and replaces one that has changed', async () => {
    const layouts = [await buildImage(scope, pauseDefinition, options), await buildImage(scope, second, options)]
    assert.deepEqual(
      (await importImages(scope, { ...containerd, layouts })).map(({ imported }) => imported),
      [false, true],
    )
    const changed = await buildImage(scope, { ...second, user: '2:2' }, options)
    assert.equal((await importImage(scope, { ...containerd, layout: changed })).imported, true)
    assert.deepEqual((await listImages(scope, containerd)).find(({ name }) => name === second.name)?.digest, changed.digest)
  })

  test('runs what it has put in, as process 1, until it is told to end', async () => {
    await importImage(scope, { ...containerd, layout: await buildImage(scope, pauseDefinition, options) })
    ctr('run', '--detach', pauseDefinition.name, 'pause')
    const [, pid] = /pause\s+(\d+)\s+RUNNING/.exec(ctr('tasks', 'list')) ?? []
    assert.ok(pid !== undefined)
    ctr('tasks', 'kill', '--signal', 'SIGTERM', 'pause')
    while (!/pause\s+\d+\s+STOPPED/.test(ctr('tasks', 'list'))) await scope.sleep(20)
    ctr('tasks', 'delete', 'pause')
    ctr('containers', 'delete', 'pause')
    assert.equal(ctr('containers', 'list', '--quiet'), '')
  })

  test('says what containerd says when it refuses', async () => {
    await assert.rejects(listImages(scope, { address: join(folder, 'nobody.sock') }), { code: 'IMAGE_TOOL_FAILED' })
  })
})
