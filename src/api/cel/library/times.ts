import { CelError } from '../values/error.ts'
import { type Duration, fieldsOf, inUnits, NANOS, type TimeFields, type Timestamp, zoneOffset } from '../values/time.ts'
import type { Outcome } from '../values/value.ts'
import type { Library } from '../types/functions.ts'

type Read = (fields: TimeFields, nanos: number) => number

const READS: readonly (readonly [name: string, id: string, read: Read])[] = [
  ['getFullYear', 'year', ({ year }) => year],
  ['getMonth', 'month', ({ month }) => month - 1],
  ['getDayOfYear', 'day_of_year', ({ dayOfYear }) => dayOfYear],
  ['getDayOfMonth', 'day_of_month', ({ day }) => day - 1],
  ['getDate', 'day_of_month_1_based', ({ day }) => day],
  ['getDayOfWeek', 'day_of_week', ({ weekday }) => weekday],
  ['getHours', 'hours', ({ hour }) => hour],
  ['getMinutes', 'minutes', ({ minute }) => minute],
  ['getSeconds', 'seconds', ({ second }) => second],
  ['getMilliseconds', 'milliseconds', (_fields, nanos) => Math.floor(nanos / NANOS.millisecond)],
]
const UNITS: readonly (readonly [name: string, id: string, nanosPerUnit: number])[] = [
  ['getHours', 'hours', NANOS.hour],
  ['getMinutes', 'minutes', NANOS.minute],
  ['getSeconds', 'seconds', NANOS.second],
  ['getMilliseconds', 'milliseconds', NANOS.millisecond],
]

const inZone =
  (read: Read) =>
  (time: Timestamp, zone: string): Outcome => {
    const offset = zoneOffset(zone, time.seconds)
    return offset instanceof CelError ? offset : read(fieldsOf(time.seconds + offset), time.nanos)
  }

/** Without a zone, times are read in UTC. */
export const times: Library = [
  ...READS.flatMap(
    ([name, id, read]) =>
      [
        [name, `timestamp_to_${id}`, 'timestamp.() -> int', (time: Timestamp) => read(fieldsOf(time.seconds), time.nanos)],
        [name, `timestamp_to_${id}_with_tz`, 'timestamp.(string) -> int', inZone(read)],
      ] as const,
  ),
  ...UNITS.map(([name, id, unit]) => [name, `duration_to_${id}`, 'duration.() -> int', (time: Duration) => inUnits(time, unit)] as const),
]
