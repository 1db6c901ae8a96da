/** `$VAR`, `${VAR}`, `${VAR:-default}` and their kin, in one text. */
export interface Lookup {
  /** `undefined` where there is no such variable. */
  (name: string): string | undefined
}

export type Substituted =
  | { readonly kind: 'text'; readonly text: string; readonly unset: readonly string[] }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'missing'; readonly name: string; readonly message: string }

const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*/
const OPERATORS = [':-', ':+', ':?', '-', '+', '?'] as const
const MAX_DEPTH = 50

class Missing extends Error {
  readonly variable: string
  readonly detail: string
  constructor(variable: string, detail: string) {
    super(variable)
    this.variable = variable
    this.detail = detail
  }
}
class Malformed extends Error {}

/** A dollar that starts nothing stays; `$$` is one dollar. Defaults are substituted even where they are not used. */
export function substitute(template: string, lookup: Lookup): Substituted {
  const unset = new Set<string>()
  try {
    return { kind: 'text', text: expand(template, lookup, unset, 0), unset: [...unset] }
  } catch (error) {
    if (error instanceof Missing) return { kind: 'missing', name: error.variable, message: error.detail }
    if (error instanceof Malformed) return { kind: 'malformed' }
    throw error
  }
}

function expand(template: string, lookup: Lookup, unset: Set<string>, depth: number): string {
  if (depth > MAX_DEPTH) throw new Malformed()
  let out = ''
  let at = 0
  for (;;) {
    const dollar = template.indexOf('$', at)
    if (dollar < 0) return out + template.slice(at)
    out += template.slice(at, dollar)
    const rest = template.slice(dollar + 1)
    if (rest.startsWith('$')) {
      out += '$'
      at = dollar + 2
    } else if (rest.startsWith('{')) {
      const end = closingBrace(rest)
      if (end < 0) throw new Malformed()
      out += braced(rest.slice(1, end), lookup, unset, depth)
      at = dollar + 1 + end + 1
    } else {
      const name = NAME.exec(rest)?.[0]
      out += name === undefined ? '$' : valueOf(name, lookup, unset)
      at = dollar + 1 + (name?.length ?? 0)
    }
  }
}

/**
 * The brace that ends the one at the start; the character after an opening brace is never one. Where none does, it is the last of the line;
 * -1 where there is none.
 */
function closingBrace(text: string): number {
  let open = 0
  const line = text.indexOf('\n')
  const end = line < 0 ? text.length : line
  for (let at = 0; at < end; at++) {
    if (text[at] === '}' && --open === 0) return at
    if (text[at] === '{') {
      open++
      at++
    }
  }
  return text.lastIndexOf('}', end)
}

function braced(content: string, lookup: Lookup, unset: Set<string>, depth: number): string {
  const name = NAME.exec(content)?.[0]
  if (name === undefined) throw new Malformed()
  const rest = content.slice(name.length)
  if (rest === '') return valueOf(name, lookup, unset)
  const operator = OPERATORS.find((one) => rest.startsWith(one))
  if (operator === undefined) throw new Malformed()
  const word = expand(rest.slice(operator.length), lookup, unset, depth + 1)
  const value = lookup(name)
  const there = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
  if (operator.endsWith('+')) return there ? word : ''
  if (there) return value ?? ''
  if (operator.endsWith('-')) return word
  throw new Missing(name, word)
}

function valueOf(name: string, lookup: Lookup, unset: Set<string>): string {
  const value = lookup(name)
  if (value === undefined) unset.add(name)
  return value ?? ''
}
