import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { afterThisTurn, rootScope } from '#base'
import { manualClock, propertyRuns } from '#testing/basics'
import { bytes, put, record, text, until } from '../contract/harness.fixture.ts'
import type { Operation } from '../engine.ts'
import { StoreClosed, StoreFailed } from '../errors.ts'
import type { Disk } from './disk.ts'
import { MvccEngine } from './mvcc-engine.ts'

const later = (): Promise<void> => new Promise((resolve) => afterThisTurn(resolve))

interface FaultyDisk extends Disk {
  /** `later`: the disk takes the write and cannot make sure of it. */
  refusing: false | 'at once' | 'later'
  /** Whether it makes sure of what it takes at once, as the memory does, or later, as a disk does. */
  slow: boolean
  readonly removed: number[]
}

function faultyDisk(): FaultyDisk {
  const refuse = (): void => {
    if (disk.refusing === 'at once') throw new Error('no space left')
  }
  const disk: FaultyDisk = {
    refusing: false,
    slow: false,
    removed: [],
    loadState: () => ({ compactedRevision: 0, leases: [], lastLease: 0 }),
    loadRows: () => undefined,
    write: () => {
      refuse()
      const { refusing } = disk
      if (refusing === 'later') return later().then(() => Promise.reject(new Error('input/output error')))
      return disk.slow ? later() : undefined
    },
    tidy: () => (disk.slow ? later() : undefined),
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
const refusing = fc.constantFrom(false as const, 'at once' as const, 'later' as const)
const turns = fc.array(fc.record({ refusing, slow: fc.boolean(), actions: fc.array(action, { minLength: 1, maxLength: 20 }) }), {
  maxLength: 15,
})

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
      for (const [turn, { refusing, slow, actions }] of plan.entries()) {
        disk.refusing = refusing
        disk.slow = slow
        const answers = await run(faulty, actions, turn)
        disk.refusing = false
        if (refusing === false) {
          assert.deepEqual(answers, await run(healthy, actions, turn))
          continue
        }
        // What changes nothing needs no disk; a put may be refused for its lease instead.
        for (const [at, { status }] of answers.entries()) assert.ok(actions[at]?.do !== 'put' || status === 'rejected')
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
  disk.refusing = 'at once'
  await assert.rejects(put(engine, 'a', 'refused'), StoreFailed)
  await assert.rejects(engine.compact(2), StoreFailed)
  assert.equal(engine.compactedRevision, 0)
  assert.equal(text(engine.get('a')), 'before')
  disk.refusing = false
  assert.equal(await put(engine, 'a', 'after'), 3)
  await until('the event', () => seen.batches.length === 2)
  assert.equal(text(seen.batches[1]?.events[0]?.previous), 'before')
})

test('while the disk works, nobody sees what it has not made sure of, and requests wait', async () => {
  const scope = rootScope({ clock: manualClock() })
  const gates: PromiseWithResolvers<void>[] = []
  const disk: Disk = {
    ...faultyDisk(),
    write: () => {
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      return gate.promise
    },
  }
  await using engine = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
  const first = put(engine, 'a', 'first')
  await until('the first write', () => gates.length === 1)
  const second = put(engine, 'a', 'second')
  const seen = record(engine, scope, { prefix: '', fromRevision: 1, withPrevious: true })
  for (let turn = 0; turn < 5; turn++) await later()
  assert.equal(engine.get('a'), undefined)
  assert.equal(engine.range({ prefix: '' }).revision, 1)
  assert.equal(seen.batches.length, 0)
  assert.equal(gates.length, 1)
  gates[0]?.resolve()
  assert.equal(await first, 2)
  assert.equal(text(engine.get('a')), 'first')
  await until('the second write', () => gates.length === 2)
  const closed = engine.close()
  await assert.rejects(put(engine, 'a', 'too late'), StoreClosed)
  gates[1]?.resolve()
  assert.equal(await second, 3)
  await closed
  assert.deepEqual(
    seen.batches.map(({ events }) => events.map((event) => text(event.current))),
    [['first'], ['second']],
  )
})

test('leases that could not be ended are ended later', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const disk = faultyDisk()
  await using engine = new MvccEngine(scope, disk, Number.POSITIVE_INFINITY)
  await put(engine, 'a', 'v', await engine.grantLease(10))
  disk.refusing = 'at once'
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
  disk.refusing = 'at once'
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => afterThisTurn(resolve))
  assert.deepEqual(disk.removed, [])
  disk.refusing = false
  clock.advance(60_000)
  await until('the removal', () => disk.removed.length > 0)
  // The value before the compacted one stays for watches that start there.
  assert.deepEqual(disk.removed, [1, 2])
  assert.equal(text(engine.get('a')), '3')
})
