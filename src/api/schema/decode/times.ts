import { SampanError } from '#base/pure'

/** A text is not a time of the wanted form. The message is that of Go's time package. */
export class TimeError extends SampanError {
  readonly code = 'BAD_TIME'
}

const LAYOUT = '2006-01-02T15:04:05Z07:00'
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00'

/** A metav1.Time as it is written back: UTC, whole seconds. Any fraction is read and dropped. */
export function canonicalTime(text: string): string {
  if (text.length === 20 && CANONICAL.test(text)) return text
  const { epochMs } = parseTime(text, LAYOUT)
  return `${isoText(epochMs).slice(0, 19)}Z`
}

/** A day that its month has in every year, and a time of it: the form in which nearly all times come. */
const DAY = '\\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)'
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d'
const CANONICAL = new RegExp(`^${DAY}T${TIME}Z$`)
const CANONICAL_MICRO = new RegExp(`^${DAY}T${TIME}\\.\\d{6}Z$`)

/** A metav1.MicroTime as it is written back: UTC with six digits. It has to have six when it comes, too. */
export function canonicalMicroTime(text: string): string {
  if (text.length === 27 && CANONICAL_MICRO.test(text)) return text
  const { epochMs, fraction } = parseTime(text, MICRO_LAYOUT)
  return `${isoText(epochMs).slice(0, 19)}.${fraction.slice(0, 6)}Z`
}

/** Years of four digits only: what Go's layout can read. */
function isoText(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

interface ParsedTime {
  /** Whole seconds. */
  readonly epochMs: number
  readonly fraction: string
}

interface Part {
  /** What the layout calls it in messages. */
  readonly layout: string
  readonly pattern: RegExp
  readonly name?: string
  readonly min?: number
  readonly max?: number
}

const PARTS: readonly Part[] = [
  { layout: '2006', pattern: /^\d{4}/ },
  { layout: '-', pattern: /^-/ },
  { layout: '01', pattern: /^\d\d/, name: 'month', min: 1, max: 12 },
  { layout: '-', pattern: /^-/ },
  { layout: '02', pattern: /^\d\d/, name: 'day', min: 1, max: 31 },
  { layout: 'T', pattern: /^T/ },
  { layout: '15', pattern: /^\d\d/, name: 'hour', min: 0, max: 23 },
  { layout: ':', pattern: /^:/ },
  { layout: '04', pattern: /^\d\d/, name: 'minute', min: 0, max: 59 },
  { layout: ':', pattern: /^:/ },
  { layout: '05', pattern: /^\d\d/, name: 'second', min: 0, max: 59 },
]

function parseTime(text: string, layout: string): ParsedTime {
  const numbers: number[] = []
  let rest = text
  const take = (part: string, pattern: RegExp): string => {
    const found = pattern.exec(rest)?.[0]
    if (found === undefined)
      throw new TimeError(
        `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(part)}`,
      )
    rest = rest.slice(found.length)
    return found
  }
  const outOfRange = (name: string): TimeError => new TimeError(`parsing time ${JSON.stringify(text)}: ${name} out of range`)
  for (const { layout: part, pattern, name, min = 0, max = Number.POSITIVE_INFINITY } of PARTS) {
    const found = take(part, pattern)
    if (part.length === 1) continue
    const number = Number(found)
    if (name !== undefined && (number < min || number > max)) throw outOfRange(name)
    numbers.push(number)
  }
  const fraction = layout === MICRO_LAYOUT ? take('.000000', /^[.,]\d{6}/) : /^[.,]\d+/.test(rest) ? take('', /^[.,]\d+/) : ''
  const offsetMinutes = readOffset(take('Z07:00', /^(?:Z|[+-]\d\d:\d\d)/))
  if (rest !== '') throw new TimeError(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`)
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = numbers
  if (day > daysIn(year, month)) throw outOfRange('day')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute - offsetMinutes, second)
  return { epochMs: date.getTime(), fraction: fraction.slice(1) }
}

function readOffset(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  return zone.startsWith('-') ? -minutes : minutes
}

function daysIn(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 0)
  return date.getUTCDate()
}
