import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_OUTLIERS, type Outliers, afterAnswer, backAtTime, ejectedBefore, ejectedIn } from './outliers.ts'

const settings = { consecutiveErrors: 3, ejectMs: 1000, maximumEjectedPercent: 50 }
const answers = (outliers: Outliers, address: string, errors: readonly boolean[], nowMs = 0, endpoints = 4): Outliers =>
  errors.reduce((so, isError) => afterAnswer(settings, so, address, isError, () => endpoints, nowMs), outliers)
const BAD = [true, true, true]
const ejected = (outliers: Outliers): readonly (readonly [string, number])[] => [...ejectedIn(outliers)]

test('errors one after the other eject an endpoint, others do not', () => {
  assert.deepEqual(ejected(answers(NO_OUTLIERS, 'a', [true, true, false, true, true, false])), [])
  assert.deepEqual(ejected(answers(NO_OUTLIERS, 'a', BAD)), [['a', 1000]])
  assert.equal(answers(NO_OUTLIERS, 'a', [false, false]), NO_OUTLIERS)
})

test('so large a share is never missing, and never all', () => {
  const two = answers(answers(NO_OUTLIERS, 'a', BAD), 'b', BAD)
  assert.equal(ejected(two).length, 2)
  assert.equal(ejected(answers(two, 'c', BAD)).length, 2)
  assert.deepEqual(ejected(answers(NO_OUTLIERS, 'a', BAD, 0, 1)), [])
})

test('is back after its time, and away for longer the next time, until it was good for as long', () => {
  const once = answers(NO_OUTLIERS, 'a', BAD)
  assert.equal(backAtTime(once, 999), once)
  const back = backAtTime(once, 1000)
  assert.deepEqual(ejected(back), [])
  const twice = answers(back, 'a', BAD, 1500)
  assert.deepEqual(ejected(twice), [['a', 3500]])
  const goodFor = answers(backAtTime(twice, 3500), 'a', [false], 5500)
  assert.deepEqual(goodFor, NO_OUTLIERS)
  // As a status has kept it.
  assert.deepEqual(ejected(ejectedBefore([{ address: 'a', untilMs: 7, times: 2 }])), [['a', 7]])
})
