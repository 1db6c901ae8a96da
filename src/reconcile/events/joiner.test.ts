import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventJoiner } from './joiner.ts'

const event = (message: string, action?: string) => ({ source: 's', type: 'Normal', reason: 'R', message, action, about: 'pod' })

test('the same text counts up one Event', () => {
  const joiner = new EventJoiner()
  const first = joiner.seen(event('a'), 0)
  const second = joiner.seen(event('a'), 10)
  assert.equal(first?.known, second?.known)
  assert.equal(second?.known.count, 2)
})

test('from the tenth different text for one reason on they are combined', () => {
  const joiner = new EventJoiner()
  const messages = Array.from({ length: 13 }, (_, i) => joiner.seen(event(`m${i}`), 0)?.message)
  assert.equal(messages[8], 'm8')
  assert.equal(messages[9], '(combined from similar events): m9')
  assert.equal(joiner.seen(event('m3'), 0)?.message, 'm3')
  assert.equal(messages[11], '(combined from similar events): m11')
  assert.equal(messages[12], '(combined from similar events): m12')
})

test('a source has 25 writes about an object, and one more after five minutes', () => {
  const joiner = new EventJoiner()
  let written = 0
  for (let i = 0; i < 100; i++) if (joiner.seen(event('same'), 0) !== undefined) written++
  assert.equal(written, 25)
  assert.equal(joiner.seen(event('same'), 299_000), undefined)
  assert.ok(joiner.seen(event('same'), 301_000))
})
