import assert from 'node:assert/strict'
import { it } from 'node:test'
import { renewAtMs, retryAfterMs } from './renewal.ts'

it('a certificate is renewed after 70 to 90 % of its life, and never in a rush', () => {
  const life = { startMs: 0, endMs: 100_000_000 }
  assert.equal(renewAtMs(life, 0, 0), 70_000_000)
  assert.equal(renewAtMs(life, 0, 0.5), 80_000_000)
  assert.equal(renewAtMs(life, 95_000_000, 0), 95_010_000)
})

it('a renewal that fails is tried again after two seconds, then ever later, up to five minutes', () => {
  assert.deepEqual([1, 2, 3, 20].map(retryAfterMs), [2000, 4000, 8000, 300_000])
})
