import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { unpackTar } from 'modern-tar'
import { rootScope } from '#base'
import { buildImage, listBuiltImages } from './build.ts'
import type { ImageDefinition } from './definition.ts'
import { writeLayoutTar } from './layout-tar.ts'
import type { OciLayout } from './oci-layout.ts'

const folder = mkdtempSync(join(tmpdir(), 'sampan-build-'))
after(() => rmSync(folder, { recursive: true }))
const scope = rootScope()
after(() => scope.cancel())

const app = join(folder, 'app')
mkdirSync(join(app, 'lib'), { recursive: true })
writeFileSync(join(app, 'main.ts'), 'console.log(1)\n')
writeFileSync(join(app, 'main.test.ts'), 'a test\n')
writeFileSync(join(app, 'lib', 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
const definition: ImageDefinition = {
  name: 'sampan.local/app:1',
  layers: [{ kind: 'pause' }, { kind: 'files', from: app, to: '/app', exclude: ['.test.ts'] }],
  user: '1000:1000',
  entrypoint: ['/pause'],
  env: { A: 'b' },
  workdir: '/app',
  ports: ['8080'],
  labels: { x: 'y' },
}
const build = (cache: string): Promise<OciLayout> => buildImage(scope, definition, { cacheDir: join(folder, cache) })
const layerFiles = async (layout: OciLayout, index: number): Promise<Awaited<ReturnType<typeof unpackTar>>> =>
  unpackTar(zstdDecompressSync(readFileSync(layout.blobs[index + 1]?.path ?? '')))

describe('building an image', () => {
  test('equal inputs give equal bytes, whenever and wherever', async () => {
    const [one, other] = [await build('one'), await build('other')]
    assert.equal(one.digest, other.digest)
    assert.deepEqual(
      one.blobs.map(({ digest }) => digest),
      other.blobs.map(({ digest }) => digest),
    )
  })

  test('a layer holds sorted files of root, with their folders, and dates of 1970', async () => {
    const files = await layerFiles(await build('one'), 1)
    assert.deepEqual(
      files.map(({ header }) => [header.name, header.mode, header.uid, header.gid, header.mtime?.getTime()]),
      [
        ['app/', 0o755, 0, 0, 0],
        ['app/lib/', 0o755, 0, 0, 0],
        ['app/lib/run.sh', 0o755, 0, 0, 0],
        ['app/main.ts', 0o644, 0, 0, 0],
      ],
    )
    assert.equal(Buffer.from(files[3]?.data ?? []).toString(), 'console.log(1)\n')
  })

  test('every descriptor tells the truth about its blob', async () => {
    const { manifest, blobs } = await build('one')
    for (const { path, digest, sizeBytes } of [manifest, ...blobs]) {
      const bytes = readFileSync(path)
      assert.equal(bytes.length, sizeBytes)
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest)
    }
    const config = JSON.parse(readFileSync(blobs[0]?.path ?? '', 'utf8')) as { config: object; rootfs: { diff_ids: string[] } }
    const diffIds = blobs.slice(1).map(
      ({ path }) =>
        `sha256:${createHash('sha256')
          .update(zstdDecompressSync(readFileSync(path)))
          .digest('hex')}`,
    )
    assert.deepEqual(config.rootfs.diff_ids, diffIds)
    assert.deepEqual(config.config, {
      User: '1000:1000',
      ExposedPorts: { '8080/tcp': {} },
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'A=b'],
      Entrypoint: ['/pause'],
      WorkingDir: '/app',
      Labels: { x: 'y' },
    })
  })

  test('takes from the cache what has not changed, and only that', async () => {
    await build('changing')
    assert.equal((await build('changing')).cached, true)
    const before = await build('changing')
    writeFileSync(join(app, 'main.ts'), 'console.log(2)\n')
    const changed = await build('changing')
    writeFileSync(join(app, 'main.ts'), 'console.log(1)\n')
    assert.equal(changed.cached, false)
    assert.equal(changed.blobs[1]?.digest, before.blobs[1]?.digest, 'the layer below is the same')
    assert.notEqual(changed.digest, before.digest)
    assert.equal((await build('changing')).digest, before.digest)
  })

  test('a blob that was cut short is made again', async () => {
    const before = await build('cut')
    truncateSync(before.blobs[1]?.path ?? '', 3)
    const again = await build('cut')
    assert.equal(again.cached, false)
    assert.equal(again.digest, before.digest)
    assert.equal(readFileSync(again.blobs[1]?.path ?? '').length, again.blobs[1]?.sizeBytes)
  })

  test('says what is not there, and leaves nothing half done', async () => {
    const cacheDir = join(folder, 'missing')
    const wrong: ImageDefinition = { ...definition, layers: [{ kind: 'files', from: app, to: '/app', include: ['nowhere.ts'] }] }
    await assert.rejects(buildImage(scope, wrong, { cacheDir }), /nowhere\.ts is not there/)
    assert.deepEqual(listBuiltImages({ cacheDir }), [])
  })

  test('lists what has been built', async () => {
    const { digest } = await build('listed')
    const [image, ...more] = listBuiltImages({ cacheDir: join(folder, 'listed') })
    assert.deepEqual([image?.name, image?.digest, more], [definition.name, digest, []])
  })

  test('a cancelled build leaves no unfinished file', async () => {
    const stopped = rootScope()
    stopped.cancel()
    await assert.rejects(buildImage(stopped, definition, { cacheDir: join(folder, 'stopped') }), { code: 'CANCELLED' })
    await build('one')
    assert.deepEqual(readdirSync(join(folder, 'one', 'images', 'tmp')), [])
  })
})

describe('a layout tar', () => {
  test('holds an index of all images and what they share once', async () => {
    const first = await build('one')
    const second = await buildImage(scope, { ...definition, name: 'sampan.local/second:1', user: '1' }, { cacheDir: join(folder, 'one') })
    const file = join(folder, 'layout.tar')
    await writeLayoutTar(scope, [first, second], file)
    const entries = await unpackTar(readFileSync(file))
    const names = entries.map(({ header }) => header.name)
    assert.equal(new Set(names).size, names.length)
    const index = JSON.parse(Buffer.from(entries.find(({ header }) => header.name === 'index.json')?.data ?? []).toString()) as {
      manifests: { digest: string; annotations: Record<string, string> }[]
    }
    assert.deepEqual(
      index.manifests.map(({ digest, annotations }) => [annotations['io.containerd.image.name'], digest]),
      [
        [first.name, first.digest],
        [second.name, second.digest],
      ],
    )
    // Two layers that both have, and a manifest and a configuration each.
    assert.equal(names.filter((name) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name)).length, 6)
  })
})
