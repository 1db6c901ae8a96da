import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RepeatedProgram } from './repeated-program.ts'
import { rootScope } from './scope.ts'

const LIMIT_MS = 10_000
const scope = rootScope()

test('gives the program each input as it is, in order, however many come at once', async () => {
  const cat = new RepeatedProgram(['cat'])
  const inputs = ['plain', '$(exit 7) `x` "\'\\ ${HOME} end-\nEOF\n\n;', '', 'ü'.repeat(20_000), 'x'.repeat(500_000)]
  const results = await Promise.all(inputs.map((input) => cat.run(scope, input, LIMIT_MS)))
  for (const [i, { code, stdout }] of results.entries()) {
    assert.equal(code, 0)
    assert.equal(stdout.trim(), (inputs[i] ?? '').trim())
  }
})

test('tells how the program has failed, and goes on', async () => {
  const failing = new RepeatedProgram(['sh', '-c', 'read -r line; echo "no $line" >&2; exit "$line"'])
  assert.deepEqual(await failing.run(scope, '3\nunread\n', LIMIT_MS), { code: 3, stdout: '', stderr: 'no 3' })
  assert.equal((await failing.run(scope, '0', LIMIT_MS)).code, 0)
  assert.equal((await new RepeatedProgram(['/nowhere/at-all']).run(scope, '', LIMIT_MS)).code, 127)
})

test('ends what takes too long, or whose asker has gone, and starts anew', async () => {
  const slow = new RepeatedProgram(['sh', '-c', 'read -r seconds; sleep "$seconds"; echo done'])
  await assert.rejects(slow.run(scope, '60', 100))
  const own = rootScope()
  const asked = slow.run(own, '60', LIMIT_MS)
  own.cancel()
  await assert.rejects(asked)
  assert.equal((await slow.run(scope, '0', LIMIT_MS)).stdout, 'done')
})
