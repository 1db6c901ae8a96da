import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { describeSteps } from './report.ts'
import { runSteps } from './run-steps.ts'
import type { Step } from './steps.ts'

const step = (name: string, program: string): Step => ({ name, holds: name, command: ['node', '-e', program] })

describe('steps', () => {
  it('all run, whatever fails, and are told in their order', async () => {
    const results = await runSteps(process.cwd(), [
      step('bad', 'console.log("why"); process.exit(3)'),
      step('good', 'console.log("noise")'),
    ])
    assert.deepEqual(
      results.map(({ name, ok }) => [name, ok]),
      [
        ['bad', false],
        ['good', true],
      ],
    )
    const report = stripVTControlCharacters(describeSteps(results))
    assert.match(report, /── bad ──\nwhy\n/)
    assert.doesNotMatch(report, /noise/)
    assert.match(report, /FAILED bad +\d+\.\d s\nok +good +\d+\.\d s\n$/)
  })

  it('fail when their command does not exist or is ended by a signal', async () => {
    const results = await runSteps(process.cwd(), [
      { name: 'missing', holds: '', command: ['no-such-command-of-sampan'] },
      step('killed', 'process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 10_000)'),
    ])
    assert.deepEqual(
      results.map(({ ok }) => ok),
      [false, false],
    )
    assert.match(results[0]?.output ?? '', /does not start/)
    assert.match(results[1]?.output ?? '', /ended by SIGKILL/)
  })
})
