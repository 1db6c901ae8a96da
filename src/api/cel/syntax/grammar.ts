import type { TokenType } from './tokens.ts'

/** Which tokens begin what, and which may follow: what the parser decides by and what its messages name. */
const set = (...types: TokenType[]): ReadonlySet<TokenType> => new Set(types)

const OPERAND: readonly TokenType[] = [
  '[',
  '{',
  '(',
  '.',
  '-',
  'true',
  'false',
  'null',
  'NUM_FLOAT',
  'NUM_INT',
  'NUM_UINT',
  'STRING',
  'BYTES',
  'IDENTIFIER',
]

export const FIRST = {
  member: set(...OPERAND),
  unary: set(...OPERAND, '!'),
  expression: set(...OPERAND, '!'),
  optionalExpression: set(...OPERAND, '!', '?'),
  args: set(...OPERAND, '!', ')'),
  listStart: set(...OPERAND, '!', '?', ',', ']'),
  mapStart: set(...OPERAND, '!', '?', ',', '}'),
  structStart: set('}', ',', '?', 'IDENTIFIER', 'ESC_IDENTIFIER'),
  listEnd: set(',', ']'),
  mapEnd: set(',', '}'),
  name: set('IDENTIFIER', 'ESC_IDENTIFIER'),
  optionalName: set('?', 'IDENTIFIER', 'ESC_IDENTIFIER'),
} as const

export const RELATIONS = set('==', '!=', 'in', '<', '<=', '>=', '>')

/** What may come behind a rule or token, and whether the rule around it may end there too. */
export interface Follow {
  readonly tokens: ReadonlySet<TokenType>
  readonly mayEnd: boolean
}
const open = (...types: TokenType[]): Follow => ({ tokens: set(...types), mayEnd: true })
const closed = (...types: TokenType[]): Follow => ({ tokens: set(...types), mayEnd: false })

export const FOLLOW = {
  nothing: closed(),
  ended: open(),
  end: closed('EOF'),
  condition: open('?'),
  colon: closed(':'),
  comma: open(','),
  paren: closed(')'),
  bracket: closed(']'),
  or: open('||'),
  and: open('&&'),
  relation: open('==', '!=', 'in', '<', '<=', '>=', '>'),
  calc: open('*', '/', '%', '+', '-'),
  member: open('.', '['),
  memberEnd: open(),
  listRest: closed(',', ']'),
  mapRest: closed(',', '}'),
  expression: closed(...OPERAND, '!'),
} as const
