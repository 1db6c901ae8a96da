import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silenceMs } from './autoscaler.ts'

test('an answer that is missing once is asked for in the next round, one that stays away every five seconds', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 900, 2_000].map((silence) => silenceMs(700, silence)),
    [700, 1_400, 2_800, 5_000, 5_000, 5_000, 5_000],
  )
  assert.equal(silenceMs(15_000, 3), 15_000)
})
