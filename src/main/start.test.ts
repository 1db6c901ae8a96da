import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

describe('what stays in the background', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-start-'))
  after(() => rmSync(folder, { recursive: true }))
  const start = (pack: string, ...args: readonly string[]): string =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'start.js'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, SAMPAN_PACK: pack, NODE_COMPILE_CACHE: '' },
    }).stdout

  it('starts from the pack that is given, without what takes types off', () => {
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(
      join(folder, 'run.js'),
      "console.log('packed', process.argv[2], process.moduleLoadList.filter((name) => /amaro/.test(name)).join())",
    )
    assert.equal(start(folder, 'gateway'), 'packed gateway \n')
  })

  it('starts from the sources where the pack is gone', () => {
    assert.match(start(join(folder, 'gone'), '--help'), /sampan/)
  })
})
