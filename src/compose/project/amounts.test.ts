import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationNs, durationText, shellWords, sizeBytes } from './amounts.ts'

test('durations are read with days and weeks and printed like Go', () => {
  for (const [text, printed] of [
    ['90s', '1m30s'],
    ['1h', '1h0m0s'],
    ['1d', '24h0m0s'],
    ['1.5s', '1.5s'],
    ['100ms', '100ms'],
    ['-5s', '-5s'],
    ['0', '0s'],
  ] as const)
    assert.equal(durationText(durationNs(text)), printed)
})

test('a duration without a unit, and an unknown unit, are refused by name', () => {
  assert.throws(() => durationNs('10'), /missing unit in duration "10"/)
  assert.throws(() => durationNs('10x'), /unknown unit "x" in duration "10x"/)
  assert.throws(() => durationNs(''), /invalid duration ""/)
})

test('sizes are powers of 1024', () => {
  assert.equal(sizeBytes('64m'), 64 << 20)
  assert.equal(sizeBytes('1.5KiB'), 1536)
  assert.equal(sizeBytes('10'), 10)
  assert.throws(() => sizeBytes('lots'), /invalid size: 'lots'/)
  assert.throws(() => sizeBytes('-1'), RangeError)
})

test('a command line is split like a shell does, up to a pipe', () => {
  assert.deepEqual(shellWords(`sh -c "echo 'a b'" a\\ b ''`), ['sh', '-c', "echo 'a b'", 'a b', ''])
  assert.deepEqual(shellWords('echo a | cat'), ['echo', 'a'])
  assert.throws(() => shellWords(`echo 'open`), /invalid command line string/)
})
