import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Scope, rootScope } from '#base'
import { engineContract } from './contract/engine-contract.suite.ts'
import type { Engine, KeyValue, Operation, StoreEvent } from './engine.ts'
import { MappedStore } from './mapped-store.ts'
import { openMemoryStore } from './memory/memory-store.ts'

/** Values lie reversed. Those that begin with "late" take a turn of the loop to show, those that begin with "bad" cannot be shown. */
class Reversed extends MappedStore {
  readonly #late: (value: string) => boolean

  constructor(engine: Engine, late: (value: string) => boolean = (value) => value.startsWith('late')) {
    super(engine)
    this.#late = late
  }

  protected override shown(found: KeyValue): KeyValue | Promise<KeyValue> {
    const value = reversed(found.value)
    const text = value.toString()
    if (this.#late(text))
      return new Promise((resolve, reject) => setImmediate(() => (isBad(text) ? reject(new Error(text)) : resolve({ ...found, value }))))
    if (isBad(text)) throw new Error(text)
    return { ...found, value }
  }

  protected override written(operation: Operation): Operation {
    return operation.kind === 'put' ? { ...operation, value: reversed(operation.value) } : operation
  }
}

const reversed = (value: Uint8Array): Buffer => Buffer.from(value.toReversed())
const isBad = (text: string): boolean => text.includes('bad')

engineContract(
  {
    name: 'memory with values that take a while',
    durable: false,
    home: () => ({ open: async (scope) => new Reversed(openMemoryStore(scope), () => true), remove: async () => undefined }),
  },
  { propertyRuns: 10 },
)

describe('a watch of values in another form', () => {
  const put = (engine: Engine, key: string, value: string): Promise<unknown> =>
    engine.commit({ operations: [{ kind: 'put', key, value: Buffer.from(value) }] })

  async function seen(scope: Scope, store: Engine, values: readonly string[]): Promise<readonly string[]> {
    const shown: string[] = []
    const done = Promise.withResolvers<void>()
    store.watch(
      scope,
      { prefix: 'k' },
      {
        onEvents: (events: readonly StoreEvent[]) => {
          shown.push(...events.map(({ current }) => Buffer.from(current.value).toString()))
          if (shown.at(-1) === 'last') done.resolve()
        },
        onEnd: (error) => {
          shown.push(`ended: ${error.message}`)
          done.resolve()
        },
      },
    )
    for (const [at, value] of values.entries()) await put(store, `k${at}`, value)
    await done.promise
    return shown
  }

  it('keeps the order of the store though some values take a while', async () => {
    const scope = rootScope()
    const values = ['one', 'late two', 'three', 'late four', 'five', 'last']
    assert.deepEqual(await seen(scope, new Reversed(openMemoryStore(scope)), values), values)
  })

  it('ends once, in its place, with a value that cannot be shown', async () => {
    const scope = rootScope()
    const values = ['one', 'late two', 'late bad', 'late three', 'last']
    assert.deepEqual(await seen(scope, new Reversed(openMemoryStore(scope)), values), ['one', 'late two', 'ended: late bad'])
  })
})
