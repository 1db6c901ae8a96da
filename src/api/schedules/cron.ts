import { UserError } from '#base/pure'
import { parseDuration } from './duration.ts'

/** When a CronJob runs: at the times that fit all five fields, or again and again after a while. */
export type CronSchedule = CronTimes | { readonly everyMs: number }

/** The allowed values of each field. A day fits by its number in the month or by its name in the week when both are restricted, by both otherwise. */
export interface CronTimes {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>
  /** Whether the field was `*` (or `?`). */
  readonly anyDayOfMonth: boolean
  readonly anyDayOfWeek: boolean
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}
const MINUTES: Bounds = { min: 0, max: 59 }
const HOURS: Bounds = { min: 0, max: 23 }
const DAYS_OF_MONTH: Bounds = { min: 1, max: 31 }
const MONTHS: Bounds = { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] }
const DAYS_OF_WEEK: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Reads `30 4 * * 1-5`, `@daily`, `@every 90m`. Throws a UserError in the words that Kubernetes' answers show. A leading `TZ=…` is not looked at. */
export function parseCronSchedule(text: string): CronSchedule {
  const spec = /^(?:CRON_)?TZ=\S* /.test(text) ? text.slice(text.indexOf(' ')).trim() : text
  if (!spec.startsWith('@')) return parseFields(spec)
  const fields = Object.hasOwn(DESCRIPTORS, spec) ? DESCRIPTORS[spec] : undefined
  if (fields !== undefined) return parseFields(fields)
  if (!spec.startsWith('@every ')) throw new UserError(`unrecognized descriptor: ${spec}`)
  const everyMs = parseDuration(spec.slice('@every '.length))
  if (typeof everyMs === 'string') throw new UserError(`failed to parse duration ${spec}: ${everyMs}`)
  return { everyMs }
}

function parseFields(spec: string): CronTimes {
  const fields = spec.split(/\s+/).filter((field) => field !== '')
  const [minutes = '', hours = '', daysOfMonth = '', months = '', daysOfWeek = ''] = fields
  if (fields.length !== 5) throw new UserError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  return {
    minutes: parseField(minutes, MINUTES).values,
    hours: parseField(hours, HOURS).values,
    daysOfMonth: parseField(daysOfMonth, DAYS_OF_MONTH).values,
    months: parseField(months, MONTHS).values,
    daysOfWeek: parseField(daysOfWeek, DAYS_OF_WEEK).values,
    anyDayOfMonth: parseField(daysOfMonth, DAYS_OF_MONTH).any,
    anyDayOfWeek: parseField(daysOfWeek, DAYS_OF_WEEK).any,
  }
}

function parseField(field: string, bounds: Bounds): { values: Set<number>; any: boolean } {
  const values = new Set<number>()
  let any = false
  for (const range of field.split(',').filter((part) => part !== '')) any = parseRange(range, bounds, values) || any
  return { values, any }
}

/** Adds the values of `3`, `*`, `1-5`, `2-10/2` or `5/10`; whether it stands for all values. */
function parseRange(range: string, bounds: Bounds, values: Set<number>): boolean {
  const [ends = '', stepText, ...moreSteps] = range.split('/')
  const [low = '', high, ...moreEnds] = ends.split('-')
  const any = low === '*' || low === '?'
  if (!any && moreEnds.length > 0) throw new UserError(`too many hyphens: ${range}`)
  const start = any ? bounds.min : parseValue(low, bounds)
  let end = any ? bounds.max : high === undefined ? start : parseValue(high, bounds)
  if (moreSteps.length > 0) throw new UserError(`too many slashes: ${range}`)
  const step = stepText === undefined ? 1 : parseInteger(stepText)
  if (stepText !== undefined && high === undefined) end = bounds.max
  if (start < bounds.min) throw new UserError(`beginning of range (${start}) below minimum (${bounds.min}): ${range}`)
  if (end > bounds.max) throw new UserError(`end of range (${end}) above maximum (${bounds.max}): ${range}`)
  if (start > end) throw new UserError(`beginning of range (${start}) beyond end of range (${end}): ${range}`)
  if (step === 0) throw new UserError(`step of range should be a positive number: ${range}`)
  for (let value = start; value <= end; value += step) values.add(value)
  return any && step === 1
}

function parseValue(text: string, { min, names }: Bounds): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  return named === -1 ? parseInteger(text) : named + min
}

function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new UserError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = Number(text)
  if (value < 0) throw new UserError(`negative number (${value}) not allowed: ${text}`)
  return value
}
