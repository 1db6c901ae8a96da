import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import type { Engine, KeyValue, Operation } from '../engine.ts'
import { Compacted } from '../errors.ts'
import { type EngineKind, attempt, bytes, record, text, until, withEngine } from './harness.fixture.ts'

/** The simplest store that could be right: every state that ever was, and every event. */
interface Model {
  revision: number
  compacted: number
  states: Map<number, ReadonlyMap<string, string>>
  events: string[]
}

const keys = fc.constantFrom('a', 'a/1', 'a/2', 'a/😀', 'a/\uffee', 'b', 'b/1', 'é')
const prefixes = fc.constantFrom('', 'a', 'a/', 'b', 'é', 'zz')
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put' as const), key: keys, value: fc.string({ maxLength: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: keys }) },
)
const transaction = fc.record({
  operations: fc.uniqueArray(operation, { selector: ({ key }) => key, maxLength: 4 }),
  compare: fc.option(fc.record({ key: keys, right: fc.boolean() }), { nil: undefined, freq: 3 }),
})
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit' as const), transactions: fc.array(transaction, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('range' as const), prefix: prefixes, back: fc.nat(8), page: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), prefix: prefixes, back: fc.nat(8) }) },
)

export function propertyContract(kind: EngineKind, runs: number): void {
  test('agrees with a simple model under any sequence of commands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 25 }), (commands) =>
        withEngine(kind, async (bench) => {
          let { engine } = bench
          const model: Model = { revision: 1, compacted: 0, states: new Map([[1, new Map()]]), events: [] }
          for (const step of commands) {
            if (step.do === 'commit' && kind.remote === true) for (const one of step.transactions) await commitAll(engine, model, [one])
            else if (step.do === 'commit') await commitAll(engine, model, step.transactions)
            else if (step.do === 'compact') await compact(engine, model, model.revision - step.back)
            else if (step.do === 'range') await range(engine, model, step.prefix, model.revision - step.back, step.page)
            else if (step.do === 'watch') {
              const scope = bench.scope.child()
              await watch(engine, model, step.prefix, model.revision - step.back, (query) => record(engine, scope, query))
              scope.cancel()
            } else if (kind.durable) engine = await bench.reopen()
            // There is nothing before the first revision to forget.
            assert.deepEqual([engine.revision, Math.max(engine.compactedRevision, 1)], [model.revision, Math.max(model.compacted, 1)])
            assert.equal((await engine.stats()).keys, model.states.get(model.revision)?.size)
          }
        }),
      ),
      propertyRuns(runs),
    )
  })
}

type GeneratedTransaction = typeof transaction extends fc.Arbitrary<infer T> ? T : never

/** Sends the transactions at once, so that they share a batch. */
async function commitAll(engine: Engine, model: Model, transactions: readonly GeneratedTransaction[]): Promise<void> {
  const answers = transactions.map(({ operations, compare }) => {
    const state = new Map(model.states.get(model.revision))
    const modRevision = compare && modRevisionOf(model, compare.key) + (compare.right ? 0 : 1)
    const succeeds = compare?.right ?? true
    const before = model.events.length
    if (succeeds) {
      for (const { key, ...rest } of operations) {
        if (rest.kind === 'delete' && !state.delete(key)) continue
        if (rest.kind === 'put') state.set(key, rest.value)
        model.events.push(`${model.revision + 1}:${rest.kind}:${key}`)
      }
      if (model.events.length > before) model.states.set(++model.revision, state)
    }
    const expected = { succeeded: succeeds, revision: model.revision }
    const sent = operations.map((each): Operation => (each.kind === 'put' ? { ...each, value: bytes(each.value) } : each))
    const committing = engine.commit({
      operations: sent,
      ...(compare === undefined || modRevision === undefined ? {} : { compare: [{ key: compare.key, modRevision }] }),
    })
    return { committing, expected }
  })
  for (const { committing, expected } of answers) {
    const { succeeded, revision } = await committing
    assert.deepEqual({ succeeded, revision }, expected)
  }
}

function modRevisionOf(model: Model, key: string): number {
  if (!model.states.get(model.revision)?.has(key)) return 0
  return Number(model.events.findLast((event) => event.endsWith(`:put:${key}`))?.split(':')[0])
}

async function compact(engine: Engine, model: Model, revision: number): Promise<void> {
  if (revision < 1) return
  await engine.compact(revision)
  model.compacted = Math.max(model.compacted, revision)
}

async function range(engine: Engine, model: Model, prefix: string, atRevision: number, page: number): Promise<void> {
  if (atRevision < 1) return
  if (atRevision < model.compacted) {
    await assert.rejects(
      attempt(() => engine.range({ prefix, atRevision })),
      Compacted,
    )
    return
  }
  const state = model.states.get(atRevision) ?? new Map<string, string>()
  const expected = [...state]
    .filter(([key]) => key.startsWith(prefix))
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const found: KeyValue[] = []
  for (let more = true; more; ) {
    const after = found.at(-1)?.key
    const result = await engine.range({ prefix, atRevision, limit: page, ...(after === undefined ? {} : { after }) })
    assert.equal(result.count, expected.length - found.length)
    found.push(...result.items)
    more = result.more
  }
  assert.deepEqual(
    found.map((item) => [item.key, text(item)]),
    expected,
  )
}

async function watch(
  engine: Engine,
  model: Model,
  prefix: string,
  fromRevision: number,
  start: (query: { prefix: string; fromRevision: number }) => ReturnType<typeof record>,
): Promise<void> {
  if (fromRevision < 1) return
  const seen = start({ prefix, fromRevision })
  await until('the replay or its refusal', () => seen.progress.length + seen.ends.length > 0)
  if (fromRevision < model.compacted) {
    assert.ok(seen.ends[0] instanceof Compacted)
    assert.deepEqual(seen.batches, [])
    return
  }
  const expected = model.events.filter((event) => {
    const [revision, , key] = event.split(':')
    return Number(revision) >= fromRevision && key?.startsWith(prefix)
  })
  assert.deepEqual(seen.lines(), expected)
  assert.equal(engine.revision, model.revision)
}
