import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '#base'
import { difference, normalQuantile, wilson } from './intervals.ts'
import { type JudgeRules, type Sample, judge, lookAt } from './judge.ts'

const BOUNDS = [0.01, 0.02, 0.04, 0.08, 0.16]
const rules: JudgeRules = {
  minimumRequests: 100,
  confidence: 0.99,
  errorTolerance: 0.01,
  latencyQuantile: undefined,
  latencyTolerance: 0.2,
}
const sample = (requests: number, errors: number, buckets: readonly number[] = [requests]): Sample => ({ requests, errors, buckets })
const verdict = (next: Sample, control: Sample, more: Partial<JudgeRules> = {}): string =>
  judge(next, control, BOUNDS, { ...rules, ...more }).verdict

describe('intervals', () => {
  test('are those of the tables', () => {
    for (const [chance, z] of [
      [0.05, 1.6449],
      [0.025, 1.96],
      [0.005, 2.5758],
      [0.0001, 3.719],
    ] as const)
      assert.ok(Math.abs(normalQuantile(chance) - z) < 0.001, String(chance))
    // Newcombe 1998, table II, of method 10, at 95 %: 56/70 and 48/80; 9/10 and 3/10; 5/56 and 0/29.
    for (const [a, n, b, m, low, high] of [
      [56, 70, 48, 80, 0.0524, 0.3339],
      [9, 10, 3, 10, 0.1705, 0.809],
      [5, 56, 0, 29, -0.0381, 0.1926],
    ] as const) {
      const found = difference({ count: a, of: n }, { count: b, of: m }, 1.96)
      assert.ok(Math.abs(found.low - low) < 0.0005 && Math.abs(found.high - high) < 0.0005, JSON.stringify(found))
    }
    assert.deepEqual(wilson({ count: 0, of: 0 }, 2), { low: 0, high: 1 })
  })
})

describe('a verdict', () => {
  test('is not given without traffic, and says how much there was', () => {
    const { verdict: given, message, look } = judge(sample(0, 0), sample(0, 0), BOUNDS, rules)
    assert.deepEqual([given, look], ['NotEnoughEvidence', 0])
    assert.match(message, /^0 requests to the new version and 0 to its control; 100 of each/)
    assert.equal(verdict(sample(5000, 0), sample(99, 0)), 'NotEnoughEvidence')
  })

  test('needs as much evidence for `Same` as for anything else', () => {
    assert.equal(verdict(sample(100, 0), sample(100, 0)), 'NotEnoughEvidence')
    assert.equal(verdict(sample(2000, 0), sample(2000, 0)), 'Same')
    assert.equal(verdict(sample(20_000, 200), sample(20_000, 195)), 'Same')
  })

  test('finds what only the new version does wrong, and what only the old one does', () => {
    assert.equal(verdict(sample(400, 20), sample(400, 0)), 'Worse')
    assert.equal(verdict(sample(400, 0), sample(400, 20)), 'Better')
    assert.equal(verdict(sample(100, 100), sample(100, 0)), 'Worse')
  })

  test('does not call a small difference worse that is within tolerance, however sure it is', () => {
    assert.equal(verdict(sample(1_000_000, 6000), sample(1_000_000, 1000)), 'Same')
    assert.equal(verdict(sample(1_000_000, 6000), sample(1_000_000, 1000), { errorTolerance: 0.001 }), 'Worse')
  })

  test('compares two versions that fail alike as the same: what is broken elsewhere is nobody’s fault', () => {
    assert.equal(verdict(sample(20_000, 6000), sample(20_000, 6010)), 'NotEnoughEvidence')
    assert.equal(verdict(sample(200_000, 60_000), sample(200_000, 60_010)), 'Same')
  })

  test('compares how many requests take longer than the quantile of the control', () => {
    const times = { latencyQuantile: 0.95 }
    const control = sample(2000, 0, [1000, 880, 60, 40, 20, 0])
    assert.equal(verdict(control, control, times), 'Same')
    assert.equal(verdict(sample(2000, 0, [700, 700, 100, 300, 200, 0]), control, times), 'Worse')
    const { latency } = judge(control, control, BOUNDS, { ...rules, ...times })
    assert.equal(latency?.thresholdSeconds, 0.08)
    // Better in one and the same in the other is better; worse in one is worse.
    assert.equal(verdict({ ...control, errors: 0 }, { ...control, errors: 100 }, times), 'Better')
    assert.equal(verdict(sample(2000, 0, [0, 0, 0, 0, 0, 2000]), { ...control, errors: 1000 }, times), 'Worse')
  })

  test('is looked for again only when the sample has grown by half', () => {
    assert.deepEqual(
      [0, 99, 100, 149, 150, 224, 226, 1000].map((requests) => lookAt(requests, 100)),
      [0, 0, 1, 1, 2, 2, 3, 6],
    )
  })

  test('calls one of two equal versions worse as seldom as was asked, however often it looks', () => {
    const random = seededRandom(7)
    const runs = 1500
    let alarms = 0
    for (let run = 0; run < runs; run++) {
      const counts = [
        [0, 0],
        [0, 0],
      ]
      let look = 0
      for (let requests = 1; requests <= 2000; requests++) {
        for (const one of counts) {
          one[0] = (one[0] ?? 0) + 1
          if (random.float() < 0.05) one[1] = (one[1] ?? 0) + 1
        }
        const now = lookAt(requests, 100)
        if (now === look) continue
        look = now
        const [next, control] = counts.map(([all = 0, errors = 0]) => sample(all, errors))
        if (next !== undefined && control !== undefined && verdict(next, control, { errorTolerance: 0 }) === 'Worse') {
          alarms++
          break
        }
      }
    }
    assert.ok(alarms / runs <= 0.01, `${alarms} of ${runs}`)
  })

  test('finds an error in twenty in a few hundred requests', () => {
    const random = seededRandom(11)
    const needed: number[] = []
    for (let run = 0; run < 300; run++) {
      let errors = 0
      let requests = 0
      let look = 0
      for (;;) {
        requests++
        if (random.float() < 0.05) errors++
        const now = lookAt(requests, 100)
        if (now === look) continue
        look = now
        if (verdict(sample(requests, errors), sample(requests, 0)) === 'Worse') break
        if (requests > 5000) assert.fail('never')
      }
      needed.push(requests)
    }
    needed.sort((a, b) => a - b)
    assert.ok((needed[150] ?? 0) <= 600 && (needed[285] ?? 0) <= 1200, `${needed[150]} ${needed[285]}`)
  })
})
