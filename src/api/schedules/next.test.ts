import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCronSchedule } from './cron.ts'
import { dueTimes, nextTime } from './next.ts'

const at = (text: string): number => Date.parse(text)
const next = (schedule: string, after: string, timeZone?: string): string | undefined => {
  const ms = nextTime(parseCronSchedule(schedule), at(after), timeZone)
  return ms === undefined ? undefined : new Date(ms).toISOString().replace('.000', '')
}

describe('the next time of a schedule', () => {
  const cases: readonly (readonly [string, string, string | undefined, string?])[] = [
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
    ['* * * * *', '2026-01-01T00:00:59.999Z', '2026-01-01T00:01:00Z'],
    ['30 4 * * *', '2026-01-01T04:30:00Z', '2026-01-02T04:30:00Z'],
    ['0 0 1 1 *', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', undefined],
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 * * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 13 * *', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['0 12 * * *', '2026-01-01T00:00:00Z', '2026-01-01T03:00:00Z', 'Asia/Tokyo'],
    ['@every 90s', '2026-01-01T00:00:00.5Z', '2026-01-01T00:01:30Z'],
    // 2:30 does not exist on 29 March in Berlin, and 1:30 is there twice on 1 November in New York.
    ['30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z', 'Europe/Berlin'],
    ['30 1 * * *', '2026-11-01T05:00:00Z', '2026-11-01T05:30:00Z', 'America/New_York'],
    ['30 1 * * *', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', 'America/New_York'],
    // Midnight is left out when summer begins in Santiago.
    ['15 * 6 9 *', '2026-09-05T12:00:00Z', '2026-09-06T04:15:00Z', 'America/Santiago'],
  ]
  for (const [schedule, after, expected, zone] of cases)
    it(`${schedule} after ${after}${zone === undefined ? '' : ` in ${zone}`}`, () => assert.equal(next(schedule, after, zone), expected))
})

describe('times that have come', () => {
  const due = (schedule: string, since: string, now: string): unknown => {
    const found = dueTimes(parseCronSchedule(schedule), at(since), at(now))
    return found === undefined
      ? undefined
      : [found.latestMs === undefined ? undefined : new Date(found.latestMs).toISOString().slice(0, 16), found.missed]
  }
  it('are none before the first', () => assert.deepEqual(due('0 12 * * *', '2026-01-01T00:00Z', '2026-01-01T11:59Z'), [undefined, 0]))
  it('count from the last one seen', () =>
    assert.deepEqual(due('0 12 * * *', '2026-01-01T12:00Z', '2026-01-04T00:00Z'), ['2026-01-03T12:00', 2]))
  it('are found after years, too', () =>
    assert.deepEqual(due('* * * * *', '2020-01-01T00:00Z', '2026-01-01T00:00Z'), ['2026-01-01T00:00', 3_156_480]))
  it('are found when they are not evenly spread', () =>
    assert.deepEqual(due('0,1 0 1 * *', '2019-12-31T12:00Z', '2026-01-20T00:00Z'), ['2026-01-01T00:01', 3_183_841]))
  it('are those of an interval', () =>
    assert.deepEqual(due('@every 7m', '2026-01-01T00:00Z', '2026-01-01T00:30Z'), ['2026-01-01T00:28', 4]))
  it('do not exist for a day that never comes', () => assert.equal(due('0 0 31 2 *', '2026-01-01T00:00Z', '2026-01-20T00:00Z'), undefined))
})
