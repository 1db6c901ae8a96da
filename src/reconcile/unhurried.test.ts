import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#base'
import { Unhurried } from './unhurried.ts'

test('a status waits while other keys do, three seconds at most, and each time anew once it was written', () => {
  let nowMs = 0
  let othersWait = false
  const told = new Unhurried({ ...systemClock, monotonic: () => nowMs }, () => othersWait)
  assert.equal(told.putOff('k'), undefined)

  othersWait = true
  assert.notEqual(told.putOff('k'), undefined)
  nowMs = 2999
  assert.notEqual(told.putOff('k'), undefined)
  assert.notEqual(told.putOff('later'), undefined)
  nowMs = 3000
  assert.equal(told.putOff('k'), undefined)
  assert.notEqual(told.putOff('later'), undefined)
  assert.notEqual(told.putOff('k'), undefined)

  othersWait = false
  assert.equal(told.putOff('later'), undefined)
  othersWait = true
  nowMs = 9000
  told.forget('k')
  assert.notEqual(told.putOff('k'), undefined)
})
