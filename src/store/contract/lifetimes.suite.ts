import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StoreClosed } from '../errors.ts'
import { type EngineKind, attempt, put, putting, record, remove, text, until, withEngine } from './harness.fixture.ts'

export function lifetimeContract(kind: EngineKind): void {
  describe('closing', () => {
    test('finishes what is under way and refuses what comes later', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const seen = record(engine, scope, { prefix: '' })
        await until('the watch follows', () => seen.progress.length === 1)
        const writing = Promise.all(Array.from({ length: 20 }, (_, at) => put(engine, `k${at}`)))
        await engine.close()
        assert.equal(Math.max(...(await writing)), 21)
        assert.equal(seen.batches.length, 20)
        assert.deepEqual(
          seen.ends.map((error) => error instanceof StoreClosed),
          [true],
        )
        const calls: (() => unknown)[] = [
          () => engine.commit(putting('a')),
          () => engine.get('a'),
          () => engine.range({ prefix: '' }),
          () => engine.compact(1),
          () => engine.grantLease(1),
          () => engine.renewLease(1),
          () => engine.revokeLease(1),
          () => engine.watch(scope, { prefix: '' }, { onEvents: () => undefined, onEnd: () => undefined }),
        ]
        for (const call of calls) await assert.rejects(attempt(call), StoreClosed, String(call))
        await engine.close()
      }))

    test('twice at the same time is once', () =>
      withEngine(kind, async ({ engine }) => {
        await Promise.all([put(engine, 'a'), engine.close(), engine.close()])
      }))
  })

  if (!kind.durable) return

  describe('opening again', () => {
    test('brings back every key, the revision and the history', () =>
      withEngine(kind, async ({ engine, scope, reopen }) => {
        await put(engine, 'a', 'one')
        await engine.commit(putting('b', 'ключ', '😀'))
        await put(engine, 'a', 'two')
        await remove(engine, 'b')
        const before = await engine.range({ prefix: '' })
        const opened = await reopen()
        assert.equal(opened.revision, 5)
        const after = await opened.range({ prefix: '' })
        assert.deepEqual(
          after.items.map((item) => ({ ...item, value: text(item) })),
          before.items.map((item) => ({ ...item, value: text(item) })),
        )
        assert.equal(text(await opened.get('a', 2)), 'one')
        const seen = record(opened, scope, { prefix: '', fromRevision: 2 })
        await until('the history', () => seen.batches.length === 4)
        assert.deepEqual(seen.lines(), ['2:put:a', '3:put:b', '3:put:ключ', '3:put:😀', '4:put:a', '5:delete:b'])
        assert.equal(await put(opened, 'c'), 6)
      }))

    test('gives no revision twice, even when the newest change was a deletion that has been compacted', () =>
      withEngine(kind, async ({ engine, reopen }) => {
        await put(engine, 'a')
        const deletion = await remove(engine, 'a')
        await engine.compact(deletion)
        const opened = await reopen()
        assert.equal(opened.revision, deletion)
        assert.equal(opened.compactedRevision, deletion)
        assert.equal(await put(opened, 'a'), deletion + 1)
      }))

    test('watches resume where they were, across any number of restarts', () =>
      withEngine(kind, async ({ engine, scope, reopen }) => {
        let opened = engine
        const lines: string[] = []
        let from = 2
        for (let round = 0; round < 6; round++) {
          for (let at = 0; at < 5; at++) await put(opened, `k${at}`, String(round))
          if (round % 2 === 1) await opened.compact(from)
          if (round % 3 === 1) opened = await reopen()
          const seen = record(opened, scope, { prefix: '', fromRevision: from })
          await until('the events of the round', () => seen.batches.length === 5)
          lines.push(...seen.lines())
          from = opened.revision + 1
          opened = await reopen()
        }
        assert.deepEqual(
          lines,
          Array.from({ length: 30 }, (_, at) => `${at + 2}:put:k${at % 5}`),
        )
      }))
  })
}
