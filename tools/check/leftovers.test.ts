import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { RUN_MARK, endLeftovers } from './leftovers.ts'

test('what a run has left behind is ended, in whatever session, and nothing else', async () => {
  const run = randomUUID()
  const start = (mark: string) => spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env: { ...process.env, [RUN_MARK]: mark } })
  const [mine, other] = [start(run), start(`${run}-other`)]
  try {
    await Promise.all([once(mine, 'spawn'), once(other, 'spawn')])
    assert.deepEqual(endLeftovers(process.cwd(), run), [`${mine.pid} sleep 300`])
    await once(mine, 'exit')
    assert.equal(mine.signalCode, 'SIGKILL')
    assert.deepEqual(endLeftovers(process.cwd(), run), [])
    assert.equal(other.exitCode ?? other.signalCode, null)
  } finally {
    other.kill('SIGKILL')
    mine.kill('SIGKILL')
  }
})
