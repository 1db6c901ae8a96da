import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, after, before, describe, test } from 'node:test'
import { rootScope, seededRandom } from '#base'
import { type Engine, type StoreEvent, openSqliteStore } from '#store'
import { rounds } from '#testing/basics'
import { type Plan, decodePlan } from './store-value.ts'

const ROUNDS = rounds(200)
/** Each lane is a file with a killed writer of its own. */
const LANES = 2
const WRITERS = 24
const LONGEST_LIFE_MS = 40

const scope = rootScope()
const directory = mkdtempSync(join(tmpdir(), 'sampan-crash-'))
after(() => {
  scope.cancel()
  rmSync(directory, { recursive: true })
})

function startWriter(path: string, round: number, writers: number): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), path, String(round), String(writers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_COMPILE_CACHE: join(directory, 'compile-cache') },
  })
}

// A short life would mostly go into compiling the program. One that ends by itself leaves the compiled code for the others.
before(async () => {
  const [status] = (await once(startWriter(join(directory, 'warm-up.db'), 0, 0), 'exit')) as [number | null]
  assert.equal(status, 0)
})

/** What must be in the store, from the events seen so far: the value's transaction and revision of each key. */
type Expected = Map<string, { readonly id: string; readonly revision: number }>

describe('the SQLite store', { concurrency: true }, () => {
  const rounds = Math.ceil(ROUNDS / LANES)
  for (let lane = 0; lane < LANES; lane++)
    test(`keeps its promises when it is killed ${rounds} times, lane ${lane}`, (context) => keepsItsPromises(lane, rounds, context))
})

async function keepsItsPromises(lane: number, rounds: number, context: TestContext): Promise<void> {
  const path = join(directory, `lane-${lane}.db`)
  const random = seededRandom(lane + 1)
  const expected: Expected = new Map()
  let seen = 1
  let acknowledgedCount = 0
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await runAndKill(path, lane * 1_000_000 + round, random.float() * LONGEST_LIFE_MS)
    acknowledgedCount += acknowledged.size
    const engine = await openSqliteStore(scope, { path })
    try {
      await checkHistory(engine, seen, acknowledged, expected)
      checkState(engine, expected)
      seen = engine.revision
    } finally {
      await engine.close()
    }
  }
  assert.ok(acknowledgedCount > rounds, 'the writers were killed before they did anything')
  context.diagnostic(`${acknowledgedCount} acknowledged transactions, ${seen} revisions, ${statSync(path).size} bytes`)
}

/** Lets the writers work for a while; returns the revisions that were acknowledged, by transaction. */
async function runAndKill(path: string, round: number, lifeMs: number): Promise<Map<string, number>> {
  const child = startWriter(path, round, WRITERS)
  const output = text(child.stdout)
  const exit = once(child, 'exit')
  // From the first answer on, or its absence: a crash while the file is being opened counts too.
  await Promise.race([once(child.stdout, 'data'), exit])
  await scope.sleep(lifeMs)
  child.kill('SIGKILL')
  const [, signal] = (await exit) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'the writer ended by itself')
  const lines = (await output).split('\n').slice(0, -1)
  return new Map(
    lines.map((line) => {
      const [id = '', revision] = line.split(' ')
      return [id, Number(revision)]
    }),
  )
}

/** A watch from the last seen revision delivers every revision once, each a whole transaction, the acknowledged ones among them. */
async function checkHistory(engine: Engine, seen: number, acknowledged: ReadonlyMap<string, number>, expected: Expected): Promise<void> {
  const batches = await replay(engine, seen + 1)
  const found = new Map<string, number>()
  let next = seen + 1
  for (const { revision, events } of batches) {
    assert.equal(revision, next++, 'a revision is missing, or there twice')
    const plan = wholeTransaction(events)
    assert.ok(!found.has(plan.id), `${plan.id} has been done twice`)
    found.set(plan.id, revision)
    for (const key of plan.puts) expected.set(key, { id: plan.id, revision })
    for (const key of plan.deletes) expected.delete(key)
  }
  assert.equal(next - 1, engine.revision)
  for (const [id, revision] of acknowledged) assert.equal(found.get(id), revision, `${id} was acknowledged at revision ${revision}`)
  // A writer waits for each answer, so it can have one transaction that was done and not acknowledged.
  assert.ok(found.size - acknowledged.size <= WRITERS)
}

function replay(engine: Engine, fromRevision: number): Promise<{ readonly revision: number; readonly events: readonly StoreEvent[] }[]> {
  return new Promise((resolve, reject) => {
    const batches: { revision: number; events: readonly StoreEvent[] }[] = []
    const watching = scope.child()
    engine.watch(
      watching,
      { prefix: '', fromRevision },
      {
        onEvents: (events, revision) => batches.push({ revision, events }),
        onProgress: () => {
          watching.cancel()
          resolve(batches)
        },
        onEnd: reject,
      },
    )
  })
}

/** The transaction that these events are, all of it. Deletions of what was not there have no event. */
function wholeTransaction(events: readonly StoreEvent[]): Plan {
  const puts = events.filter(({ kind }) => kind === 'put')
  const plans = puts.map(({ current }) => decodePlan(current.value))
  const [plan] = plans
  assert.ok(plan !== undefined)
  for (const other of plans) assert.deepEqual(other, plan)
  assert.deepEqual(
    puts.map(({ key }) => key),
    plan.puts,
  )
  for (const { kind, key } of events) if (kind === 'delete') assert.ok(plan.deletes.includes(key))
  return plan
}

function checkState(engine: Engine, expected: Expected): void {
  const range = engine.range({ prefix: '' })
  assert.ok(!(range instanceof Promise))
  const found = range.items.map(({ key, value, modRevision }) => [key, { id: decodePlan(value).id, revision: modRevision }] as const)
  assert.deepEqual(new Map(found), new Map([...expected].toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
