const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds of a duration as Go writes it (`1h30m`, `-1.5s`), or what is wrong with it in Go's words. */
export function parseDuration(text: string): number | string {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  if (rest === '0') return 0
  if (rest === '') return `time: invalid duration ${JSON.stringify(text)}`
  let total = 0
  for (let left = rest; left !== ''; ) {
    const [whole = '', amount = '', unit = ''] = /^(\d*\.?\d*)([^\d.]*)/.exec(left) ?? []
    if (!/\d/.test(amount)) return `time: invalid duration ${JSON.stringify(text)}`
    if (unit === '') return `time: missing unit in duration ${JSON.stringify(text)}`
    const unitMs = Object.hasOwn(UNITS_MS, unit) ? UNITS_MS[unit] : undefined
    if (unitMs === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`
    total += Number(amount) * unitMs
    left = left.slice(whole.length)
  }
  return sign === '-' ? -total : total
}
