import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { LogRotation } from './log-rotation.ts'

test('a full log is put aside, the one before it compressed, the oldest removed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'logs-'))
  const clock = manualClock()
  const path = join(dir, '0.log')
  writeFileSync(`${path}.19700101-000000${'.tmp'}`, 'half')
  const worker = { state: { containers: [{ id: 'c', state: 'running', logPath: path }] } }
  const rotation = new LogRotation(
    { logMaxBytes: 3, logMaxFiles: 4 },
    { reopenContainerLog: async () => writeFileSync(path, '') },
    { workers: [worker] as never },
  )
  for (let round = 1; round <= 5; round++) {
    writeFileSync(path, `round ${round}`)
    await rotation.rotateAll(rootScope({ clock }))
    clock.advance(60_000)
  }
  const files = readdirSync(dir).sort()
  assert.equal(files.length, 4)
  const [current = '', oldest = '', middle = '', newest = ''] = files
  assert.equal(current, '0.log')
  assert.equal(gunzipSync(readFileSync(join(dir, oldest))).toString(), 'round 3')
  assert.equal(gunzipSync(readFileSync(join(dir, middle))).toString(), 'round 4')
  assert.equal(readFileSync(join(dir, newest), 'utf8'), 'round 5')
  assert.match(newest, /^0\.log\.\d{8}-\d{6}$/)
  rmSync(dir, { recursive: true })
})
