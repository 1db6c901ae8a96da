import { RE2JS } from 're2js'
import { type Expr, partsOf } from '../syntax/ast.ts'
import type { Issue } from '../syntax/issues.ts'
import { type CelType, equivalentTypes, optionalOf, typeText } from '../types/type.ts'
import { isEpochSecond, parseDuration, parseTimestamp } from '../values/time.ts'
import { isInt } from '../values/types.ts'
import type { Value } from '../values/value.ts'
import type { Checked } from './check.ts'
import { formatIssues } from './validate-format.ts'

/** What can be seen of literals before anything is evaluated: times, durations, patterns, mixed lists, formats. */
export function literalIssues(checked: Checked): readonly Issue[] {
  const issues: Issue[] = []
  const calls: Readonly<Record<string, (value: Value) => boolean>> = {
    // There is no way from a whole number to a duration, though there is a form for it.
    duration: (value) => typeof value === 'string' && parseDuration(value) !== undefined,
    timestamp: (value) => (typeof value === 'string' ? parseTimestamp(value) !== undefined : !isInt(value) || isEpochSecond(value)),
    matches: (value) => typeof value !== 'string' || isPattern(value),
  }
  for (const [name, isGood] of Object.entries(calls)) {
    visit(checked.expr, false, (expr) => {
      if (expr.kind !== 'call' || expr.name !== name) return
      const [arg] = expr.args
      if (arg?.kind === 'literal' && !isGood(arg.value)) issues.push({ at: arg.at, message: `invalid ${name} argument` })
    })
  }
  visit(checked.expr, false, (expr, isInFormat) => {
    if (!isInFormat && (expr.kind === 'list' || expr.kind === 'map')) issues.push(...mixtureIssues(checked, expr))
  })
  visit(checked.expr, false, (expr) => {
    if (expr.kind === 'call') issues.push(...formatIssues(checked, expr))
  })
  return issues
}

function visit(expr: Expr, isInFormat: boolean, see: (expr: Expr, isInFormat: boolean) => void): void {
  see(expr, isInFormat)
  const isFormat = isInFormat || (expr.kind === 'call' && expr.name === 'format')
  for (const part of partsOf(expr)) visit(part, isFormat, see)
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text)
    return true
  } catch {
    return false
  }
}

/** The elements of a literal are of one type. */
function mixtureIssues(checked: Checked, expr: Expr & { kind: 'list' | 'map' }): Issue[] {
  const issues: Issue[] = []
  const typeOf = (value: Expr, optional: boolean): CelType => {
    const type = checked.typeOf(value)
    return optional ? (optionalOf(type) ?? type) : type
  }
  const compare = (first: CelType, value: Expr, type: CelType): boolean => {
    if (equivalentTypes(first, type)) return true
    issues.push({ at: value.at, message: `expected type '${typeText(first)}' but found '${typeText(type)}'` })
    return false
  }
  if (expr.kind === 'list') {
    const [first, ...rest] = expr.elements
    if (first === undefined) return issues
    const wanted = typeOf(first.value, first.optional)
    rest.every(({ value, optional }) => compare(wanted, value, typeOf(value, optional)))
    return issues
  }
  const [first, ...rest] = expr.entries
  if (first === undefined) return issues
  const keys = checked.typeOf(first.key)
  const values = typeOf(first.value, first.optional)
  for (const { key, value, optional } of rest) {
    compare(keys, key, checked.typeOf(key))
    compare(values, value, typeOf(value, optional))
  }
  return issues
}
