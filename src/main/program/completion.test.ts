import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { completionScript } from './completion.ts'
import { program } from './program.ts'

/** What bash would offer for the words typed so far. */
function offered(...words: readonly string[]): readonly string[] {
  const typed = words.map((word) => `'${word}'`).join(' ')
  const script = `${completionScript('bash', program())}\nCOMP_WORDS=(${typed}); COMP_CWORD=${words.length - 1}; _sampan; printf '%s\\n' "\${COMPREPLY[@]}"`
  const run = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  assert.equal(run.status, 0, run.stderr)
  return run.stdout.trim().split('\n')
}

describe('completion', () => {
  it('offers commands', () => {
    assert.deepEqual(offered('sampan', 're'), ['reset', 'release'])
    assert.ok(offered('sampan', '').includes('kubectl'))
  })
  it('offers the flags of a command, and nothing of another', () => {
    assert.deepEqual(offered('sampan', 'up', '--no-'), ['--no-example'])
    assert.deepEqual(offered('sampan', 'server', '--no-'), ['--no-controllers', '--no-scheduler'])
  })
  it('offers what an argument can be', () => {
    assert.deepEqual(offered('sampan', 'logs', 'a'), ['agent'])
    assert.deepEqual(offered('sampan', 'completion', ''), ['bash', 'zsh', 'fish', '--help'])
  })
  it('has a script for fish that names every command', () => {
    const script = completionScript('fish', program())
    for (const { name } of program().commands.map((command) => ({ name: command.name() }))) assert.match(script, new RegExp(`-a ${name} `))
  })
})
