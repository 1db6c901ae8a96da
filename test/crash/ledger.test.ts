import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Change, Ledger, historyProblems } from './api/ledger.ts'

const added = (name: string, revision: number): Change => ({ kind: 'ADDED', name, value: name, revision })
const deleted = (name: string, revision: number): Change => ({ kind: 'DELETED', name, value: name, revision })

/** A client that was promised a, b and the end of c, and waits for the answer to d. */
function client(): Ledger {
  const ledger = new Ledger()
  for (const { kind, name, revision } of [added('a', 2), added('b', 3), added('c', 4), deleted('c', 5)]) {
    ledger.intend(kind, name, name)
    ledger.confirm(kind, name, name, revision)
  }
  ledger.intend('ADDED', 'd', 'd')
  return ledger
}
const a = { value: 'a', revision: 2 }
const b = { value: 'b', revision: 3 }

describe('the checker of crashes', () => {
  it('accepts what was promised, with or without what was not answered', () => {
    assert.deepEqual(client().settle(new Map(Object.entries({ a, b }))), [])
    assert.deepEqual(client().settle(new Map(Object.entries({ a, b, d: { value: 'd', revision: 6 } }))), [])
  })

  for (const [what, found] of Object.entries({
    'a lost write': { a },
    'an older value': { a, b: { value: 'before', revision: 3 } },
    'another revision': { a, b: { value: 'b', revision: 7 } },
    'a deletion taken back': { a, b, c: { value: 'c', revision: 4 } },
    'a value that nobody sent': { a, b, d: { value: 'torn', revision: 6 } },
  }))
    it(`finds ${what}`, () => assert.equal(client().settle(new Map(Object.entries(found))).length, 1))

  const right = [added('a', 2), added('b', 3), added('c', 4), deleted('c', 5)]
  it('accepts a whole history', () => assert.deepEqual(historyProblems(right, [], [client()]), []))
  it('accepts a hole that the watcher was told of', () =>
    assert.deepEqual(historyProblems([added('a', 2), deleted('c', 5)], [{ after: 2, upTo: 4 }], [client()]), []))

  for (const [what, events] of Object.entries({
    'a missing event': right.filter(({ name }) => name !== 'b'),
    'an event that comes twice': [...right.slice(0, 2), added('b', 3), ...right.slice(2)],
    'events out of order': [right[1], right[0], ...right.slice(2)].filter((one) => one !== undefined),
    'another value': right.map((event) => (event.name === 'b' ? { ...event, value: 'x' } : event)),
    'a missing deletion': right.slice(0, 3),
    'the end of what never began': [...right, deleted('x', 6)],
  }))
    it(`finds ${what}`, () => assert.notDeepEqual(historyProblems(events, [], [client()]), []))
})
