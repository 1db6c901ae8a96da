import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Compacted } from '../errors.ts'
import { type EngineKind, bytes, put, putting, record, remove, text, until, withEngine } from './harness.fixture.ts'

export function watchContract(kind: EngineKind): void {
  describe('watches', () => {
    test('without a revision follows what comes after the newest', () =>
      withEngine(kind, async ({ engine, scope }) => {
        await put(engine, 'p/a')
        const seen = record(engine, scope, { prefix: 'p/' })
        await engine.commit(putting('q/x', 'p/b'))
        await put(engine, 'q/y')
        await remove(engine, 'p/a')
        await until('both events', () => seen.batches.length === 2)
        assert.deepEqual(seen.lines(), ['3:put:p/b', '5:delete:p/a'])
      }))

    test('replays the history in order, then follows, without a gap or a repetition', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const written: [revision: number, key: string][] = []
        // A turn's writes are one sync of the disk.
        const write = async (count: number): Promise<void> => {
          const keys = Array.from({ length: count }, (_, at) => `p/${at % 7}`)
          const revisions = await Promise.all(keys.map((key, at) => put(engine, key, String(at))))
          written.push(...keys.map((key, at): [number, string] => [revisions[at] ?? 0, key]))
        }
        const count = kind.remote === true ? 12 : 30
        for (let at = 0; at < count; at += 1) await write(100)
        const seen = record(engine, scope, { prefix: 'p/', fromRevision: 500 })
        for (let at = 0; at < 20; at++) await write(10)
        await until('the last event', () => seen.batches.at(-1)?.revision === engine.revision)
        const expected = written.toSorted(([a], [b]) => a - b).map(([revision, key]) => `${revision}:put:${key}`)
        assert.deepEqual(seen.lines(), expected.slice(500 - 2))
        await until('the end of the replay', () => seen.progress.length > 0)
      }))

    test('hands over the events of a transaction together', () =>
      withEngine(kind, async ({ engine, scope }) => {
        await put(engine, 'p/b')
        const live = record(engine, scope, { prefix: 'p/' })
        await until('the watch follows', () => live.progress.length === 1)
        await engine.commit({
          operations: [
            { kind: 'put', key: 'p/a', value: bytes('new') },
            { kind: 'delete', key: 'p/b' },
            { kind: 'put', key: 'q/c', value: bytes('elsewhere') },
            { kind: 'put', key: 'p/d', value: bytes('new') },
          ],
        })
        const replayed = record(engine, scope, { prefix: 'p/', fromRevision: 3 })
        await until('both batches', () => live.batches.length + replayed.batches.length === 2)
        for (const { batches } of [live, replayed]) {
          assert.equal(batches.length, 1)
          assert.deepEqual(
            batches[0]?.events.map((event) => `${event.kind} ${event.key}`),
            ['put p/a', 'delete p/b', 'put p/d'],
          )
        }
      }))

    test('shows the value before and after, live and replayed alike', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const live = record(engine, scope, { prefix: '', withPrevious: true })
        await put(engine, 'a', 'one')
        await put(engine, 'a', 'two')
        await remove(engine, 'a')
        await put(engine, 'a', 'three')
        const replayed = record(engine, scope, { prefix: '', fromRevision: 2, withPrevious: true })
        await until('all events', () => live.batches.length + replayed.batches.length === 8)
        for (const { batches } of [live, replayed]) {
          const events = batches.flatMap((batch) => batch.events)
          assert.deepEqual(
            events.map((event) => [event.kind, text(event.current), event.previous && text(event.previous)]),
            [
              ['put', 'one', undefined],
              ['put', 'two', 'one'],
              ['delete', '', 'two'],
              ['put', 'three', undefined],
            ],
          )
          assert.deepEqual(
            events.map(({ current }) => [current.createRevision, current.modRevision, current.version]),
            [
              [2, 2, 1],
              [2, 3, 2],
              [0, 4, 0],
              [5, 5, 1],
            ],
          )
        }
      }))

    test('tells once that the history has been replayed, and later of progress elsewhere', () =>
      withEngine(kind, async ({ engine, scope, clock }) => {
        await put(engine, 'p/a')
        const seen = record(engine, scope, { prefix: 'p/', fromRevision: 2 })
        await until('the replay', () => seen.progress.length === 1)
        assert.deepEqual([seen.lines(), seen.progress], [['2:put:p/a'], [2]])
        await put(engine, 'q/b')
        clock.advance(60_000)
        await until('the progress', () => seen.progress.length === 2)
        assert.deepEqual(seen.progress, [2, 3])
      }))

    test('from a future revision waits for it', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const seen = record(engine, scope, { prefix: '', fromRevision: 4 })
        for (const key of ['a', 'b', 'c', 'd']) await put(engine, key)
        await until('the last event', () => seen.batches.at(-1)?.revision === 5)
        assert.deepEqual(seen.lines(), ['4:put:c', '5:put:d'])
      }))

    test('from before the compaction ends with Compacted, once and without events', () =>
      withEngine(kind, async ({ engine, scope }) => {
        for (let at = 0; at < 10; at++) await put(engine, 'a', String(at))
        await engine.compact(6)
        const late = record(engine, scope, { prefix: '', fromRevision: 5 })
        const first = record(engine, scope, { prefix: '', fromRevision: 6 })
        await until('the end and the replay', () => late.ends.length === 1 && first.batches.length === 6)
        const [end] = late.ends
        assert.ok(end instanceof Compacted && end.compactedRevision === 6)
        await put(engine, 'a')
        assert.deepEqual([late.batches, late.ends.length, first.ends], [[], 1, []])
      }))

    test('a follower does not notice a compaction', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const seen = record(engine, scope, { prefix: '' })
        for (let at = 0; at < 10; at++) {
          await put(engine, 'a', String(at))
          await engine.compact(engine.revision)
        }
        await until('all events', () => seen.batches.length === 10)
        assert.deepEqual(seen.ends, [])
      }))

    test('a compaction that overtakes a replay ends it with Compacted, never with a gap', () =>
      withEngine(kind, async ({ engine, scope }) => {
        for (let at = 0; at < 100; at++) await engine.commit(putting(...Array.from({ length: 100 }, (_, key) => `k${key}`)))
        const seen = record(engine, scope, { prefix: '', fromRevision: 2 })
        await engine.compact(engine.revision)
        await put(engine, 'last')
        await until('the end, or everything', () => seen.ends.length === 1 || seen.batches.at(-1)?.revision === 102)
        const revisions = seen.batches.map(({ revision }) => revision)
        assert.deepEqual(
          revisions,
          revisions.map((_, at) => at + 2),
        )
        if (seen.ends.length === 1) assert.ok(seen.ends[0] instanceof Compacted)
        else assert.equal(revisions.length, 101)
      }))

    test('a slow callback loses nothing, neither its own events nor those of others', () =>
      withEngine(kind, async ({ engine, scope }) => {
        let spun = 0
        const slow = record(engine, scope, { prefix: '' }, () => {
          for (let at = 0; at < 2e6; at++) spun += at & 1
        })
        const quick = record(engine, scope, { prefix: '' })
        await Promise.all(Array.from({ length: 200 }, (_, at) => put(engine, `k${at}`)))
        await until('all events', () => slow.batches.length === 200 && quick.batches.length === 200)
        assert.deepEqual(slow.lines(), quick.lines())
        assert.ok(spun > 0)
      }))

    test('a throwing callback ends its own watch, once, and nothing else', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const bad = record(engine, scope, { prefix: '' }, () => {
          throw new Error('thrown by the callback')
        })
        const good = record(engine, scope, { prefix: '' })
        await put(engine, 'a')
        await put(engine, 'b')
        await until('all events', () => good.batches.length === 2 && bad.ends.length === 1)
        assert.equal(bad.batches.length, 1)
        assert.equal(bad.ends[0]?.message, 'thrown by the callback')
        const replayed = record(engine, scope, { prefix: '', fromRevision: 2 }, () => {
          throw new Error('thrown in a replay')
        })
        await until('the end of the replay', () => replayed.ends.length === 1)
        assert.equal(replayed.batches.length, 1)
      }))

    test('ends silently with its scope, even from within a callback', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const own = scope.child()
        const other = scope.child()
        const first = record(engine, own, { prefix: '' }, () => {
          own.cancel()
          other.cancel()
        })
        const second = record(engine, other, { prefix: '' })
        const witness = record(engine, scope, { prefix: '' })
        const dead = record(engine, own, { prefix: '', fromRevision: 2 })
        await put(engine, 'a')
        await put(engine, 'b')
        await until('the witness', () => witness.batches.length === 2)
        assert.equal(first.batches.length, 1)
        assert.ok(second.batches.length <= 1)
        // Which of several watches hears first is not the engine's choice when another process tells them.
        assert.ok(dead.batches.length <= (kind.remote === true ? 1 : 0))
        assert.deepEqual([first.ends, second.ends, dead.ends], [[], [], []])
      }))

    test('a watch that begins within a callback sees what comes later, once', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const inner: ReturnType<typeof record>[] = []
        const outer = record(engine, scope, { prefix: '' }, () => {
          if (inner.length === 0) inner.push(record(engine, scope, { prefix: '' }), record(engine, scope, { prefix: '', fromRevision: 2 }))
        })
        await Promise.all([put(engine, 'a'), put(engine, 'b'), put(engine, 'c')])
        await put(engine, 'd')
        await until('everything', () => outer.batches.length === 4 && inner[1]?.batches.length === 4)
        assert.deepEqual(inner[1]?.lines(), outer.lines())
        const late = inner[0]?.lines() ?? []
        assert.deepEqual(late, outer.lines().slice(outer.batches.length - late.length))
        assert.ok(late.includes('5:put:d'))
      }))

    test('thousands of watches each get their own events only', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const recordings = Array.from({ length: 2000 }, (_, at) => record(engine, scope, { prefix: `p/${at}/` }))
        const above = record(engine, scope, { prefix: 'p/' })
        for (let at = 0; at < 2000; at += 100) await engine.commit(putting(`p/${at}/x`, `p/${at}/y`, `other/${at}`))
        await until('all events', () => above.batches.length === 20)
        await until('each event', () => recordings.filter(({ batches }) => batches.length === 1).length === 20)
        recordings.forEach((recording, at) => {
          const expected = at % 100 === 0 ? [`${at / 100 + 2}:put:p/${at}/x`, `${at / 100 + 2}:put:p/${at}/y`] : []
          assert.deepEqual(recording.lines(), expected)
        })
      }))

    test('when events arrive, the store can be read at their revision', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const behind: number[] = []
        engine.watch(
          scope,
          { prefix: '' },
          {
            onEvents: (_, revision) => {
              if (engine.revision < revision) behind.push(revision)
            },
            onEnd: () => undefined,
          },
        )
        const last = record(engine, scope, { prefix: '' })
        await Promise.all(Array.from({ length: 100 }, (_, at) => put(engine, `k${at}`)))
        await until('all events', () => last.batches.length === 100)
        assert.deepEqual(behind, [])
      }))
  })
}
