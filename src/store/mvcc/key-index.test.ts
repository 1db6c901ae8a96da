import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#base'
import { KeyIndex } from './key-index.ts'
import { orderedKey, originalKey } from './keys.ts'
import { type Version, versionAt } from './version.ts'

let row = 0
function write(index: KeyIndex, key: string, revision: number, deleted: boolean): void {
  const record = index.findOrAdd(key)
  const version: Version = {
    record,
    row: ++row,
    revision,
    createRevision: 0,
    version: 0,
    lease: 0,
    deleted,
    value: undefined,
    older: record.newest,
  }
  index.setNewest(record, version)
}

test('selects what a plain list would, through splits and removals, at new and old revisions', () => {
  const random = seededRandom(7)
  const pick = (below: number): number => Math.floor(random.float() * below)
  const index = new KeyIndex()
  const states: Map<string, boolean>[] = [new Map()]
  const state = new Map<string, boolean>()
  for (let revision = 1; revision <= 30; revision++) {
    for (let at = 0; at < 400; at++) {
      const key = `${pick(5)}/${pick(3000)}`
      const deleted = state.get(key) === true && random.float() < 0.6
      write(index, key, revision, deleted)
      state.set(key, !deleted)
    }
    states.push(new Map(state))
  }
  // Deletions that are no longer needed go, as compaction does it.
  for (const [key, live] of state) {
    const record = index.find(key)
    if (live || record === undefined || random.float() < 0.5) continue
    index.remove(record)
    for (const old of states) old.delete(key)
    assert.equal(index.find(key), undefined)
  }
  for (let turn = 0; turn < 400; turn++) {
    const revision = turn % 2 === 0 ? 30 : pick(31)
    const prefix = ['', '1/', '3/2', '4/', '9'][pick(5)] ?? ''
    const after = random.float() < 0.5 ? `${prefix}${pick(3000)}` : undefined
    const limit = turn % 3 === 0 ? Number.POSITIVE_INFINITY : 1 + pick(50)
    const expected = [...(states[revision] ?? [])]
      .filter(([key, live]) => live && key.startsWith(prefix) && (after === undefined || key > after))
      .map(([key]) => key)
      .toSorted()
    const { versions, count } = index.select(prefix, after, limit, revision)
    assert.equal(count, expected.length)
    assert.deepEqual(
      versions.map(({ record }) => record.key),
      expected.slice(0, limit),
    )
    for (const version of versions) assert.equal(versionAt(version.record, revision), version)
  }
  assert.equal(index.live, [...state.values()].filter(Boolean).length)
})

test('keys in order fill the index without half-empty parts', () => {
  const index = new KeyIndex()
  const leaves = new Set<object>()
  for (let at = 0; at < 10_000; at++) write(index, String(at).padStart(6, '0'), 1, false)
  for (let at = 0; at < 10_000; at++) {
    const record = index.find(String(at).padStart(6, '0'))
    assert.ok(record !== undefined)
    leaves.add(record.leaf)
  }
  assert.ok(leaves.size <= 22)
})

test('the ordered form of a key has the order of its bytes and leads back to it', () => {
  const keys = ['/registry/pods/a', 'é', '\u0001', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}', 'a😀b']
  const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const byForm = keys.toSorted((a, b) => (orderedKey(a) < orderedKey(b) ? -1 : 1))
  assert.deepEqual(byForm, byBytes)
  assert.deepEqual(
    keys.map((key) => originalKey(orderedKey(key))),
    keys,
  )
})
