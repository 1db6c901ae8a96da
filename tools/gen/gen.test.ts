import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('the generated files are those of the facts', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'gen.ts'), '--check'], { encoding: 'utf8' })
  assert.equal(stderr, '')
  assert.equal(status, 0)
})
