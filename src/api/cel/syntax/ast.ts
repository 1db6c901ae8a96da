import type { Value } from '../values/value.ts'

/** An expression. `at` is the place that messages point to: the operator, the opening bracket of a call, the dot of a selection. */
export type Expr = Literal | Ident | Select | Call | ListExpr | MapExpr | StructExpr | Comprehension | Broken

export interface Literal {
  readonly kind: 'literal'
  readonly at: number
  readonly value: Value
}
export interface Ident {
  readonly kind: 'ident'
  readonly at: number
  readonly name: string
}
export interface Select {
  readonly kind: 'select'
  readonly at: number
  readonly operand: Expr
  readonly field: string
  /** `has(a.b)`: whether the field is there, not what it is. */
  readonly testOnly: boolean
}
export interface Call {
  readonly kind: 'call'
  readonly at: number
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
}
export interface ListExpr {
  readonly kind: 'list'
  readonly at: number
  readonly elements: readonly Element[]
}
export interface Element {
  readonly value: Expr
  readonly optional: boolean
}
export interface MapExpr {
  readonly kind: 'map'
  readonly at: number
  readonly entries: readonly MapEntry[]
}
export interface MapEntry {
  readonly key: Expr
  readonly value: Expr
  readonly optional: boolean
}
export interface StructExpr {
  readonly kind: 'struct'
  readonly at: number
  readonly typeName: string
  readonly fields: readonly StructField[]
}
export interface StructField {
  readonly at: number
  readonly name: string
  readonly value: Expr
  readonly optional: boolean
}
/** What the macros become: a loop with an accumulator. */
export interface Comprehension {
  readonly kind: 'comprehension'
  readonly at: number
  readonly range: Expr
  readonly variable: string
  /** Of two-variable loops: the first is then key or index, this one the value. */
  readonly second: string | undefined
  readonly accumulator: string
  readonly init: Expr
  readonly condition: Expr
  readonly step: Expr
  readonly result: Expr
}
/** Stands where there was a mistake; never evaluated. */
export interface Broken {
  readonly kind: 'broken'
  readonly at: number
}

/** Names that no expression can contain. */
export const ACCUMULATOR = '@result'
export const OPERATORS = {
  conditional: '_?_:_',
  and: '_&&_',
  or: '_||_',
  not: '!_',
  negate: '-_',
  equals: '_==_',
  add: '_+_',
  index: '_[_]',
  optIndex: '_[?_]',
  optSelect: '_?._',
  in: '@in',
  notStrictlyFalse: '@not_strictly_false',
} as const

/** The parts of an expression, in the order in which they are read. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand]
    case 'call':
      return expr.target === undefined ? expr.args : [expr.target, ...expr.args]
    case 'list':
      return expr.elements.map(({ value }) => value)
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return expr.fields.map(({ value }) => value)
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result]
    default:
      return []
  }
}

/** A copy whose nodes are others: what is known of a node is kept by its identity. */
export function copyOf<E extends Expr>(expr: E): E
export function copyOf(expr: Expr): Expr {
  switch (expr.kind) {
    case 'select':
      return { ...expr, operand: copyOf(expr.operand) }
    case 'call':
      return { ...expr, target: expr.target === undefined ? undefined : copyOf(expr.target), args: expr.args.map((arg) => copyOf(arg)) }
    case 'list':
      return { ...expr, elements: expr.elements.map(({ value, optional }) => ({ value: copyOf(value), optional })) }
    case 'map':
      return {
        ...expr,
        entries: expr.entries.map(({ key, value, optional }) => ({ key: copyOf(key), value: copyOf(value), optional })),
      }
    case 'struct':
      return { ...expr, fields: expr.fields.map((field) => ({ ...field, value: copyOf(field.value) })) }
    case 'comprehension':
      return {
        ...expr,
        range: copyOf(expr.range),
        init: copyOf(expr.init),
        condition: copyOf(expr.condition),
        step: copyOf(expr.step),
        result: copyOf(expr.result),
      }
    default:
      return { ...expr }
  }
}
