import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterThisTurn, rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { put, until } from './contract/harness.fixture.ts'
import { startCompaction } from './compaction.ts'
import type { Engine } from './engine.ts'
import { openMemoryStore } from './memory/memory-store.ts'

const turn = (): Promise<void> => new Promise((resolve) => afterThisTurn(() => afterThisTurn(resolve)))

async function lasting(engine: Engine, revisions: number): Promise<void> {
  for (let at = 0; at < revisions; at++) await put(engine, 'a', String(at))
}

test('keeps what was superseded less than the window ago, and forgets the rest', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  await using engine = openMemoryStore(scope)
  startCompaction(scope, engine, { keepMs: 5_000, everyMs: 1_000 })
  const seen: number[] = []
  for (let second = 1; second <= 12; second++) {
    await lasting(engine, 10)
    clock.advance(1_000)
    await turn()
    seen.push(engine.compactedRevision)
  }
  // Second n ends at revision 1 + 10 n; it may be forgotten five seconds later, and so may the start.
  assert.deepEqual(seen, [0, 0, 0, 0, 1, 11, 21, 31, 41, 51, 61, 71])
})

test('a store that is idle is compacted up to its newest revision, once', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  await using engine = openMemoryStore(scope)
  startCompaction(scope, engine, { keepMs: 5_000, everyMs: 5_000 })
  await lasting(engine, 10)
  for (let round = 0; round < 4; round++) {
    clock.advance(5_000)
    await turn()
  }
  assert.equal(engine.compactedRevision, 11)
  assert.equal(engine.revision, 11)
})

test('a wall clock that jumps forgets nothing early', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  await using engine = openMemoryStore(scope)
  startCompaction(scope, engine, { keepMs: 5_000, everyMs: 1_000 })
  await lasting(engine, 10)
  clock.jump(86_400_000)
  clock.advance(1_000)
  await turn()
  assert.equal(engine.compactedRevision, 0)
})

test('ends with its scope, and with the store', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const engine = openMemoryStore(scope)
  const child = scope.child()
  startCompaction(child, engine, { keepMs: 1_000, everyMs: 1_000 })
  await lasting(engine, 10)
  clock.advance(1_000)
  await until('the first compaction', () => engine.compactedRevision === 1)
  await turn()
  child.cancel()
  clock.advance(10_000)
  await turn()
  assert.equal(engine.compactedRevision, 1)
  startCompaction(scope, engine, { keepMs: 1_000, everyMs: 1_000 })
  await engine.close()
  clock.advance(10_000)
  await turn()
})
