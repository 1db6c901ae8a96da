import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Engine } from '../engine.ts'
import { InvalidStoreRequest, LeaseNotFound } from '../errors.ts'
import { type EngineKind, attempt, put, record, until, withEngine } from './harness.fixture.ts'

const isThere = async (engine: Engine, key: string): Promise<boolean> => (await engine.get(key)) !== undefined

export function leaseContract(kind: EngineKind): void {
  describe('leases', () => {
    // Of tests that move the time by hand.
    const skip = kind.remote === true ? 'the time is that of the other process' : false

    test('delete their keys in one transaction when the time is over, not before', { skip }, () =>
      withEngine(kind, async ({ engine, scope, clock }) => {
        const lease = await engine.grantLease(10)
        await put(engine, 'a', 'v', lease)
        await put(engine, 'b', 'v', lease)
        await put(engine, 'c')
        assert.equal((await engine.get('a'))?.lease, lease)
        const seen = record(engine, scope, { prefix: '' })
        clock.advance(9_999)
        await engine.commit({ operations: [] })
        assert.ok(await isThere(engine, 'a'))
        clock.advance(1)
        await until('the deletion', () => seen.batches.length === 1)
        assert.deepEqual(seen.lines().toSorted(), ['5:delete:a', '5:delete:b'])
        assert.deepEqual([await isThere(engine, 'a'), await isThere(engine, 'c')], [false, true])
        await assert.rejects(engine.renewLease(lease), LeaseNotFound)
        await assert.rejects(put(engine, 'd', 'v', lease), LeaseNotFound)
      }),
    )

    test('live on when they are renewed', { skip }, () =>
      withEngine(kind, async ({ engine, clock }) => {
        const lease = await engine.grantLease(10)
        await put(engine, 'a', 'v', lease)
        for (let at = 0; at < 5; at++) {
          clock.advance(9_000)
          await engine.renewLease(lease)
        }
        assert.ok(await isThere(engine, 'a'))
        clock.advance(10_000)
        await until('the deletion', () => engine.revision === 3)
        assert.ok(!(await isThere(engine, 'a')))
      }),
    )

    test('revoked, delete their keys at once; one without keys uses no revision', () =>
      withEngine(kind, async ({ engine }) => {
        const lease = await engine.grantLease(10)
        const empty = await engine.grantLease(10)
        assert.notEqual(lease, empty)
        await put(engine, 'a', 'v', lease)
        await engine.revokeLease(empty)
        assert.equal(engine.revision, 2)
        await engine.revokeLease(lease)
        assert.equal(engine.revision, 3)
        assert.ok(!(await isThere(engine, 'a')))
        await assert.rejects(engine.revokeLease(lease), LeaseNotFound)
      }))

    test('let go of a key that is written again without them or with another one', () =>
      withEngine(kind, async ({ engine }) => {
        const first = await engine.grantLease(10)
        const second = await engine.grantLease(10)
        for (const key of ['plain', 'moved', 'kept', 'deleted']) await put(engine, key, 'v', first)
        await put(engine, 'plain')
        await put(engine, 'moved', 'v', second)
        await engine.commit({ operations: [{ kind: 'delete', key: 'deleted' }] })
        await put(engine, 'deleted')
        await engine.revokeLease(first)
        const keys = (await engine.range({ prefix: '' })).items.map(({ key }) => key)
        assert.deepEqual(keys, ['deleted', 'moved', 'plain'])
        await engine.revokeLease(second)
        assert.ok(!(await isThere(engine, 'moved')))
      }))

    test('need a positive time to live', () =>
      withEngine(kind, async ({ engine }) => {
        for (const ttlSeconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
          await assert.rejects(
            attempt(() => engine.grantLease(ttlSeconds)),
            InvalidStoreRequest,
          )
      }))

    test('are not ended, nor kept, by a wall clock that jumps', { skip }, () =>
      withEngine(kind, async ({ engine, clock }) => {
        const lease = await engine.grantLease(10)
        await put(engine, 'a', 'v', lease)
        clock.jump(3_600_000)
        clock.advance(9_000)
        await engine.commit({ operations: [] })
        assert.ok(await isThere(engine, 'a'))
        clock.jump(-7_200_000)
        clock.advance(1_000)
        await until('the deletion', () => engine.revision === 3)
      }),
    )

    if (!kind.durable) return

    test('go on across a restart with the time that is left to them', { skip }, () =>
      withEngine(kind, async ({ engine, clock, reopen }) => {
        const lease = await engine.grantLease(10)
        await put(engine, 'a', 'v', lease)
        await put(engine, 'b', 'v', lease)
        await put(engine, 'b')
        clock.advance(4_000)
        const opened = await reopen()
        clock.advance(5_999)
        await opened.commit({ operations: [] })
        assert.equal((await opened.get('a'))?.lease, lease)
        clock.advance(1)
        await until('the deletion', () => opened.revision === 5)
        assert.deepEqual([await isThere(opened, 'a'), await isThere(opened, 'b')], [false, true])
        assert.notEqual(await opened.grantLease(1), lease)
      }),
    )

    test('that ended while the store was closed delete their keys when it opens', { skip }, () =>
      withEngine(kind, async ({ engine, clock, reopen }) => {
        const ended = await engine.grantLease(10)
        const renewed = await engine.grantLease(10)
        await put(engine, 'ended', 'v', ended)
        await put(engine, 'renewed', 'v', renewed)
        clock.advance(5_000)
        await engine.renewLease(renewed)
        await engine.close()
        clock.advance(5_000)
        const opened = await reopen()
        clock.advance(0)
        await until('the deletion', () => opened.revision === 4)
        assert.deepEqual([await isThere(opened, 'ended'), await isThere(opened, 'renewed')], [false, true])
      }),
    )

    test('get no more than their time to live when the clock has gone back meanwhile', { skip }, () =>
      withEngine(kind, async ({ engine, clock, reopen }) => {
        await put(engine, 'a', 'v', await engine.grantLease(10))
        clock.jump(-3_600_000)
        const opened = await reopen()
        clock.advance(10_000)
        await until('the deletion', () => opened.revision === 3)
      }),
    )

    test('do not come back after a restart, nor does a revoked id', () =>
      withEngine(kind, async ({ engine, reopen }) => {
        const lease = await engine.grantLease(10)
        await put(engine, 'a', 'v', lease)
        await engine.revokeLease(lease)
        const opened = await reopen()
        await assert.rejects(opened.renewLease(lease), LeaseNotFound)
        assert.ok(!(await isThere(opened, 'a')))
        assert.notEqual(await opened.grantLease(10), lease)
      }))
  })
}
