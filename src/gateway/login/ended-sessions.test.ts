import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { seededRandom } from '#base'
import { EndedSessions } from './ended-sessions.ts'

describe('sessions that were logged out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-ended-'))
  after(() => rmSync(folder, { recursive: true }))
  const idOf = (number: number): string => String(number).padStart(22, 'a')
  const open = (name: string, now: number): EndedSessions => new EndedSessions(join(folder, name), seededRandom(1), now)

  test('stay ended for the next gateway, until they would have ended', () => {
    const first = open('kept', 0)
    first.end({ id: idOf(1), endsSeconds: 100 }, 0)
    first.end({ id: idOf(2), endsSeconds: 200.5 }, 0)
    assert.deepEqual([first.has(idOf(1)), first.has(idOf(3))], [true, false])
    assert.equal(statSync(join(folder, 'kept')).mode & 0o777, 0o600)
    // A line that was cut off by the end of the machine.
    appendFileSync(join(folder, 'kept'), idOf(4).slice(0, 9))
    const next = open('kept', 150)
    assert.deepEqual([next.has(idOf(1)), next.has(idOf(2))], [false, true])
    next.end({ id: idOf(5), endsSeconds: 300 }, 150)
    const last = open('kept', 160)
    assert.deepEqual([last.has(idOf(2)), last.has(idOf(5))], [true, true])
    assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), `${idOf(2)} 201\n${idOf(5)} 300\n`)
  })

  test('are so many at most, and so is their file', () => {
    const path = join(folder, 'many')
    appendFileSync(path, Array.from({ length: 30_000 }, (_, at) => `${idOf(at)} 100\n`).join(''))
    const ended = open('many', 0)
    assert.deepEqual([ended.has(idOf(19_999)), ended.has(idOf(20_000)), ended.has(idOf(29_999))], [false, true, true])
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 10_001)
  })
})
