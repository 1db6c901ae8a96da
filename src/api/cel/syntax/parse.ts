import type { Expr } from './ast.ts'
import { codePointLength, type Issue, NOWHERE } from './issues.ts'
import { Builder } from './build.ts'
import { FIRST, type Follow, FOLLOW, RELATIONS } from './grammar.ts'
import type { MacroTable } from './macros.ts'
import { GaveUp, Mismatch, TokenReader, TOO_DEEP } from './reader.ts'
import { type Token, type TokenType, tokensOf } from './tokens.ts'

const LONGEST_EXPRESSION = 100_000

export interface Parsed {
  readonly expr: Expr
  readonly issues: readonly Issue[]
}

/**
 * Reads an expression. Mistakes are told in the words of the parser that the field uses, and reading goes on behind them, so that
 * several can be told at once.
 */
export function parse(source: string, macros: MacroTable): Parsed {
  const issues: Issue[] = []
  const length = codePointLength(source)
  if (length > LONGEST_EXPRESSION) {
    issues.push({
      at: NOWHERE,
      message: `expression code point size exceeds limit: size: ${length}, limit ${LONGEST_EXPRESSION}`,
    })
    return { expr: { kind: 'broken', at: 0 }, issues }
  }
  const parser = new Parser(source, tokensOf(source, issues), macros, issues)
  return { expr: parser.start(), issues }
}

class Parser extends TokenReader {
  readonly #build: Builder

  constructor(source: string, tokens: readonly Token[], macros: MacroTable, issues: Issue[]) {
    super(source, tokens, issues)
    this.#build = new Builder(macros, issues)
  }

  start(): Expr {
    let expr: Expr = { kind: 'broken', at: 0 }
    try {
      expr = this.#expr(FOLLOW.end)
      this.match('EOF', FOLLOW.nothing)
    } catch (failure) {
      if (failure instanceof Mismatch) this.tell(failure.message)
      // The stack may be short before the limit is reached.
      else if (failure instanceof RangeError) this.issues.push({ at: NOWHERE, message: TOO_DEEP })
      else if (!(failure instanceof GaveUp)) throw failure
    }
    return expr
  }

  #expr(follow: Follow): Expr {
    let done: Expr | undefined
    return this.rule(
      'expr',
      follow,
      () => {
        done = this.#or(FOLLOW.condition)
        if (!this.is('?')) return done
        const op = this.matched()
        const yes = this.#or(FOLLOW.colon)
        this.match(':', FOLLOW.expression)
        const no = this.#expr(FOLLOW.ended)
        return this.#build.conditional(op, done, yes, no)
      },
      () => done ?? this.broken(),
    )
  }

  #or(follow: Follow): Expr {
    return this.#chain('or', '||', follow, () => this.#and())
  }
  #and(): Expr {
    return this.#chain('and', '&&', FOLLOW.or, () => this.#relation())
  }

  #chain(name: 'or' | 'and', type: '||' | '&&', follow: Follow, term: () => Expr): Expr {
    const terms: Expr[] = []
    const ops: Token[] = []
    return this.rule(
      name,
      follow,
      () => {
        terms.push(term())
        while (this.is(type)) {
          ops.push(this.matched())
          terms.push(term())
        }
        return this.#build.logic(type, terms, ops)
      },
      () => this.#build.logic(type, terms, ops),
    )
  }

  #relation(): Expr {
    let left: Expr | undefined
    return this.rule(
      'relation',
      FOLLOW.and,
      () => {
        left = this.#calc(FOLLOW.relation, 0)
        while (RELATIONS.has(this.token().type)) {
          const op = this.matched()
          this.deeper('relation')
          left = this.#build.binary(op, left, this.#calc(FOLLOW.relation, 0))
        }
        return left
      },
      () => left ?? this.broken(),
    )
  }

  /** `level` 0 reads sums of products, 1 products. */
  #calc(follow: Follow, level: 0 | 1): Expr {
    let left: Expr | undefined
    const name = level === 0 ? 'calc' : 'product'
    return this.rule(
      name,
      follow,
      () => {
        left = level === 0 ? this.#calc(FOLLOW.calc, 1) : this.#unary()
        const types: readonly TokenType[] = level === 0 ? ['+', '-'] : ['*', '/', '%']
        while (types.includes(this.token().type)) {
          const op = this.matched()
          this.deeper(name)
          left = this.#build.binary(op, left, level === 0 ? this.#calc(FOLLOW.calc, 1) : this.#unary())
        }
        return left
      },
      () => left ?? this.broken(),
    )
  }

  #unary(): Expr {
    return this.rule(
      'unary',
      FOLLOW.calc,
      () => {
        this.sync(FIRST.unary)
        if (this.is('!')) return this.#nots()
        if (!this.is('-') || this.is('NUM_INT', 1) || this.is('NUM_FLOAT', 1)) return this.#member()
        const ops: Token[] = []
        do {
          if (!FIRST.member.has(this.token(1).type)) {
            this.offending = this.token(1)
            throw this.noBranch(this.token(), this.token(1))
          }
          ops.push(this.matched())
        } while (this.is('-'))
        return this.#build.repeated('-', ops, this.#member())
      },
      () => this.broken(),
    )
  }

  #nots(): Expr {
    const ops: Token[] = []
    while (this.is('!')) ops.push(this.matched())
    this.expectAfterRepeat(FIRST.member, FIRST.unary)
    return this.#build.repeated('!', ops, this.#member())
  }

  #member(): Expr {
    let operand: Expr | undefined
    return this.rule(
      'member',
      FOLLOW.ended,
      () => {
        operand = this.#primary()
        while (this.is('.') || this.is('[')) {
          this.deeper('member')
          operand = this.is('.') ? this.#dotted(operand) : this.#indexed(operand)
        }
        return operand
      },
      () => operand ?? this.broken(),
    )
  }

  #dotted(operand: Expr): Expr {
    const [name, open] = [this.token(1), this.token(2)]
    if (name.type !== '?' && name.type !== 'IDENTIFIER' && name.type !== 'ESC_IDENTIFIER') {
      this.offending = name
      throw this.noBranch(this.token(), name)
    }
    const dot = this.matched()
    if (name.type === 'IDENTIFIER' && open.type === '(') {
      this.matched()
      this.matched()
      const args = this.#args()
      this.match(')', FOLLOW.memberEnd)
      return this.#build.memberCall(operand, name, open, args)
    }
    const isOptional = name.type === '?'
    if (isOptional) this.matched()
    this.sync(FIRST.name)
    const field = this.matched()
    return isOptional ? this.#build.optionalSelect(dot, operand, field) : this.#build.select(dot, operand, field)
  }

  #indexed(operand: Expr): Expr {
    const open = this.matched()
    this.sync(FIRST.optionalExpression)
    const isOptional = this.is('?')
    if (isOptional) this.matched()
    const index = this.#expr(FOLLOW.bracket)
    this.match(']', FOLLOW.memberEnd)
    return this.#build.index(open, operand, index, isOptional)
  }

  #args(): Expr[] {
    const args: Expr[] = []
    this.sync(FIRST.args)
    if (!FIRST.expression.has(this.token().type)) return args
    this.rule(
      'list',
      FOLLOW.paren,
      () => {
        args.push(this.#expr(FOLLOW.comma))
        while (this.is(',')) {
          this.matched()
          args.push(this.#expr(FOLLOW.comma))
        }
      },
      () => undefined,
    )
    return args
  }

  #primary(): Expr {
    return this.rule(
      'primary',
      FOLLOW.member,
      () => {
        this.sync(FIRST.member)
        const token = this.token()
        switch (token.type) {
          case '.':
          case 'IDENTIFIER':
            return this.#named()
          case '(':
            return this.#nested()
          case '[':
            return this.#list()
          case '{':
            return this.#map()
          default:
            return this.#literal()
        }
      },
      () => this.broken(),
    )
  }

  #named(): Expr {
    const dot = this.is('.') ? this.token() : undefined
    const offset = dot === undefined ? 0 : 1
    if (!this.is('IDENTIFIER', offset)) {
      this.offending = this.token(offset)
      throw this.noBranch(this.token(), this.token(offset))
    }
    if (dot !== undefined) this.matched()
    const name = this.token()
    const start = dot ?? name
    if (this.is('(', 1)) {
      this.matched()
      const open = this.matched()
      const args = this.#args()
      this.match(')', FOLLOW.memberEnd)
      return this.#build.call(start, dot !== undefined, name, open, args)
    }
    let dots = 0
    while (this.is('.', 1 + 2 * dots) && this.is('IDENTIFIER', 2 + 2 * dots)) dots++
    if (this.is('{', 1 + 2 * dots)) return this.#struct(dot !== undefined, 1 + 2 * dots)
    this.matched()
    return this.#build.ident(start, dot !== undefined, name)
  }

  #nested(): Expr {
    this.matched()
    const inner = this.#expr(FOLLOW.paren)
    this.match(')', FOLLOW.memberEnd)
    return inner
  }

  #list(): Expr {
    const open = this.matched()
    const elements: { value: Expr; optional: boolean }[] = []
    this.sync(FIRST.listStart)
    if (FIRST.optionalExpression.has(this.token().type)) {
      this.#entries(FOLLOW.listRest, FIRST.optionalExpression, () => elements.push(this.#optional(FOLLOW.comma)))
    }
    this.#close(FIRST.listEnd, ']')
    return { kind: 'list', at: open.at, elements }
  }

  #map(): Expr {
    const open = this.matched()
    const entries: { key: Expr; value: Expr; optional: boolean }[] = []
    this.sync(FIRST.mapStart)
    if (FIRST.optionalExpression.has(this.token().type)) {
      this.#entries(FOLLOW.mapRest, FIRST.optionalExpression, () => {
        const key = this.#optional(FOLLOW.colon)
        this.match(':', FOLLOW.expression)
        entries.push({ key: key.value, value: this.#expr(FOLLOW.comma), optional: key.optional })
      })
    }
    this.#close(FIRST.mapEnd, '}')
    return { kind: 'map', at: open.at, entries }
  }

  #struct(isAbsolute: boolean, nameTokens: number): Expr {
    let name = isAbsolute ? '.' : ''
    for (let i = 0; i < nameTokens; i++) name += this.matched().text
    const open = this.matched()
    const fields: { at: number; name: string; value: Expr; optional: boolean }[] = []
    this.sync(FIRST.structStart)
    if (FIRST.optionalName.has(this.token().type)) {
      this.#entries(FOLLOW.mapRest, FIRST.optionalName, () => {
        this.sync(FIRST.optionalName)
        const optional = this.is('?')
        if (optional) this.matched()
        this.sync(FIRST.name)
        const field = this.matched()
        const colon = this.match(':', FOLLOW.expression)
        const value = this.#expr(FOLLOW.comma)
        fields.push({ at: colon?.at ?? field.at, name: this.#build.fieldName(field), value, optional })
      })
    }
    this.#close(FIRST.mapEnd, '}')
    return { kind: 'struct', at: open.at, typeName: name, fields }
  }

  #optional(follow: Follow): { value: Expr; optional: boolean } {
    this.sync(FIRST.optionalExpression)
    const optional = this.is('?')
    if (optional) this.matched()
    return { value: this.#expr(follow), optional }
  }

  /** One entry and more behind commas; a comma that nothing follows is left to the bracket. */
  #entries(follow: Follow, first: ReadonlySet<TokenType>, entry: () => void): void {
    this.rule(
      'list',
      follow,
      () => {
        entry()
        while (this.is(',') && first.has(this.token(1).type)) {
          this.matched()
          entry()
        }
      },
      () => undefined,
    )
  }

  #close(wanted: ReadonlySet<TokenType>, bracket: ']' | '}'): void {
    this.sync(wanted)
    if (this.is(',')) this.matched()
    this.match(bracket, FOLLOW.memberEnd)
  }

  #literal(): Expr {
    const sign = this.is('-') ? this.matched() : undefined
    return this.#build.literal(sign, this.matched())
  }
}
