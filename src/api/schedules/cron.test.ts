import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserError } from '#base/pure'
import { parseCronSchedule } from './cron.ts'
import { parseDuration } from './duration.ts'

describe('cron schedules', () => {
  it('reads ranges, steps, names and lists', () => {
    const schedule = parseCronSchedule('*/20 8-10 1,15 JAN-mar 5/1')
    assert.ok('minutes' in schedule)
    assert.deepEqual([...schedule.minutes], [0, 20, 40])
    assert.deepEqual([...schedule.hours], [8, 9, 10])
    assert.deepEqual([...schedule.daysOfMonth], [1, 15])
    assert.deepEqual([...schedule.months], [1, 2, 3])
    assert.deepEqual([...schedule.daysOfWeek], [5, 6])
  })

  it('knows fields that restrict nothing', () => {
    const schedule = parseCronSchedule('0 0 ? * */2')
    assert.ok('minutes' in schedule)
    assert.equal(schedule.anyDayOfMonth, true)
    assert.equal(schedule.anyDayOfWeek, false)
  })

  it('reads descriptors', () => {
    assert.deepEqual(parseCronSchedule('@daily'), parseCronSchedule('0 0 * * *'))
    assert.deepEqual(parseCronSchedule('@every 1h30m'), { everyMs: 5_400_000 })
  })

  const refused = {
    '* * * *': 'expected exactly 5 fields, found 4: [* * * *]',
    '* 24 * * *': 'end of range (24) above maximum (23): 24',
    '* * 0 * *': 'beginning of range (0) below minimum (1): 0',
    '5-1 * * * *': 'beginning of range (5) beyond end of range (1): 5-1',
    '*/0 * * * *': 'step of range should be a positive number: */0',
    '1-2-3 * * * *': 'too many hyphens: 1-2-3',
    '1/2/3 * * * *': 'too many slashes: 1/2/3',
    '@bogus': 'unrecognized descriptor: @bogus',
    '@every x': 'failed to parse duration @every x: time: invalid duration "x"',
  }
  for (const [text, message] of Object.entries(refused)) {
    it(`refuses ${text}`, () => assert.throws(() => parseCronSchedule(text), new UserError(message)))
  }
})

describe('durations', () => {
  const cases = {
    '1.5h': 5_400_000,
    '-2s': -2000,
    '1m30s': 90_000,
    '0': 0,
    '': 'time: invalid duration ""',
    '5': 'time: missing unit in duration "5"',
    '5y': 'time: unknown unit "y" in duration "5y"',
  }
  for (const [text, expected] of Object.entries(cases))
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), expected))
})
