import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserError } from '#base'
import { StatusError } from '#api'
import { Unreachable } from '#client'
import { failureOf } from './failure.ts'

describe('a command that has failed', () => {
  it('says what is wrong and what would work, and that trying again does not help', () => {
    assert.deepEqual(failureOf(new UserError('no such file', 'make it\nor name another')), {
      text: 'sampan: no such file\n  make it\n  or name another',
      exitCode: 2,
    })
  })

  it('says what the cluster refuses, or that it does not answer, in one line', () => {
    const refusal = new StatusError({ code: 404, reason: 'NotFound', message: 'pods "x" not found' })
    assert.deepEqual(failureOf(refusal), { text: 'sampan: pods "x" not found', exitCode: 1 })
    assert.match(failureOf(new Unreachable('https://here', new Error('refused'))).text, /^sampan: the API server at https:\/\/here [^\n]*$/)
  })

  it('says in two lines what the machine refuses, and what would work', () => {
    const refusal = Object.assign(new Error("EACCES: permission denied, scandir '/var/lib/sampan'"), { code: 'EACCES' })
    assert.match(failureOf(refusal).text, /^sampan: EACCES: permission denied, scandir '\/var\/lib\/sampan'\n {2}[^\n]*sudo[^\n]*$/)
  })

  it('shows where it happened of what nobody has foreseen', () => {
    assert.match(failureOf(new TypeError('x is not a function')).text, /x is not a function\n +at /)
  })
})
