import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { afterThisTurn, rootScope } from '#base'
import { manualClock, propertyRuns } from '#testing/basics'
import { bytes, put, record, text, until } from '../contract/harness.fixture.ts'
import type { Operation } from '../engine.ts'
import { StoreFailed } from '../errors.ts'
import type { Disk } from './disk.ts'
import { MvccEngine } from './mvcc-engine.ts'

interface FaultyDisk extends Disk {
  refusing: boolean
  readonly removed: number[]
}

function faultyDisk(): FaultyDisk {
  const refuse = (): void => {
    if (disk.refusing) throw new Error('no space left')
  }
  const disk: FaultyDisk = {
    refusing: false,
    removed: [],
    loadState: () => ({ compactedRevision: 0, leases: [], lastLease: 0 }),
    loadRows: () => undefined,
    write: refuse,
    readValue: () => assert.fail('all values are in memory'),
    remove: (rows) => {
      refuse()
      disk.removed.push(...rows)
    },
    markUnused: () => undefined,
    shrink: () => false,
    sizeBytes: () => 0,
    close: () => undefined,
  }
  return disk
}

const keys = fc.constantFrom('a', 'b', 'c', 'd')
const action = fc.oneof(
  fc.record({ do: fc.constant('put' as const), keys: fc.uniqueArray(keys, { minLength: 1 }), leased: fc.boolean() }),
  fc.record({ do: fc.constant('delete' as const), keys: fc.uniqueArray(keys, { minLength: 1 }) }),
  fc.record({ do: fc.constant('revoke' as const) }),
)
const turns = fc.array(fc.record({ refused: fc.boolean(), actions: fc.array(action, { minLength: 1, maxLength: 5 }) }), { maxLength: 15 })

test('refused batches leave no trace: the store is as one that never got them', async () => {
  await fc.assert(
    fc.asyncProperty(turns, async (plan) => {
      const scope = rootScope({ clock: manualClock() })
      const disk = faultyDisk()
      await using faulty = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
      await using healthy = new MvccEngine(scope, faultyDisk(), Number.POSITIVE_INFINITY)
      const seenByFaulty = record(faulty, scope, { prefix: '', withPrevious: true })
      const seenByHealthy = record(healthy, scope, { prefix: '', withPrevious: true })
      const leases = new Map([faulty, healthy].map((engine) => [engine, engine.grantLease(60)]))
      const run = (engine: MvccEngine, actions: (typeof plan)[number]['actions'], turn: number): Promise<PromiseSettledResult<unknown>[]> =>
        Promise.allSettled(
          actions.map(async (each) => {
            const lease = (await leases.get(engine)) ?? 0
            if (each.do === 'revoke') return engine.revokeLease(lease)
            const operations = each.keys.map((key): Operation => {
              if (each.do === 'delete') return { kind: 'delete', key }
              return { kind: 'put', key, value: bytes(String(turn)), ...(each.leased ? { lease } : {}) }
            })
            return engine.commit({ operations })
          }),
        )
      await Promise.all(leases.values())
      for (const [turn, { refused, actions }] of plan.entries()) {
        disk.refusing = refused
        const answers = await run(faulty, actions, turn)
        disk.refusing = false
        if (!refused) {
          assert.deepEqual(answers, await run(healthy, actions, turn))
          continue
        }
        // A batch that changes nothing needs no disk.
        const failed = answers.filter((answer) => answer.status === 'rejected' && answer.reason instanceof StoreFailed)
        assert.ok(failed.length === answers.length || failed.length === 0)
      }
      await Promise.all([faulty, healthy].map((engine) => put(engine, 'last')))
      await until('the last events', () => seenByFaulty.batches.at(-1)?.revision === seenByHealthy.batches.at(-1)?.revision)
      assert.deepEqual(faulty.range({ prefix: '' }), healthy.range({ prefix: '' }))
      assert.deepEqual(seenByFaulty.batches, seenByHealthy.batches)
      assert.equal(faulty.stats().keys, healthy.stats().keys)
      const ended = await Promise.allSettled([...leases].map(async ([engine, lease]) => engine.revokeLease(await lease)))
      assert.equal(ended[0]?.status, ended[1]?.status)
      assert.deepEqual(faulty.range({ prefix: '' }), healthy.range({ prefix: '' }))
      for (let revision = 1; revision <= healthy.revision; revision++)
        assert.deepEqual(faulty.range({ prefix: '', atRevision: revision }), healthy.range({ prefix: '', atRevision: revision }))
      scope.cancel()
    }),
    propertyRuns(150),
  )
})

test('a refused batch shows nothing to watchers, and reads go on', async () => {
  const scope = rootScope({ clock: manualClock() })
  const disk = faultyDisk()
  await using engine = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
  await put(engine, 'a', 'before')
  const seen = record(engine, scope, { prefix: '', fromRevision: 2, withPrevious: true })
  disk.refusing = true
  await assert.rejects(put(engine, 'a', 'refused'), StoreFailed)
  await assert.rejects(engine.compact(2), StoreFailed)
  assert.equal(engine.compactedRevision, 0)
  assert.equal(text(engine.get('a')), 'before')
  disk.refusing = false
  assert.equal(await put(engine, 'a', 'after'), 3)
  await until('the event', () => seen.batches.length === 2)
  assert.equal(text(seen.batches[1]?.events[0]?.previous), 'before')
})

test('leases that could not be ended are ended later', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const disk = faultyDisk()
  await using engine = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
  await put(engine, 'a', 'v', await engine.grantLease(10))
  disk.refusing = true
  clock.advance(10_000)
  for (let turn = 0; turn < 5; turn++) await engine.commit({ operations: [] }).catch(() => undefined)
  assert.ok(engine.get('a'))
  disk.refusing = false
  clock.advance(60_000)
  await until('the deletion', () => engine.get('a') === undefined)
})

test('compacted values that could not be removed are removed later', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const disk = faultyDisk()
  await using engine = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
  for (let at = 0; at < 4; at++) await put(engine, 'a', String(at))
  const compacting = engine.compact(5)
  await compacting
  disk.refusing = true
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => afterThisTurn(resolve))
  assert.deepEqual(disk.removed, [])
  disk.refusing = false
  clock.advance(60_000)
  await until('the removal', () => disk.removed.length > 0)
  // The value before the compacted one stays for watches that start there.
  assert.deepEqual(disk.removed, [1, 2])
  assert.equal(text(engine.get('a')), '3')
})
