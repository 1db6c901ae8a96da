import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Engine } from '../engine.ts'
import { FutureRevision } from '../errors.ts'
import { type EngineKind, attempt, put, record, remove, text, until, withEngine } from './harness.fixture.ts'

async function keysOf(engine: Engine, atRevision?: number): Promise<string[]> {
  const { items } = await engine.range({ prefix: '', ...(atRevision === undefined ? {} : { atRevision }) })
  return items.map((item) => `${item.key}=${text(item)}`)
}

export function compactionContract(kind: EngineKind): void {
  describe('compaction', () => {
    test('loses no key and brings none back', () =>
      withEngine(kind, async ({ engine, reopen }) => {
        for (let at = 0; at < 40; at++) await put(engine, `k${at}`, 'old')
        for (let at = 0; at < 40; at += 2) await put(engine, `k${at}`, 'new')
        for (let at = 0; at < 40; at += 4) await remove(engine, `k${at}`)
        await put(engine, 'k0', 'again')
        const before = await keysOf(engine)
        await engine.compact(engine.revision)
        assert.deepEqual(await keysOf(engine), before)
        await put(engine, 'other')
        assert.deepEqual(await keysOf(engine), [...before, 'other=v'])
        if (!kind.durable) return
        const opened = await reopen()
        assert.deepEqual(await keysOf(opened), [...before, 'other=v'])
        await opened.compact(opened.revision)
        assert.deepEqual(await keysOf(await reopen()), [...before, 'other=v'])
      }))

    test('keeps every revision from the compacted one on readable', () =>
      withEngine(kind, async ({ engine }) => {
        for (let at = 0; at < 30; at++) await (at % 3 === 2 ? remove(engine, `k${at % 2}`) : put(engine, `k${at % 2}`, String(at)))
        const states = new Map<number, string[]>()
        for (let revision = 1; revision <= engine.revision; revision++) states.set(revision, await keysOf(engine, revision))
        for (const compacted of [5, 12, 13, engine.revision]) {
          await engine.compact(compacted)
          for (let revision = compacted; revision <= engine.revision; revision++)
            assert.deepEqual(await keysOf(engine, revision), states.get(revision), `revision ${revision}, compacted at ${compacted}`)
        }
      }))

    test('is idempotent, and refused beyond the newest revision', () =>
      withEngine(kind, async ({ engine }) => {
        for (let at = 0; at < 5; at++) await put(engine, 'a', String(at))
        await engine.compact(4)
        await engine.compact(4)
        await engine.compact(2)
        assert.equal(engine.compactedRevision, 4)
        await assert.rejects(
          attempt(() => engine.compact(99)),
          FutureRevision,
        )
        assert.equal(engine.compactedRevision, 4)
      }))

    test('of a deletion still shows it to a watch that starts there, with what was deleted', () =>
      withEngine(kind, async ({ engine, scope }) => {
        await put(engine, 'a', 'gone')
        const deletion = await remove(engine, 'a')
        await engine.compact(deletion)
        await put(engine, 'b')
        const seen = record(engine, scope, { prefix: '', fromRevision: deletion, withPrevious: true })
        await until('both events', () => seen.batches.length === 2)
        assert.deepEqual(seen.lines(), ['3:delete:a', '4:put:b'])
        // etcd has it no more.
        if (kind.remote !== true) assert.equal(text(seen.batches[0]?.events[0]?.previous), 'gone')
      }))

    test('counts and statistics are of what exists', () =>
      withEngine(kind, async ({ engine }) => {
        for (let at = 0; at < 10; at++) await put(engine, `k${at}`)
        for (let at = 0; at < 4; at++) await remove(engine, `k${at}`)
        assert.equal((await engine.stats()).keys, 6)
        await engine.compact(engine.revision)
        await put(engine, 'k0')
        assert.equal((await engine.stats()).keys, 7)
        assert.equal((await engine.range({ prefix: '', limit: 1 })).count, 7)
      }))
  })
}
