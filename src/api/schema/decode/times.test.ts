import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeError, canonicalMicroTime, canonicalTime } from './times.ts'

/** Every day that a calendar may or may not have, in a leap year and in another. */
function* days(): Generator<{ readonly text: string; readonly exists: boolean }> {
  for (const year of [2024, 2026])
    for (let month = 0; month <= 13; month++)
      for (let day = 0; day <= 32; day++) {
        const date = new Date(Date.UTC(year, month - 1, day))
        const exists = month >= 1 && month <= 12 && day >= 1 && date.getUTCMonth() === month - 1
        yield { text: `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`, exists }
      }
}

test('days that exist stay as they are, others are refused', () => {
  for (const { text, exists } of days()) {
    const time = `${text}T23:59:59Z`
    const micro = `${text}T23:59:59.012345Z`
    if (exists) assert.deepEqual([canonicalTime(time), canonicalMicroTime(micro)], [time, micro])
    else {
      assert.throws(() => canonicalTime(time), TimeError, time)
      assert.throws(() => canonicalMicroTime(micro), TimeError, micro)
    }
  }
})

test('offsets and fractions are brought to one form', () => {
  assert.equal(canonicalTime('2026-03-31T01:02:03.5+02:00'), '2026-03-30T23:02:03Z')
  assert.equal(canonicalMicroTime('2026-03-31T01:02:03.000001-01:00'), '2026-03-31T02:02:03.000001Z')
  assert.throws(() => canonicalMicroTime('2026-03-31T01:02:03Z'), TimeError)
  assert.throws(() => canonicalTime('2026-03-31T24:00:00Z'), TimeError)
})
