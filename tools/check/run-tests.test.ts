import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { type TestContext, describe, it } from 'node:test'
import { describeCounts, parseCounts } from './run-tests.ts'

/** Runs the files as a suite in a process of its own: the runner does not run inside a run. */
function runIn(context: TestContext, files: Readonly<Record<string, string>>, options = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-run-tests-'))
  context.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `import { describe, it } from 'node:test'\n${text}`)
  const program = `import { runTests, describeCounts } from ${JSON.stringify(join(import.meta.dirname, 'run-tests.ts'))}
    console.log(describeCounts(await runTests({ cwd: ${JSON.stringify(folder)}, globs: ['*.test.mjs']${options} }))); process.exit()`
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const main = join(folder, 'run.mjs')
  writeFileSync(main, program)
  return spawnSync(process.execPath, [main], { encoding: 'utf8', env }).stdout
}

describe('running tests', () => {
  it('counts tests, not suites, and takes what is to do for skipped', (context) => {
    const output = runIn(context, {
      'a.test.mjs': `describe('group', () => { it('one', () => {}); it('two', () => {}) })
        it.skip('three', () => {}); it.todo('four', () => { throw new Error('later') })`,
    })
    assert.deepEqual(parseCounts(output), { passed: 2, failed: 0, skipped: 2 })
  })

  it('tells of each failure once, with its place and message', (context) => {
    const output = runIn(context, { 'a.test.mjs': `describe('group', () => { it('breaks', () => { throw new Error('broken') }) })` })
    assert.deepEqual(parseCounts(output), { passed: 0, failed: 1, skipped: 0 })
    assert.match(output, /not ok.* a\.test\.mjs:2 breaks\n {4}Error: broken/)
  })

  it('shows the figures that a test tells', (context) => {
    const output = runIn(context, { 'a.test.mjs': `describe('group', () => { it('kills', (c) => c.diagnostic('200 kills, none lost')) })` })
    assert.equal(output, 'a.test.mjs: 200 kills, none lost\n1 passed, 0 failed, 0 skipped\n')
  })

  it('takes a file that does not load for a failure, and shows why', (context) => {
    const output = runIn(context, { 'a.test.mjs': `throw new Error('does not load')`, 'b.test.mjs': `it('one', () => {})` })
    assert.deepEqual(parseCounts(output), { passed: 1, failed: 1, skipped: 0 })
    assert.match(output, /does not load/)
  })

  it('does not wait for what a test has left open, and tells what it is', (context) => {
    const output = runIn(context, { 'a.test.mjs': `it('leaves', () => { setInterval(() => {}, 1000) })` }, ', together: true, heldMs: 200')
    assert.deepEqual(parseCounts(output), { passed: 1, failed: 1, skipped: 0 })
    assert.match(output, /left open holds the process: .*Timeout/)
  })

  it('takes a file without tests for a failure', (context) => {
    const output = runIn(context, { 'a.test.mjs': 'export {}' })
    assert.deepEqual(parseCounts(output), { passed: 0, failed: 1, skipped: 0 })
    assert.match(output, /no test in this file/)
  })
})

describe('the line of counts', () => {
  it('is read back as it was written', () => {
    const counts = { passed: 12, failed: 3, skipped: 0 }
    assert.equal(describeCounts(counts), '12 passed, 3 failed, 0 skipped')
    assert.deepEqual(parseCounts(`anything\n${describeCounts(counts)}\n`), counts)
    assert.equal(parseCounts('12 passed\n'), undefined)
  })
})
