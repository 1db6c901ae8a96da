import { ACCUMULATOR, type Call, type Comprehension, copyOf, type Expr, OPERATORS, partsOf } from './ast.ts'
import type { Issue } from './issues.ts'

/** Turns a call into something else. An issue refuses the call; `unexpanded` leaves it what it is. `at`: the call's opening bracket. */
export type Macro = (at: number, target: Expr | undefined, args: readonly Expr[]) => Expr | Issue | { readonly kind: 'unexpanded' }
export type MacroTable = ReadonlyMap<string, Macro>

export function macroKey(name: string, args: number, isMember: boolean): string {
  return `${isMember ? '.' : ''}${name}/${args}`
}

/** The macros that every environment has, and those of optional values, of two-variable loops and of lists. */
export function standardMacros(): MacroTable {
  const macros = new Map<string, Macro>([['has/1', has]])
  const add = (name: string, args: number, macro: Macro): void => {
    macros.set(macroKey(name, args, true), macro)
  }
  for (const [name, quantifier] of Object.entries(QUANTIFIERS)) {
    add(
      name,
      2,
      one((at, target, variable, args) => loop(at, target, variable, undefined, quantifier(at, args[1] as Expr))),
    )
    add(
      name,
      3,
      two((at, target, variables, args) => loop(at, target, ...variables, quantifier(at, args[2] as Expr))),
    )
  }
  for (const args of [2, 3]) add('map', args, one(mapped, IDENTIFIER_TEXT))
  add('filter', 2, one(filtered, IDENTIFIER_TEXT))
  for (const args of [3, 4]) {
    add(
      'transformList',
      args,
      two((at, target, variables, [, , ...rest]) => collect(at, target, variables, rest, (value) => add1(at, listOf(at, value)))),
    )
    add(
      'transformMap',
      args,
      two((at, target, variables, [, , ...rest]) =>
        collect(at, target, variables, rest, (value) => call(at, 'cel.@mapInsert', accumulator(at), ident(at, variables[0]), value), true),
      ),
    )
    add(
      'transformMapEntry',
      args,
      two((at, target, variables, [, , ...rest]) =>
        collect(at, target, variables, rest, (value) => call(at, 'cel.@mapInsert', accumulator(at), value), true),
      ),
    )
  }
  add(
    'optMap',
    2,
    optional('optMap', (at, inner) => call(at, 'optional.of', inner)),
  )
  add(
    'optFlatMap',
    2,
    optional('optFlatMap', (_at, inner) => inner),
  )
  add('sortBy', 2, sortBy)
  return macros
}

const has: Macro = (at, _target, args) => {
  const [arg] = args
  if (arg?.kind !== 'select') return { at: arg?.at ?? at, message: 'invalid argument to has() macro' }
  return { ...arg, at, testOnly: true }
}

// --- nodes

const ident = (at: number, name: string): Expr => ({ kind: 'ident', at, name })
const accumulator = (at: number): Expr => ident(at, ACCUMULATOR)
const literal = (at: number, value: boolean | number): Expr => ({ kind: 'literal', at, value })
const call = (at: number, name: string, ...args: Expr[]): Call => ({ kind: 'call', at, name, target: undefined, args })
const member = (at: number, target: Expr, name: string, ...args: Expr[]): Call => ({ kind: 'call', at, name, target, args })
const listOf = (at: number, ...values: Expr[]): Expr => ({
  kind: 'list',
  at,
  elements: values.map((value) => ({ value, optional: false })),
})
const add1 = (at: number, more: Expr): Expr => call(at, OPERATORS.add, accumulator(at), more)
const when = (at: number, condition: Expr, yes: Expr, no: Expr): Expr => call(at, OPERATORS.conditional, condition, yes, no)

type Body = Pick<Comprehension, 'init' | 'condition' | 'step' | 'result'>

function loop(at: number, range: Expr, variable: string, second: string | undefined, body: Body): Comprehension {
  return { kind: 'comprehension', at, range, variable, second, accumulator: ACCUMULATOR, ...body }
}

// --- quantifiers

const exactlyOne = (at: number, predicate: Expr): Body => ({
  init: literal(at, 0),
  condition: literal(at, true),
  step: when(at, predicate, add1(at, literal(at, 1)), accumulator(at)),
  result: call(at, OPERATORS.equals, accumulator(at), literal(at, 1)),
})
const QUANTIFIERS: Readonly<Record<string, (at: number, predicate: Expr) => Body>> = {
  all: (at, predicate) => ({
    init: literal(at, true),
    condition: call(at, OPERATORS.notStrictlyFalse, accumulator(at)),
    step: call(at, OPERATORS.and, accumulator(at), predicate),
    result: accumulator(at),
  }),
  exists: (at, predicate) => ({
    init: literal(at, false),
    condition: call(at, OPERATORS.notStrictlyFalse, call(at, OPERATORS.not, accumulator(at))),
    step: call(at, OPERATORS.or, accumulator(at), predicate),
    result: accumulator(at),
  }),
  exists_one: exactlyOne,
  existsOne: exactlyOne,
}

// --- variables

const SIMPLE_TEXT = 'argument must be a simple name'
const IDENTIFIER_TEXT = 'argument is not an identifier'
const OVERWRITES = 'iteration variable overwrites accumulator variable'

function one(expand: (at: number, target: Expr, variable: string, args: readonly Expr[]) => Expr, text = SIMPLE_TEXT): Macro {
  return (at, target, args) => {
    const [variable] = args
    if (target === undefined || variable?.kind !== 'ident') return { at: variable?.at ?? at, message: text }
    if (isAccumulator(variable.name)) return { at: variable.at, message: OVERWRITES }
    return expand(at, target, variable.name, args)
  }
}

function two(expand: (at: number, target: Expr, variables: readonly [string, string], args: readonly Expr[]) => Expr): Macro {
  return (at, target, args) => {
    const [first, second] = args
    if (target === undefined || first?.kind !== 'ident') return { at: first?.at ?? at, message: SIMPLE_TEXT }
    if (second?.kind !== 'ident') return { at: second?.at ?? at, message: SIMPLE_TEXT }
    if (first.name === second.name) return { at: second.at, message: `duplicate variable name: ${first.name}` }
    for (const { name, at: place } of [first, second]) if (isAccumulator(name)) return { at: place, message: OVERWRITES }
    return expand(at, target, [first.name, second.name], args)
  }
}

const isAccumulator = (name: string): boolean => name === ACCUMULATOR || name === '__result__'

// --- collecting

function mapped(at: number, target: Expr, variable: string, args: readonly Expr[]): Expr {
  const [, ...rest] = args
  return collect(at, target, [variable, undefined], rest, (value) => add1(at, listOf(at, value)))
}

function filtered(at: number, target: Expr, variable: string, args: readonly Expr[]): Expr {
  const [kept, predicate] = args
  const step = add1(at, listOf(at, kept as Expr))
  return loop(at, target, variable, undefined, collectBody(at, listOf(at), when(at, predicate as Expr, step, accumulator(at))))
}

/** `rest` is the value, or a filter and the value. */
function collect(
  at: number,
  target: Expr,
  [variable, second]: readonly [string, string | undefined],
  rest: readonly Expr[],
  grow: (value: Expr) => Expr,
  intoMap = false,
): Expr {
  const value = rest.at(-1) as Expr
  const step = grow(value)
  const filteredStep = rest.length === 2 ? when(at, rest[0] as Expr, step, accumulator(at)) : step
  const init: Expr = intoMap ? { kind: 'map', at, entries: [] } : listOf(at)
  return loop(at, target, variable, second, collectBody(at, init, filteredStep))
}

const collectBody = (at: number, init: Expr, step: Expr): Body => ({
  init,
  condition: literal(at, true),
  step,
  result: accumulator(at),
})

// --- names for values

/** A loop over nothing, whose accumulator is the name. */
function bind(at: number, name: string, value: Expr, inner: Expr): Comprehension {
  return {
    kind: 'comprehension',
    at,
    range: listOf(at),
    variable: '#unused',
    second: undefined,
    accumulator: name,
    init: value,
    condition: literal(at, false),
    step: ident(at, name),
    result: inner,
  }
}

function optional(name: string, wrap: (at: number, inner: Expr) => Expr): Macro {
  return (at, target, [variable, inner]) => {
    if (target === undefined || inner === undefined) return { kind: 'unexpanded' }
    if (variable?.kind !== 'ident') return { at: variable?.at ?? at, message: `${name}() variable name must be a simple identifier` }
    // Each level of nesting doubles what is inside.
    if (isLargerThan(target, MOST_COPIED)) return { at, message: `${name}() is applied to an expression that is too large` }
    const value = member(at, copyOf(target), 'value')
    return when(at, member(at, target, 'hasValue'), wrap(at, bind(at, variable.name, value, inner)), call(at, 'optional.none'))
  }
}

const MOST_COPIED = 10_000

function isLargerThan(expr: Expr, most: number): boolean {
  let left = most
  const waiting: Expr[] = [expr]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (left-- === 0) return true
    waiting.push(...partsOf(next))
  }
  return false
}

const SORT_INPUT = '@__sortBy_input__'

const sortBy: Macro = (at, target, args) => {
  if (target === undefined || target.kind === 'literal' || target.kind === 'map' || target.kind === 'struct') {
    const message = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression'
    return { at: target?.at ?? at, message }
  }
  const [variable, key] = args
  if (variable?.kind !== 'ident' || key === undefined) return { at: variable?.at ?? at, message: IDENTIFIER_TEXT }
  if (isAccumulator(variable.name)) return { at: variable.at, message: OVERWRITES }
  const keys = mapped(at, ident(at, SORT_INPUT), variable.name, [variable, key])
  return bind(at, SORT_INPUT, target, member(at, ident(at, SORT_INPUT), '@sortByAssociatedKeys', keys))
}

/** `cel.bind(name, value, expression)`: not in Kubernetes' environments. */
export const bindMacro: Macro = (at, target, [variable, value, inner]) => {
  if (target?.kind !== 'ident' || target.name !== 'cel') return { kind: 'unexpanded' }
  if (variable?.kind !== 'ident' || value === undefined || inner === undefined)
    return { at: variable?.at ?? at, message: 'cel.bind() variable names must be simple identifiers' }
  return bind(at, variable.name, value, inner)
}
