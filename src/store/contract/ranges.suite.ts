import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Compacted, FutureRevision, InvalidStoreRequest } from '../errors.ts'
import { type EngineKind, attempt, put, putting, remove, text, withEngine } from './harness.fixture.ts'

export function rangeContract(kind: EngineKind): void {
  describe('ranges', () => {
    test('keys come in the order of their UTF-8 bytes, whatever their characters', () =>
      withEngine(kind, async ({ engine }) => {
        const keys = ['p/z', 'p/Z', 'p/a', 'p/é', 'p/\uffee', 'p/😀', 'p/a/b', 'p/a-b', 'p/\u0001', 'p/\ue000', 'q', 'p']
        for (const key of keys) await put(engine, key)
        const expected = keys.filter((key) => key.startsWith('p/')).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const { items, count, more } = await engine.range({ prefix: 'p/' })
        assert.deepEqual(
          items.map(({ key }) => key),
          expected,
        )
        assert.deepEqual([count, more], [expected.length, false])
      }))

    test('an empty prefix is everything, and a prefix without keys is nothing', () =>
      withEngine(kind, async ({ engine }) => {
        await engine.commit(putting('a', 'b'))
        assert.equal((await engine.range({ prefix: '' })).count, 2)
        assert.deepEqual(await engine.range({ prefix: 'c' }), { revision: 2, items: [], more: false, count: 0 })
      }))

    test('pages at one revision are a snapshot while writes go on', () =>
      withEngine(kind, async ({ engine }) => {
        const keys = Array.from({ length: 2500 }, (_, at) => `p/${String(at).padStart(5, '0')}`)
        await engine.commit(putting(...keys))
        const atRevision = engine.revision
        const read: string[] = []
        let after: string | undefined
        for (let page = 0; ; page++) {
          const range = await engine.range({ prefix: 'p/', limit: 200, atRevision, ...(after === undefined ? {} : { after }) })
          assert.equal(range.revision, atRevision)
          assert.equal(range.count, keys.length - read.length)
          read.push(...range.items.map(({ key }) => key))
          for (const item of range.items) assert.equal(text(item), `value of ${item.key}`)
          if (!range.more) break
          after = range.items.at(-1)?.key
          await Promise.all([
            put(engine, `p/${page}-new`),
            remove(engine, keys[page * 100] ?? ''),
            put(engine, keys[2400 - page] ?? '', 'new'),
          ])
        }
        assert.deepEqual(read, keys)
        const now = (await engine.range({ prefix: 'p/' })).items.map(({ key }) => key)
        assert.notDeepEqual(now, keys)
      }))

    test('a limit says what is left, and counts everything', () =>
      withEngine(kind, async ({ engine }) => {
        await engine.commit(putting('p/a', 'p/b', 'p/c', 'p/d'))
        await remove(engine, 'p/b')
        const first = await engine.range({ prefix: 'p/', limit: 2 })
        assert.deepEqual([first.items.map(({ key }) => key), first.more, first.count], [['p/a', 'p/c'], true, 3])
        const rest = await engine.range({ prefix: 'p/', limit: 2, after: 'p/c' })
        assert.deepEqual([rest.items.map(({ key }) => key), rest.more, rest.count], [['p/d'], false, 1])
        const exact = await engine.range({ prefix: 'p/', limit: 3 })
        assert.equal(exact.more, false)
      }))

    test('a limit below 1 and a place outside of the prefix are refused', () =>
      withEngine(kind, async ({ engine }) => {
        await assert.rejects(
          attempt(() => engine.range({ prefix: 'p/', limit: 0 })),
          InvalidStoreRequest,
        )
        await assert.rejects(
          attempt(() => engine.range({ prefix: 'p/', after: 'q/a' })),
          InvalidStoreRequest,
        )
      }))

    test('keys only leaves the values empty', () =>
      withEngine(kind, async ({ engine }) => {
        await put(engine, 'p/a', 'something')
        const { items } = await engine.range({ prefix: 'p/', keysOnly: true })
        assert.deepEqual(
          items.map(({ key, value, modRevision }) => [key, value.byteLength, modRevision]),
          [['p/a', 0, 2]],
        )
      }))

    test('a read at a revision shows exactly that revision', () =>
      withEngine(kind, async ({ engine }) => {
        await put(engine, 'p/a', 'one')
        await put(engine, 'p/b', 'two')
        await put(engine, 'p/a', 'three')
        await remove(engine, 'p/b')
        await put(engine, 'p/b', 'four')
        const states = []
        for (let atRevision = 1; atRevision <= engine.revision; atRevision++) {
          const { items } = await engine.range({ prefix: 'p/', atRevision })
          for (const item of items) assert.deepEqual(await engine.get(item.key, atRevision), item)
          states.push(items.map((item) => `${item.key}=${text(item)}`).join(' '))
        }
        assert.deepEqual(states, ['', 'p/a=one', 'p/a=one p/b=two', 'p/a=three p/b=two', 'p/a=three', 'p/a=three p/b=four'])
      }))

    test('revisions before the compaction and after the newest are errors', () =>
      withEngine(kind, async ({ engine }) => {
        for (let at = 0; at < 5; at++) await put(engine, 'a', String(at))
        await engine.compact(4)
        assert.equal(engine.compactedRevision, 4)
        await assert.rejects(
          attempt(() => engine.get('a', 3)),
          Compacted,
        )
        await assert.rejects(
          attempt(() => engine.range({ prefix: '', atRevision: 3 })),
          (error: unknown) => error instanceof Compacted && error.compactedRevision === 4,
        )
        await assert.rejects(
          attempt(() => engine.get('a', 7)),
          FutureRevision,
        )
        await assert.rejects(
          attempt(() => engine.range({ prefix: '', atRevision: 7 })),
          FutureRevision,
        )
        assert.equal(text(await engine.get('a', 4)), '2')
        assert.equal(text(await engine.get('a', 5)), '3')
      }))
  })
}
