import type { Expr } from './ast.ts'
import { FOLLOW, type Follow } from './grammar.ts'
import { type Issue, NOWHERE } from './issues.ts'
import { type Token, TOKENS, type TokenType } from './tokens.ts'

const DEEPEST = 250
export const TOO_DEEP = `expression recursion limit exceeded: ${DEEPEST}`
const MOST_RECOVERIES = 30
const MOST_REPORTS = 100

/** A rule cannot go on; it is caught by the rule, which then looks for a token that may follow it. */
export class Mismatch extends Error {}
/** Nothing more is read. */
export class GaveUp extends Error {}

type RuleName = 'expr' | 'or' | 'and' | 'relation' | 'calc' | 'product' | 'unary' | 'member' | 'primary' | 'list'

/** Goes over tokens rule by rule. Mistakes are told once each; reading goes on at a token that may follow a rule that is being read. */
export abstract class TokenReader {
  readonly #source: string
  readonly #tokens: readonly Token[]
  protected readonly issues: Issue[]
  readonly #follow: Follow[] = []
  readonly #depths = new Map<RuleName, number>()
  #next = 0
  #isRecovering = false
  #recoveries = 0
  #reports = 0
  #lastErrorAt = -1

  constructor(source: string, tokens: readonly Token[], issues: Issue[]) {
    this.#source = source
    this.#tokens = tokens
    this.issues = issues
  }

  // --- tokens

  protected token(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token
  }
  protected is(type: TokenType, ahead = 0): boolean {
    return this.token(ahead).type === type
  }
  #take(): Token {
    const token = this.token()
    if (this.#next < this.#tokens.length - 1) this.#next++
    return token
  }
  protected matched(): Token {
    this.#isRecovering = false
    this.#lastErrorAt = -1
    return this.#take()
  }

  /** Takes the one token that must come. `after`: what may follow it, by which a missing token is told from a wrong one. */
  protected match(type: TokenType, after: Follow): Token | undefined {
    if (this.is(type)) return this.matched()
    this.#countRecovery()
    const wanted = new Set([type])
    if (this.#dropOne(wanted)) return this.matched()
    if (after !== FOLLOW.nothing && this.#mayFollow(after).has(this.token().type)) {
      this.tell(`missing ${shown(wanted)} at ${quoted(this.token())}`)
      return undefined
    }
    throw this.#mismatch(wanted)
  }

  /** Before a choice: a token that begins none of the branches is left out when the one behind it does. */
  protected sync(wanted: ReadonlySet<TokenType>): void {
    if (this.#isRecovering || wanted.has(this.token().type)) return
    if (!this.#dropOne(wanted)) throw this.#mismatch(wanted)
  }

  #dropOne(wanted: ReadonlySet<TokenType>): boolean {
    if (!wanted.has(this.token(1).type) || this.is('EOF')) return false
    this.tell(`extraneous input ${quoted(this.token())} expecting ${shown(wanted)}`)
    this.#take()
    this.#isRecovering = false
    return true
  }

  /** Behind something that may be repeated: what is wrong is told, and the next rule goes on from there. */
  protected expectAfterRepeat(allowed: ReadonlySet<TokenType>, shownAs: ReadonlySet<TokenType>): void {
    if (!allowed.has(this.token().type)) this.tell(`extraneous input ${quoted(this.token())} expecting ${shown(shownAs)}`)
  }

  /** All tokens that may come where a rule ends, as far as rules may end there. */
  #mayFollow(after: Follow): Set<TokenType> {
    const tokens = new Set(after.tokens)
    for (let i = this.#follow.length - 1, isOpen = after.mayEnd; isOpen && i >= 0; i--) {
      const follow = this.#follow[i] as Follow
      for (const type of follow.tokens) tokens.add(type)
      isOpen = follow.mayEnd
    }
    return tokens
  }

  // --- mistakes

  #mismatch(wanted: ReadonlySet<TokenType>): Mismatch {
    return new Mismatch(`mismatched input ${quoted(this.token())} expecting ${shown(wanted)}`)
  }

  /** None of the branches goes on like this. */
  protected noBranch(from: Token, to: Token): Mismatch {
    const text = this.#source.slice(from.from, to.to)
    if (to.type === 'true' || to.type === 'false' || to.type === 'null') {
      if (text.length === to.text.length + 1) return new Mismatch(`mismatched input '${to.text}' expecting IDENTIFIER`)
    }
    return new Mismatch(`no viable alternative at input '${escaped(text)}'`)
  }

  protected tell(text: string, at = this.token().at): void {
    if (this.#isRecovering) return
    this.#isRecovering = true
    if (this.#reports++ >= MOST_REPORTS) {
      this.issues.push({ at, message: `Syntax error: More than ${MOST_REPORTS} syntax errors` })
      throw new GaveUp()
    }
    this.issues.push({ at, message: `Syntax error: ${text}` })
  }

  #countRecovery(): void {
    if (this.#recoveries++ < MOST_RECOVERIES) return
    this.issues.push({
      at: this.token().at,
      message: `Syntax error: error recovery attempt limit exceeded: ${MOST_RECOVERIES}`,
    })
    throw new GaveUp()
  }

  /** Skips to a token that may follow one of the rules that are being read. */
  #recover(): void {
    this.#countRecovery()
    if (this.#lastErrorAt === this.#next) this.#take()
    this.#lastErrorAt = this.#next
    const stops = new Set<TokenType>()
    for (const { tokens } of this.#follow) for (const type of tokens) stops.add(type)
    while (!this.is('EOF') && !stops.has(this.token().type)) this.#take()
  }

  // --- rules

  protected rule<T>(name: RuleName, follow: Follow, read: () => T, otherwise: () => T): T {
    const before = this.#depths.get(name) ?? 0
    this.deeper(name)
    this.#follow.push(follow)
    let lookAt: Token | undefined
    try {
      return read()
    } catch (failure) {
      if (!(failure instanceof Mismatch)) throw failure
      lookAt = this.offending
      this.offending = undefined
      this.tell(failure.message, lookAt?.at)
      this.#recover()
      return otherwise()
    } finally {
      this.#follow.pop()
      this.#depths.set(name, before)
    }
  }
  /** The token that a failure is about, when it is not the next one. */
  protected offending: Token | undefined

  protected deeper(name: RuleName): void {
    const depth = (this.#depths.get(name) ?? 0) + 1
    this.#depths.set(name, depth)
    if (depth <= DEEPEST) return
    this.issues.push({ at: NOWHERE, message: TOO_DEEP })
    throw new GaveUp()
  }

  protected broken(): Expr {
    return { kind: 'broken', at: this.token().at }
  }
}

function quoted(token: Token): string {
  return `'${token.type === 'EOF' ? '<EOF>' : escaped(token.text)}'`
}
function escaped(text: string): string {
  return text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
}

/** Tokens as messages list them: symbols quoted, classes by their names. */
function shown(types: ReadonlySet<TokenType>): string {
  const names = TOKENS.filter((type) => types.has(type)).map((type) =>
    type === 'EOF' ? '<EOF>' : /^[A-Z]/.test(type) ? type : `'${type}'`,
  )
  return names.length === 1 ? (names[0] ?? '') : `{${names.join(', ')}}`
}
