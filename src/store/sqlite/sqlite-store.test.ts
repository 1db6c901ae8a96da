import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { UserError, afterThisTurn, rootScope } from '#base'
import { put, putting, remove, text, until } from '../contract/harness.fixture.ts'
import type { Engine } from '../engine.ts'
import { StoreFailed } from '../errors.ts'
import { syncData } from './sqlite-disk.ts'
import { type SqliteStoreOptions, openSqliteStore } from './sqlite-store.ts'

const scope = rootScope()
let directory: string
let path: string
let open: Engine[]

function inFreshFolder(): void {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sampan-store-'))
    path = join(directory, 'store.db')
    open = []
  })
  afterEach(async () => {
    for (const engine of open) await engine.close()
    rmSync(directory, { recursive: true })
  })
}

async function openStore(options: Partial<SqliteStoreOptions> = {}): Promise<Engine> {
  const engine = await openSqliteStore(scope, { path, ...options })
  open.push(engine)
  return engine
}

function refusedWith(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UserError && message.test(error.message)
}

describe('opening a file', () => {
  inFreshFolder()

  test('makes it, its directory and its log readable by the owner only', async () => {
    path = join(directory, 'new', 'store.db')
    await put(await openStore(), 'a')
    assert.equal(statSync(join(directory, 'new')).mode & 0o777, 0o700)
    for (const suffix of ['', '-wal']) assert.equal(statSync(path + suffix).mode & 0o777, 0o600)
  })

  test('refuses the database of another program and leaves it as it is', async () => {
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)')
    other.close()
    const before = readFileSync(path)
    await assert.rejects(openStore(), refusedWith(/is the file of another program/))
    assert.deepEqual(readFileSync(path), before)
  })

  test('refuses a file that is no database and leaves it as it is', async () => {
    const letter = 'Dear reader, this is not a database. '.repeat(100)
    writeFileSync(path, letter)
    await assert.rejects(openStore(), refusedWith(/is the file of another program/))
    assert.equal(readFileSync(path, 'utf8'), letter)
  })

  test('refuses a file of a newer version', async () => {
    await (await openStore()).close()
    const newer = new DatabaseSync(path)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    await assert.rejects(openStore(), refusedWith(/was written by a newer version .*99/))
  })

  test('refuses a file in use, from this process and from another, and does not disturb its owner', async () => {
    const owner = await openStore()
    await put(owner, 'a')
    await assert.rejects(openStore(), refusedWith(/is in use by another process/))
    const program = `
      import { rootScope } from '#base'
      import { openSqliteStore } from '#store'
      await openSqliteStore(rootScope(), { path: ${JSON.stringify(path)} }).then(() => console.log('opened'), (error) => console.log(error.message))`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: import.meta.dirname, encoding: 'utf8' })
    assert.equal(child.stdout.trim(), `${path} is in use by another process`)
    assert.equal(await put(owner, 'a'), 3)
    await owner.close()
    assert.equal((await openStore()).revision, 3)
  })

  test('goes on from a log with a torn or foreign tail', async () => {
    const engine = await openStore()
    for (let at = 0; at < 20; at++) await put(engine, `k${at}`, 'x'.repeat(3000))
    const damages: ((log: string) => void)[] = [
      (log) => appendFileSync(log, Buffer.alloc(5000, 0x5a)),
      (log) => truncateSync(log, statSync(log).size - 700),
      (log) => truncateSync(log, 40),
    ]
    const revisions: number[] = []
    for (const [at, damage] of damages.entries()) {
      const copy = join(directory, `copy-${at}.db`)
      copyFileSync(path, copy)
      copyFileSync(`${path}-wal`, `${copy}-wal`)
      damage(`${copy}-wal`)
      const opened = await openStore({ path: copy })
      const { items } = await opened.range({ prefix: '' })
      assert.equal(items.length, opened.revision - 1)
      for (const item of items) assert.equal(text(item), 'x'.repeat(3000))
      revisions.push(opened.revision)
      assert.equal(await put(opened, 'next'), opened.revision)
    }
    // All of it; all but the last transaction; nothing but the empty store.
    assert.deepEqual(revisions, [21, 20, 1])
  })
})

describe('a full disk', () => {
  inFreshFolder()

  const large = 'x'.repeat(100_000)

  test('fails the transactions of the batch, and later ones work once there is room', async () => {
    const engine = await openStore({ maxFileBytes: 2_000_000, checkpointBytes: 65_536 })
    const lease = await engine.grantLease(3600)
    await put(engine, 'first', 'kept', lease)
    let written = 0
    const failure = await (async () => {
      for (; written < 100; written++) await put(engine, `large-${written}`, large)
    })().catch((error: unknown) => error)
    assert.ok(failure instanceof StoreFailed)
    assert.ok(written > 5 && written < 100)
    const { revision } = engine

    // What was computed on top of the refused write is refused with it, whatever it would have answered.
    const batch = await Promise.allSettled([
      engine.commit({ compare: [{ key: 'new', modRevision: 0 }], ...putting('new') }),
      put(engine, 'large', large),
      engine.commit({ compare: [{ key: 'new', modRevision: 0 }], ...putting('new') }),
      engine.commit({ compare: [{ key: 'new', modRevision: revision + 1 }], ...putting('other') }),
      engine.revokeLease(lease),
    ])
    for (const result of batch) assert.ok(result.status === 'rejected' && result.reason instanceof StoreFailed)

    assert.equal(engine.revision, revision)
    assert.equal(await engine.get('new'), undefined)
    assert.equal(text(await engine.get('first')), 'kept')
    assert.equal((await engine.range({ prefix: 'large-' })).count, written)

    for (let at = 0; at < written; at++) await remove(engine, `large-${at}`)
    await engine.compact(engine.revision)
    await put(engine, 'last-deletion-compacted')
    await engine.compact(engine.revision)
    await untilSmaller(engine, 1_500_000)
    const again = await put(engine, 'large', large)
    assert.equal(again, revision + written + 2)
    await engine.renewLease(lease)

    await engine.close()
    const opened = await openStore()
    assert.equal(opened.revision, again)
    assert.deepEqual(
      (await opened.range({ prefix: '' })).items.map(({ key }) => key),
      ['first', 'large', 'last-deletion-compacted'],
    )
  })
})

describe('a disk that forgets', () => {
  inFreshFolder()

  test('after a loss of power everything that was acknowledged is there, wherever it stood', async () => {
    const image = (suffix: string): Buffer => readFileSync(path + suffix)
    const synced = new Map<string, Buffer>()
    let carriedOver = 0
    const engine = await openSqliteStore(scope, { path, checkpointBytes: 65_536 }, async (descriptor) => {
      const suffix = readlinkSync(`/proc/self/fd/${descriptor}`).slice(path.length)
      if (suffix === '') carriedOver++
      const bytes = image(suffix)
      await syncData(descriptor)
      synced.set(suffix, bytes)
    })
    open.push(engine)
    for (const suffix of ['', '-wal']) synced.set(suffix, image(suffix))
    let last = 0
    for (let round = 0; round < 16; round++) {
      const written = await Promise.all(Array.from({ length: 7 }, (_, at) => put(engine, `k${round}-${at}`, 'x'.repeat(1500))))
      last = Math.max(...written)
      // Of each file the disk has what was synced last, or what the kernel has written since on its own.
      for (const file of [synced.get(''), image('')])
        for (const log of [synced.get('-wal'), image('-wal')]) {
          const lost = join(directory, 'lost.db')
          writeFileSync(lost, file ?? '')
          writeFileSync(`${lost}-wal`, log ?? '')
          const opened = await openSqliteStore(scope, { path: lost })
          assert.equal(opened.revision, last)
          assert.equal((await opened.range({ prefix: '' })).items.length, last - 1)
          await opened.close()
        }
    }
    assert.ok(carriedOver > 2, `the log was carried over ${carriedOver} times`)
  })

  test('what it could not make sure of is not there, now or after a restart', async () => {
    let failing = false
    const sync = (descriptor: number): Promise<void> => (failing ? Promise.reject(new Error('input/output error')) : syncData(descriptor))
    const engine = await openSqliteStore(scope, { path, checkpointBytes: 65_536 }, sync)
    open.push(engine)
    const kept = await engine.grantLease(3600)
    const ended = await engine.grantLease(3600)
    await put(engine, 'kept', 'before', kept)
    await put(engine, 'leased', 'before', ended)
    const revision = await put(engine, 'last')
    failing = true
    const refused = await Promise.allSettled([
      put(engine, 'kept', 'x'.repeat(100_000)),
      engine.revokeLease(ended),
      engine.grantLease(60),
      engine.compact(revision),
    ])
    for (const result of refused) assert.ok(result.status === 'rejected' && result.reason instanceof StoreFailed)
    assert.equal(engine.revision, revision)
    assert.equal(text(await engine.get('kept')), 'before')
    failing = false
    assert.equal(await put(engine, 'after'), revision + 1)
    await engine.close()
    const opened = await openStore()
    assert.equal(opened.revision, revision + 1)
    assert.equal(opened.compactedRevision, 0)
    assert.deepEqual(
      (await opened.range({ prefix: '' })).items.map((item) => [item.key, item.value.length, item.lease ?? 0]),
      [
        ['after', 1, 0],
        ['kept', 6, kept],
        ['last', 1, 0],
        ['leased', 6, ended],
      ],
    )
    await opened.renewLease(kept)
    await opened.revokeLease(ended)
  })
})

describe('a file that is written over and over', () => {
  inFreshFolder()

  test('the file stays within twice the live data while values of a usual length are written over again', async () => {
    const engine = await openStore({ checkpointBytes: 262_144 })
    const value = 'x'.repeat(2400)
    const keys = 500
    const liveBytes = keys * (value.length + 20)
    let largest = 0
    for (let round = 0; round < 20; round++) {
      const before = engine.revision
      await Promise.all(
        Array.from({ length: keys }, (_, at) =>
          (at * 7 + round) % 3 === 0 ? put(engine, `/k/${at}`, value) : put(engine, `/k/${at % 50}`, value),
        ),
      )
      largest = Math.max(largest, (await engine.stats()).sizeBytes)
      await engine.compact(before)
    }
    // The history window is two rounds here, as long as the live data each.
    assert.ok(largest < liveBytes * 2 + 2 * liveBytes + 1e6, `${largest} bytes at most for ${liveBytes} live ones`)
    // What the first leaves free and nobody has used is given back by the second.
    await engine.compact(engine.revision)
    await new Promise<void>((resolve) => afterThisTurn(resolve))
    await engine.compact(engine.revision)
    await untilSmaller(engine, liveBytes * 2 + 524_288)
  })
})

async function untilSmaller(engine: Engine, bytes: number): Promise<void> {
  let sizeBytes = Number.POSITIVE_INFINITY
  await until('the file is smaller', () => {
    void Promise.resolve(engine.stats()).then((stats) => (sizeBytes = stats.sizeBytes))
    return sizeBytes < bytes
  })
}
