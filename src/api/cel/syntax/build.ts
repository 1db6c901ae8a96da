import { Double, Uint } from '../values/numbers.ts'
import type { Value } from '../values/value.ts'
import { type Expr, OPERATORS } from './ast.ts'
import type { Issue } from './issues.ts'
import { unquote, unquoteBytes } from './literals.ts'
import { type MacroTable, macroKey } from './macros.ts'
import type { Token } from './tokens.ts'

const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(' '),
)
const BINARY: Readonly<Record<string, string>> = { in: OPERATORS.in }
const MAX_INT = 2n ** 63n - 1n
const MIN_INT = -(2n ** 63n)
const MAX_UINT = 2n ** 64n - 1n

/** Makes the nodes of an expression out of what has been read, macros expanded. */
export class Builder {
  readonly #macros: MacroTable
  readonly #issues: Issue[]

  constructor(macros: MacroTable, issues: Issue[]) {
    this.#macros = macros
    this.#issues = issues
  }

  conditional(op: Token, condition: Expr, yes: Expr, no: Expr): Expr {
    return { kind: 'call', at: op.at, name: OPERATORS.conditional, target: undefined, args: [condition, yes, no] }
  }
  binary(op: Token, left: Expr, right: Expr): Expr {
    return { kind: 'call', at: op.at, name: BINARY[op.type] ?? `_${op.type}_`, target: undefined, args: [left, right] }
  }

  /** A long chain becomes a balanced tree, so that its depth stays small. */
  logic(type: '||' | '&&', terms: readonly Expr[], ops: readonly Token[]): Expr {
    const first = terms[0]
    if (first === undefined) return { kind: 'broken', at: 0 }
    if (terms.length === 1) return first
    const middle = Math.ceil(terms.length / 2)
    return {
      kind: 'call',
      at: ops[middle - 1]?.at ?? first.at,
      name: type === '||' ? OPERATORS.or : OPERATORS.and,
      target: undefined,
      args: [this.logic(type, terms.slice(0, middle), ops.slice(0, middle - 1)), this.logic(type, terms.slice(middle), ops.slice(middle))],
    }
  }

  /** `!!a` is `a`. */
  repeated(type: '!' | '-', ops: readonly Token[], operand: Expr): Expr {
    const first = ops[0]
    if (first === undefined || ops.length % 2 === 0) return operand
    const name = type === '!' ? OPERATORS.not : OPERATORS.negate
    return { kind: 'call', at: first.at, name, target: undefined, args: [operand] }
  }

  select(dot: Token, operand: Expr, field: Token): Expr {
    return { kind: 'select', at: dot.at, operand, field: this.fieldName(field), testOnly: false }
  }
  optionalSelect(dot: Token, operand: Expr, field: Token): Expr {
    const name: Expr = { kind: 'literal', at: field.at, value: this.fieldName(field) }
    return { kind: 'call', at: dot.at, name: OPERATORS.optSelect, target: undefined, args: [operand, name] }
  }
  fieldName(field: Token): string {
    if (field.type !== 'ESC_IDENTIFIER') return field.text
    this.#tell(field.at, "unsupported syntax: '`'")
    return field.text.slice(1, -1)
  }
  index(open: Token, operand: Expr, index: Expr, isOptional: boolean): Expr {
    const name = isOptional ? OPERATORS.optIndex : OPERATORS.index
    return { kind: 'call', at: open.at, name, target: undefined, args: [operand, index] }
  }

  ident(start: Token, isAbsolute: boolean, name: Token): Expr {
    if (RESERVED.has(name.text)) return this.#tell(start.at, `reserved identifier: ${name.text}`)
    return { kind: 'ident', at: name.at, name: isAbsolute ? `.${name.text}` : name.text }
  }
  call(start: Token, isAbsolute: boolean, name: Token, open: Token, args: readonly Expr[]): Expr {
    if (RESERVED.has(name.text)) return this.#tell(start.at, `reserved identifier: ${name.text}`)
    return this.#callOrMacro(open.at, isAbsolute ? `.${name.text}` : name.text, undefined, args)
  }
  memberCall(target: Expr, name: Token, open: Token, args: readonly Expr[]): Expr {
    return this.#callOrMacro(open.at, name.text, target, args)
  }
  #callOrMacro(at: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr {
    const macro = this.#macros.get(macroKey(name, args.length, target !== undefined))
    if (macro !== undefined && !args.some(({ kind }) => kind === 'broken')) {
      const expanded = macro(at, target, args)
      if ('message' in expanded) return this.#tell(expanded.at, expanded.message)
      if (expanded.kind !== 'unexpanded') return expanded
    }
    return { kind: 'call', at, name, target, args }
  }

  literal(sign: Token | undefined, token: Token): Expr {
    const at = (sign ?? token).at
    const value = this.#valueOf(sign === undefined ? '' : '-', token, at)
    return value === undefined ? { kind: 'broken', at } : { kind: 'literal', at, value }
  }

  #valueOf(sign: string, { type, text }: Token, at: number): Value | undefined {
    switch (type) {
      case 'true':
      case 'false':
        return type === 'true'
      case 'null':
        return null
      case 'NUM_INT': {
        const number = sign === '' ? BigInt(text) : -BigInt(text)
        if (number < MIN_INT || number > MAX_INT) return this.#bad(at, 'invalid int literal')
        return number >= BigInt(Number.MIN_SAFE_INTEGER) && number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number
      }
      case 'NUM_UINT': {
        const number = BigInt(text.slice(0, -1))
        return number > MAX_UINT ? this.#bad(at, 'invalid uint literal') : new Uint(number)
      }
      case 'NUM_FLOAT': {
        const number = Number(sign + text)
        return Number.isFinite(number) ? new Double(number) : this.#bad(at, 'invalid double literal')
      }
      case 'STRING':
        return unquote(text) ?? this.#bad(at, 'invalid unicode code point')
      default:
        return unquoteBytes(text.slice(1)) ?? this.#bad(at, 'unable to unescape string')
    }
  }

  #bad(at: number, message: string): undefined {
    this.#tell(at, message)
    return undefined
  }
  #tell(at: number, message: string): Expr {
    this.#issues.push({ at, message })
    return { kind: 'broken', at }
  }
}
