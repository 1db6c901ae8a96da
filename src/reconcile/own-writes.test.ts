import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type core, refs } from '#api'
import { type Informer, after } from './contract.ts'
import { OwnWrites, untilSettled } from './own-writes.ts'

/** A view of pods that is moved by hand. */
function handView(): { readonly view: Informer<core.Pod>; version: string; pods: Map<string, core.Pod> } {
  const hand = { version: '', pods: new Map<string, core.Pod>() }
  const view: Informer<core.Pod> = {
    ref: refs.pods,
    synced: true,
    get version() {
      return hand.version
    },
    waitForSync: () => Promise.resolve(),
    get: (key) => hand.pods.get(key),
    list: () => [...hand.pods.values()],
    byIndex: () => [],
    addIndex: () => undefined,
    onChange: () => undefined,
  }
  return Object.assign(hand, { view })
}
const pod = (resourceVersion: string, more: object = {}): core.Pod => ({ metadata: { name: 'a', uid: 'u', resourceVersion, ...more } })
const FIVE_MINUTES = 300_000

test('a key waits until its last write is in view, and its deleted objects are terminating or gone', () => {
  const seen = handView()
  const own = new OwnWrites(seen.view, () => 0)
  own.wrote('k', pod('7'))
  own.wrote('k', pod('12'))
  seen.version = '9'
  assert.deepEqual(untilSettled('k', own), after(FIVE_MINUTES))
  assert.equal(untilSettled('other', own), undefined)
  seen.version = '12'
  assert.equal(untilSettled('k', own), undefined)

  seen.pods.set('ns/a', pod('5'))
  own.deleted('k', 'ns/a', 'u')
  assert.notEqual(untilSettled('k', own), undefined)
  seen.pods.set('ns/a', pod('13', { deletionTimestamp: '2026-01-01T00:00:00Z' }))
  assert.equal(untilSettled('k', own), undefined)
  own.deleted('k', 'ns/a', 'another one of that name')
  assert.equal(untilSettled('k', own), undefined)
})

test('a write that never comes into view brings its key back when it is given up for lost, and holds it no longer', () => {
  let nowMs = 0
  const seen = handView()
  const [pods, claims] = [new OwnWrites(seen.view, () => nowMs), new OwnWrites(seen.view, () => nowMs)]
  pods.wrote('k', pod('7'))
  nowMs = 60_000
  claims.wrote('k', pod('8'))
  nowMs = 100_000
  assert.deepEqual(untilSettled('k', pods, claims), after(60_000 + FIVE_MINUTES - nowMs))
  nowMs = 60_000 + FIVE_MINUTES
  assert.equal(untilSettled('k', pods, claims), undefined)
})
