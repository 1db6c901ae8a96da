import { messageOf } from '#base'
import { type CronSchedule, type batch, isTimeZoneName, nextTime, parseCronSchedule } from '#api'

export interface Telling {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export interface ZonedSchedule {
  readonly schedule: CronSchedule
  readonly timeZone: string
  /** The zone is written into the schedule, which is not officially supported. */
  readonly isUnsupported: boolean
}

/** When a CronJob runs and on whose clock, or what is wrong with it. */
export function scheduleOf({ spec }: batch.CronJob): ZonedSchedule | Telling {
  const wrong = (reason: string, message: string): Telling => ({ type: 'Warning', reason, message })
  const { timeZone } = spec
  if (timeZone !== undefined && timeZone !== '' && !isTimeZoneName(timeZone))
    return wrong('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`)
  const written = /^(?:CRON_)?TZ=(\S*) /.exec(spec.schedule)?.[1]
  const unparseable = (why: string): Telling =>
    wrong('UnparseableSchedule', `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${why}`)
  if (written !== undefined && written !== '' && !isTimeZoneName(written))
    return unparseable(`provided bad location ${written}: unknown time zone ${written}`)
  try {
    const schedule = parseCronSchedule(spec.schedule)
    return { schedule, timeZone: written || timeZone || 'UTC', isUnsupported: spec.schedule.includes('TZ') }
  } catch (error) {
    return unparseable(messageOf(error))
  }
}

export function isSchedule(value: ZonedSchedule | Telling): value is ZonedSchedule {
  return 'schedule' in value
}

/** A little later than due, so that clocks that differ a little do not make the round come too early. */
const PADDING_MS = 100

/** Milliseconds until a CronJob whose schedule has changed is looked at; undefined when the schedule is none. */
export function firstLookInMs(cronJob: batch.CronJob, nowMs: number): number | undefined {
  const zoned = scheduleOf(cronJob)
  const nextMs = isSchedule(zoned) ? nextTime(zoned.schedule, nowMs, zoned.timeZone) : undefined
  return nextMs === undefined ? undefined : nextMs - nowMs + PADDING_MS
}

export const lookInMs = (zoned: ZonedSchedule, lastMs: number, nowMs: number): number | undefined => {
  const nextMs = nextTime(zoned.schedule, lastMs, zoned.timeZone)
  return nextMs === undefined ? undefined : Math.max(0, nextMs - nowMs) + PADDING_MS
}
