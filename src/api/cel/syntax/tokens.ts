import type { Issue } from './issues.ts'

/** In the order in which messages list them. */
export const TOKENS = [
  '==',
  '!=',
  'in',
  '<',
  '<=',
  '>=',
  '>',
  '&&',
  '||',
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  '.',
  ',',
  '-',
  '!',
  '?',
  ':',
  '+',
  '*',
  '/',
  '%',
  'true',
  'false',
  'null',
  'NUM_FLOAT',
  'NUM_INT',
  'NUM_UINT',
  'STRING',
  'BYTES',
  'IDENTIFIER',
  'ESC_IDENTIFIER',
  'EOF',
] as const
export type TokenType = (typeof TOKENS)[number]

export interface Token {
  readonly type: TokenType
  readonly text: string
  /** In code points. */
  readonly at: number
  /** In code units, for cutting the source. */
  readonly from: number
  readonly to: number
}

const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?\u0060]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`
const STRING = [
  String.raw`"""(?:${ESCAPE}|[^\\])*?"""`,
  String.raw`'''(?:${ESCAPE}|[^\\])*?'''`,
  String.raw`"(?:${ESCAPE}|[^\\"\n\r])*"`,
  String.raw`'(?:${ESCAPE}|[^\\'\n\r])*'`,
  String.raw`[rR]"""[^]*?"""`,
  String.raw`[rR]'''[^]*?'''`,
  String.raw`[rR]"[^"\n\r]*"`,
  String.raw`[rR]'[^'\n\r]*'`,
].join('|')
const SPACE = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y
const RULES: readonly (readonly [TokenType | 'symbol' | 'word', RegExp])[] = [
  ['BYTES', new RegExp(`[bB](?:${STRING})`, 'y')],
  ['STRING', new RegExp(STRING, 'y')],
  ['NUM_FLOAT', /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y],
  ['NUM_UINT', /(?:0x[0-9a-fA-F]+|\d+)[uU]/y],
  ['NUM_INT', /(?:0x[0-9a-fA-F]+|\d+)/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['ESC_IDENTIFIER', /`[A-Za-z0-9_.\-/ ]+`/y],
  ['symbol', /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y],
]
const WORDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null'])

/** Cuts a text into tokens. What begins none is told and left out, up to and with the character that could not go on. */
export function tokensOf(source: string, issues: Issue[]): readonly Token[] {
  const tokens: Token[] = []
  let from = 0
  let at = 0
  const step = (to: number): void => {
    at += pointsBetween(source, from, to)
    from = to
  }
  while (from < source.length) {
    const space = matchAt(SPACE, source, from)
    if (space !== undefined) {
      step(from + space.length)
      continue
    }
    const token = tokenAt(source, from, at)
    if (token !== undefined) {
      tokens.push(token)
      step(token.to)
      continue
    }
    const end = Math.min(failureEnd(source, from), source.length)
    issues.push({ at, message: `Syntax error: token recognition error at: '${source.slice(from, end)}'` })
    step(end)
  }
  tokens.push({ type: 'EOF', text: '<EOF>', at, from, to: from })
  return tokens
}

function tokenAt(source: string, from: number, at: number): Token | undefined {
  for (const [rule, pattern] of RULES) {
    const text = matchAt(pattern, source, from)
    if (text === undefined) continue
    const type = rule === 'symbol' ? text : rule === 'word' ? (WORDS.has(text) ? text : 'IDENTIFIER') : rule
    return { type: type as TokenType, text, at, from, to: from + text.length }
  }
  return undefined
}

function matchAt(pattern: RegExp, source: string, from: number): string | undefined {
  pattern.lastIndex = from
  return pattern.exec(source)?.[0]
}

const BEFORE_QUOTE = /[bB]?(?:[rR]?)(?=["'])/y
const PLAIN_BODY: Readonly<Record<string, RegExp>> = {
  '"': new RegExp(String.raw`(?:${ESCAPE}|[^\\"\n\r])*`, 'y'),
  "'": new RegExp(String.raw`(?:${ESCAPE}|[^\\'\n\r])*`, 'y'),
}
const ESCAPE_START = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?|)/y

/** Just behind the character at which a token that began well could not go on. */
function failureEnd(source: string, from: number): number {
  const prefix = matchAt(BEFORE_QUOTE, source, from)
  const first = source.charAt(from)
  if (prefix === undefined) {
    const isHalf = first === '=' || first === '&' || first === '|'
    if (first === '`') return from + 1 + (matchAt(/[A-Za-z0-9_.\-/ ]*/y, source, from + 1)?.length ?? 0) + 1
    return from + (isHalf ? 1 + pointSize(source, from + 1) : pointSize(source, from))
  }
  const quoteAt = from + prefix.length
  const quote = source.charAt(quoteAt)
  const body = matchAt(PLAIN_BODY[quote] as RegExp, source, quoteAt + 1) ?? ''
  const stop = quoteAt + 1 + body.length
  if (source.charAt(stop) !== '\\') return stop + pointSize(source, stop)
  const escape = matchAt(ESCAPE_START, source, stop) ?? '\\'
  return stop + escape.length + pointSize(source, stop + escape.length)
}

function pointSize(source: string, at: number): number {
  const point = source.codePointAt(at)
  return point !== undefined && point > 0xffff ? 2 : 1
}

function pointsBetween(source: string, from: number, to: number): number {
  let count = to - from
  for (let i = from; i < to; i++) if (source.charCodeAt(i) >= 0xd800 && source.charCodeAt(i) < 0xdc00) count--
  return count
}
