import { labelValueErrors, qualifiedNameErrors } from '../validation/names.ts'
import {
  EVERYTHING,
  integerOf,
  type LabelSelector,
  labelSelector,
  type SelectorOperator,
  type SelectorRequirement,
  sortedOnce,
} from './selectors.ts'
import { statusError } from './status.ts'

/** Reads the `labelSelector` of a request. Throws a StatusError 400 in Kubernetes' words. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = new SelectorParser(tokensOf(text)).parse()
  return requirements.length === 0 ? EVERYTHING : labelSelector(requirements)
}

interface Token {
  readonly type: 'identifier' | 'end' | 'error' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin'
  readonly text: string
}

const SYMBOLS: readonly string[] = ['(', ')', ',', '!', '=', '==', '!=', '>', '<']
const isSymbol = (text: string): text is Token['type'] => SYMBOLS.includes(text)

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  for (const [, symbols = '', word = ''] of text.matchAll(/([()=,!<>]+)|([^()=,!<>\s]+)/g)) {
    if (word === 'in' || word === 'notin') tokens.push({ type: word, text: word })
    else if (word !== '') tokens.push({ type: 'identifier', text: word })
    for (let at = 0; at < symbols.length; ) {
      const two = symbols.slice(at, at + 2)
      const symbol = two.length === 2 && isSymbol(two) ? two : symbols.charAt(at)
      tokens.push(isSymbol(symbol) ? { type: symbol, text: symbol } : { type: 'error', text: symbol })
      at += symbol.length
    }
  }
  return tokens
}

const END: Token = { type: 'end', text: '' }
const refuse = (message: string): Error => statusError.badRequest(message)

class SelectorParser {
  readonly #tokens: readonly Token[]
  #at = 0
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): SelectorRequirement[] {
    const requirements: SelectorRequirement[] = []
    if (this.#peek().type === 'end') return requirements
    if (!this.#startsRequirement()) throw refuse(`found '${this.#peek().text}', expected: !, identifier, or 'end of string'`)
    for (;;) {
      requirements.push(this.#requirement())
      const after = this.#next()
      if (after.type === 'end') return requirements
      if (after.type !== ',') throw refuse(`found '${after.text}', expected: ',' or 'end of string'`)
      if (!this.#startsRequirement()) throw refuse(`found '${this.#peek().text}', expected: identifier after ','`)
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END
  }
  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }
  #startsRequirement(): boolean {
    return isWord(this.#peek()) || this.#peek().type === '!'
  }

  #requirement(): SelectorRequirement {
    const negated = this.#peek().type === '!'
    if (negated) this.#next()
    const key = this.#word()
    const keyErrors = qualifiedNameErrors(key)
    if (keyErrors.length > 0) throw unparsed(invalid('<nil>', key, keyErrors))
    if (negated) return { key, operator: '!', values: [] }
    const { type } = this.#peek()
    if (type === 'end' || type === ',') return { key, operator: 'exists', values: [] }
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()]
    checkValues(key, operator, values)
    return { key, operator, values }
  }

  #operator(): SelectorOperator {
    const { type, text } = this.#next()
    switch (type) {
      case 'in':
      case 'notin':
      case '=':
      case '==':
      case '!=':
        return type
      case '>':
        return 'gt'
      case '<':
        return 'lt'
      default:
        throw unparsed(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`)
    }
  }

  #word(): string {
    const token = this.#next()
    if (!isWord(token)) throw unparsed(`found '${token.text}', expected: identifier`)
    return token.text
  }

  #value(): string {
    const { type } = this.#peek()
    return type === 'end' || type === ',' ? '' : this.#word()
  }

  /** `(a,b)`. Nothing between two commas, or between a comma and a bracket, is the empty value. */
  #values(): string[] {
    const open = this.#next()
    if (open.type !== '(') throw unparsed(`found '${open.text}' expected: '('`)
    const first = this.#peek()
    if (!isWord(first) && first.type !== ',' && first.type !== ')')
      throw unparsed(`found '${first.text}', expected: ',', ')' or identifier`)
    const values: string[] = []
    for (;;) {
      const token = this.#peek()
      if (isWord(token)) values.push(this.#next().text)
      else if (token.type === ',' || token.type === ')') values.push('')
      else throw unparsed(`found '${token.text}', expected: ',', or identifier`)
      const after = this.#next()
      if (after.type === ')') return sortedOnce(values)
      if (after.type !== ',') throw unparsed(`found '${after.text}', expected: ',' or ')'`)
    }
  }
}

/** The keywords are ordinary words where a key or a value stands. */
function isWord(token: Token): boolean {
  return token.type === 'identifier' || token.type === 'in' || token.type === 'notin'
}

const unparsed = (message: string): Error => refuse(`unable to parse requirement: ${message}`)
const invalid = (field: string, value: string, messages: readonly string[]): string =>
  `${field}: Invalid value: ${JSON.stringify(value)}: ${messages.join('; ')}`

function checkValues(key: string, operator: SelectorOperator, values: readonly string[]): void {
  const errors: string[] = []
  if (operator === 'gt' || operator === 'lt') {
    values.forEach((value, at) => {
      if (integerOf(value) === undefined)
        errors.push(invalid(`values[${at}]`, value, ["for 'Gt', 'Lt' operators, the value must be an integer"]))
    })
  }
  values.forEach((value, at) => {
    const messages = labelValueErrors(value)
    if (messages.length > 0) errors.push(invalid(`values[${at}][${key}]`, value, messages))
  })
  if (errors.length > 0) throw unparsed(errors.length === 1 ? errors.join('') : `[${errors.join(', ')}]`)
}
