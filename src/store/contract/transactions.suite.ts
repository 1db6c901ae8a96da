import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidStoreRequest, LeaseNotFound } from '../errors.ts'
import { type EngineKind, attempt, bytes, put, putting, record, remove, text, until, withEngine } from './harness.fixture.ts'

export function transactionContract(kind: EngineKind): void {
  describe('transactions', () => {
    test('an empty store is at revision 1, and each transaction raises it by one', () =>
      withEngine(kind, async ({ engine }) => {
        assert.equal(engine.revision, 1)
        assert.equal(await put(engine, 'a'), 2)
        assert.equal((await engine.commit(putting('b', 'c', 'd'))).revision, 3)
        assert.equal(engine.revision, 3)
      }))

    test('a key carries its create revision, mod revision and version, which start again after a deletion', () =>
      withEngine(kind, async ({ engine }) => {
        await put(engine, 'a', 'one')
        await put(engine, 'a', 'two')
        const second = await engine.get('a')
        assert.deepEqual({ ...second, value: text(second) }, { key: 'a', value: 'two', createRevision: 2, modRevision: 3, version: 2 })
        await remove(engine, 'a')
        assert.equal(await engine.get('a'), undefined)
        await put(engine, 'a', 'three')
        const third = await engine.get('a')
        assert.deepEqual({ ...third, value: text(third) }, { key: 'a', value: 'three', createRevision: 5, modRevision: 5, version: 1 })
      }))

    test('values of any length and content come back as they were', () =>
      withEngine(kind, async ({ engine }) => {
        const long = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31) & 0xff)
        await engine.commit({
          operations: [
            { kind: 'put', key: 'empty', value: new Uint8Array(0) },
            { kind: 'put', key: 'long', value: long },
          ],
        })
        assert.equal((await engine.get('empty'))?.value.byteLength, 0)
        assert.deepEqual(Buffer.from((await engine.get('long'))?.value ?? []), Buffer.from(long))
      }))

    test('transactions take effect in the order of the calls, each seeing the ones before it', () =>
      withEngine(kind, async ({ engine }) => {
        const results = await Promise.all([
          engine.commit({ compare: [{ key: 'a', modRevision: 0 }], operations: [{ kind: 'put', key: 'a', value: bytes('first') }] }),
          engine.commit({ compare: [{ key: 'a', modRevision: 0 }], operations: [{ kind: 'put', key: 'a', value: bytes('second') }] }),
          engine.commit({ compare: [{ key: 'a', modRevision: 2 }], operations: [{ kind: 'put', key: 'a', value: bytes('third') }] }),
          engine.commit({ compare: [{ key: 'a', modRevision: 3 }], operations: [{ kind: 'delete', key: 'a' }] }),
          engine.commit({ compare: [{ key: 'a', modRevision: 0 }], operations: [{ kind: 'put', key: 'a', value: bytes('fifth') }] }),
        ])
        assert.deepEqual(
          results.map(({ succeeded, revision }) => [succeeded, revision]),
          [
            [true, 2],
            [false, 2],
            [true, 3],
            [true, 4],
            [true, 5],
          ],
        )
        assert.equal(text(await engine.get('a')), 'fifth')
      }))

    test('a failed compare changes nothing, uses no revision and gives back the values asked for', () =>
      withEngine(kind, async ({ engine }) => {
        await put(engine, 'a', 'present')
        const result = await engine.commit({
          compare: [
            { key: 'a', modRevision: 2 },
            { key: 'b', modRevision: 7 },
          ],
          operations: [{ kind: 'put', key: 'a', value: bytes('changed') }],
          otherwiseGet: ['b', 'a'],
        })
        assert.ok(!result.succeeded)
        assert.equal(result.revision, 2)
        assert.deepEqual(result.otherwise.map(text), [undefined, 'present'])
        assert.equal(engine.revision, 2)
        assert.equal(text(await engine.get('a')), 'present')
      }))

    test('mod revision 0 means that the key does not exist, deleted ones included', () =>
      withEngine(kind, async ({ engine }) => {
        const create = { compare: [{ key: 'a', modRevision: 0 }], ...putting('a') }
        assert.ok((await engine.commit(create)).succeeded)
        assert.ok(!(await engine.commit(create)).succeeded)
        await remove(engine, 'a')
        assert.ok((await engine.commit(create)).succeeded)
      }))

    test('of many writers that read the same revision exactly one wins', () =>
      withEngine(kind, async ({ engine }) => {
        const modRevision = await put(engine, 'a')
        const results = await Promise.all(
          Array.from({ length: 50 }, () => engine.commit({ compare: [{ key: 'a', modRevision }], ...putting('a') })),
        )
        assert.equal(results.filter(({ succeeded }) => succeeded).length, 1)
        assert.equal((await engine.get('a'))?.version, 2)
      }))

    test('deleting a key that is not there succeeds without a revision or an event', () =>
      withEngine(kind, async ({ engine, scope }) => {
        const seen = record(engine, scope, { prefix: '' })
        await put(engine, 'a')
        assert.equal(await remove(engine, 'b'), 2)
        await put(engine, 'c')
        await until('the last event', () => seen.batches.length === 2)
        assert.deepEqual(seen.lines(), ['2:put:a', '3:put:c'])
      }))

    test('a transaction without operations is a read point', () =>
      withEngine(kind, async ({ engine }) => {
        const writing = put(engine, 'a')
        if (kind.remote === true) await writing
        const result = await engine.commit({ operations: [] })
        assert.deepEqual(result, { succeeded: true, revision: 2 })
        assert.ok(await engine.get('a'))
      }))

    test('a key twice in one transaction is refused', () =>
      withEngine(kind, async ({ engine }) => {
        await assert.rejects(engine.commit(putting('a', 'b', 'a')), InvalidStoreRequest)
        const mixed = { operations: [...putting('a').operations, { kind: 'delete' as const, key: 'a' }] }
        await assert.rejects(engine.commit(mixed), InvalidStoreRequest)
        assert.equal(engine.revision, 1)
        assert.equal(await put(engine, 'a'), 2)
      }))

    test('empty and ill-formed keys are refused', () =>
      withEngine(kind, async ({ engine }) => {
        for (const key of ['', 'lone \ud800', 'nul \0'])
          await assert.rejects(
            attempt(() => engine.commit(putting(key))),
            InvalidStoreRequest,
          )
        await assert.rejects(
          attempt(() => engine.get('')),
          InvalidStoreRequest,
        )
      }))

    test('a transaction with an unknown lease does nothing at all', () =>
      withEngine(kind, async ({ engine }) => {
        const operations = [
          { kind: 'put' as const, key: 'a', value: bytes('a') },
          { kind: 'put' as const, key: 'b', value: bytes('b'), lease: 12345 },
        ]
        await assert.rejects(engine.commit({ operations }), LeaseNotFound)
        assert.equal(engine.revision, 1)
        assert.equal(await engine.get('a'), undefined)
      }))

    test('what is not acknowledged yet is not visible', () =>
      withEngine(kind, async ({ engine }) => {
        const writing = put(engine, 'a')
        assert.equal(engine.revision, 1)
        // What is remote is durable before we hear of it.
        if (kind.remote !== true) assert.equal(await engine.get('a'), undefined)
        await writing
        assert.equal(engine.revision, 2)
        assert.ok(await engine.get('a'))
      }))
  })
}
