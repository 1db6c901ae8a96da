import { FormatProblem, formatText, type Verb, wrongArgument } from '../library/format-string.ts'
import type { Call, Expr } from '../syntax/ast.ts'
import type { Issue } from '../syntax/issues.ts'
import type { Kind } from '../types/type.ts'
import type { Checked } from './check.ts'

const KINDS: Readonly<Record<Verb, ReadonlySet<Kind>>> = {
  s: new Set<Kind>(['list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null']),
  d: new Set<Kind>(['int', 'uint']),
  f: new Set<Kind>(['double', 'string']),
  e: new Set<Kind>(['double', 'string']),
  b: new Set<Kind>(['int', 'uint', 'bool']),
  x: new Set<Kind>(['int', 'uint', 'string', 'bytes']),
  X: new Set<Kind>(['int', 'uint', 'string', 'bytes']),
  o: new Set<Kind>(['int', 'uint']),
}

/** A literal format with a literal list is gone through before it is used. */
export function formatIssues(checked: Checked, call: Call): readonly Issue[] {
  const { target } = call
  const [list] = call.args
  if (call.name !== 'format' || call.args.length !== 1 || list?.kind !== 'list') return []
  if (target?.kind !== 'literal' || typeof target.value !== 'string') return []
  const { elements } = list
  let at = call.at
  try {
    const { wanted } = formatText(target.value, {
      demand: () => undefined,
      clause: (index, verb) => {
        const argument = elements[index]?.value
        if (argument === undefined) throw new OutOfRange(index)
        const bad = badPart(checked, argument, verb)
        if (bad === undefined) return ''
        at = bad.at
        throw wrongArgument(verb, checked.typeOf(bad).name)
      },
    })
    if (elements.length <= wanted) return []
    return [{ at, message: `too many arguments supplied to string.format (expected ${wanted}, got ${elements.length})` }]
  } catch (problem) {
    if (problem instanceof OutOfRange) return [{ at, message: `index ${problem.index} out of range` }]
    if (problem instanceof FormatProblem) return [{ at, message: problem.message }]
    throw problem
  }
}

class OutOfRange extends Error {
  readonly index: number
  constructor(index: number) {
    super()
    this.index = index
  }
}

function badPart(checked: Checked, expr: Expr, verb: Verb): Expr | undefined {
  const { kind } = checked.typeOf(expr)
  if (kind !== 'dyn' && kind !== 'any' && !KINDS[verb].has(kind)) return expr
  if (verb !== 's') return undefined
  const parts = expr.kind === 'list' ? expr.elements.map(({ value }) => value) : []
  if (expr.kind === 'map') for (const { key, value } of expr.entries) parts.push(key, value)
  for (const part of parts) {
    const bad = badPart(checked, part, 's')
    if (bad !== undefined) return bad
  }
  return undefined
}
