import type { CronSchedule, CronTimes } from './cron.ts'

/** A schedule that fits no time within this many years fits none at all: 31 February. */
const YEARS = 5

/**
 * The first time after `afterMs` at which a schedule fits, in whole seconds; undefined when there is none. Fields are read on the clock of the time
 * zone: what it skips in spring does not happen, what it shows twice in autumn happens twice.
 */
export function nextTime(schedule: CronSchedule, afterMs: number, timeZone = 'UTC'): number | undefined {
  if ('everyMs' in schedule) return Math.floor(afterMs / 1000) * 1000 + Math.max(1000, Math.floor(schedule.everyMs / 1000) * 1000)
  let time = Temporal.Instant.fromEpochMilliseconds((Math.floor(afterMs / 60_000) + 1) * 60_000).toZonedDateTimeISO(timeZone)
  const lastYear = time.year + YEARS
  while (time.year <= lastYear) {
    if (!schedule.months.has(time.month)) time = time.with({ day: 1 }).add({ months: 1 }).startOfDay()
    else if (!fitsDay(schedule, time)) time = time.add({ days: 1 }).startOfDay()
    else if (!schedule.hours.has(time.hour)) time = time.round({ smallestUnit: 'hour', roundingMode: 'floor' }).add({ hours: 1 })
    else if (!schedule.minutes.has(time.minute)) time = time.add({ minutes: 1 })
    else return time.epochMilliseconds
  }
  return undefined
}

function fitsDay(times: CronTimes, { day, dayOfWeek }: Temporal.ZonedDateTime): boolean {
  const inMonth = times.daysOfMonth.has(day)
  const inWeek = times.daysOfWeek.has(dayOfWeek % 7)
  return times.anyDayOfMonth || times.anyDayOfWeek ? inMonth && inWeek : inMonth || inWeek
}

/** Looked at one by one at most; beyond that a schedule is searched backwards, in windows. */
const NEAR = 100

export interface DueTimes {
  /** The last time that has come; undefined when none has. */
  readonly latestMs: number | undefined
  /** How many have come, estimated from the distance of the first two. */
  readonly missed: number
}

/** Times of a schedule after `sinceMs` that have come by `nowMs`. Undefined: it fits no time at all. */
export function dueTimes(schedule: CronSchedule, sinceMs: number, nowMs: number, timeZone = 'UTC'): DueTimes | undefined {
  const firstMs = nextTime(schedule, sinceMs, timeZone)
  const secondMs = firstMs === undefined ? undefined : nextTime(schedule, firstMs, timeZone)
  if (firstMs === undefined || secondMs === undefined) return undefined
  if (firstMs > nowMs) return { latestMs: undefined, missed: 0 }
  const intervalMs = secondMs - firstMs
  const missed = Math.floor((nowMs - firstMs) / intervalMs) + 1
  if ('everyMs' in schedule) return { latestMs: firstMs + (missed - 1) * intervalMs, missed }
  const last = (fromMs: number): number | undefined => lastUntil(schedule, fromMs, nowMs, timeZone)
  if (missed <= NEAR) return { latestMs: last(firstMs - 1), missed }
  for (let windowMs = 2 * intervalMs; nowMs - windowMs > firstMs; windowMs *= 2) {
    const latestMs = last(nowMs - windowMs)
    if (latestMs !== undefined) return { latestMs, missed }
  }
  return { latestMs: last(firstMs - 1), missed }
}

function lastUntil(schedule: CronSchedule, fromMs: number, untilMs: number, timeZone: string): number | undefined {
  let latestMs: number | undefined
  for (let ms = nextTime(schedule, fromMs, timeZone); ms !== undefined && ms <= untilMs; ms = nextTime(schedule, ms, timeZone))
    latestMs = ms
  return latestMs
}
