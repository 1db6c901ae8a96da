import assert from 'node:assert/strict'
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { rootScope } from '#base'
import type { NodeSettings } from '../settings.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { diskUse } from './disk-use.ts'

const KiB = 1024

describe('what a pod has on the disk', () => {
  let dir: string
  let cache: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'disk-'))
    cache = join(dir, 'pods/uid-p/volumes/kubernetes.io~empty-dir/cache')
    mkdirSync(cache, { recursive: true })
    mkdirSync(join(dir, 'logs/default_p_uid-p/main'), { recursive: true })
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const pod = testPod('p', {
    volumes: [
      { name: 'cache', emptyDir: {} },
      { name: 'ram', emptyDir: { medium: 'Memory' } },
    ],
    containers: [],
  })
  const use = async () => {
    using scope = rootScope()
    const settings = { podsDir: join(dir, 'pods'), logsDir: join(dir, 'logs') } as NodeSettings
    return await diskUse(scope, settings, pod, [])
  }

  test('is its emptyDirs and logs, each file once however many names it has', async () => {
    const before = (await use()).emptyDirs.get('cache') ?? 0
    writeFileSync(join(cache, 'file'), Buffer.alloc(64 * KiB))
    linkSync(join(cache, 'file'), join(cache, 'other-name'))
    writeFileSync(join(dir, 'logs/default_p_uid-p/main/0.log'), Buffer.alloc(32 * KiB))
    const { emptyDirs, containers, bytes } = await use()
    assert.deepEqual([...emptyDirs.keys()], ['cache'])
    assert.equal((emptyDirs.get('cache') ?? 0) - before, 64 * KiB)
    assert.ok((containers.get('main') ?? 0) >= 32 * KiB)
    assert.equal(bytes, (emptyDirs.get('cache') ?? 0) + (containers.get('main') ?? 0))
  })

  test('is what its containers wrote into the files that the node lends them', async () => {
    const before = await use()
    mkdirSync(join(dir, 'pods/uid-p/containers/main'), { recursive: true })
    writeFileSync(join(dir, 'pods/uid-p/containers/main/0.message'), Buffer.alloc(64 * KiB))
    writeFileSync(join(dir, 'pods/uid-p/etc-hosts'), Buffer.alloc(128 * KiB))
    const { bytes } = await use()
    assert.ok(bytes - before.bytes >= 192 * KiB, `${bytes - before.bytes}`)
  })

  test('is the same for many files', async () => {
    const before = await use()
    for (let at = 0; at < 600; at++) writeFileSync(join(cache, `${at}`), Buffer.alloc(4 * KiB))
    const after = await use()
    assert.ok(after.bytes - before.bytes >= 600 * 4 * KiB)
    assert.equal(after.inodes - before.inodes, 600)
  })
})
