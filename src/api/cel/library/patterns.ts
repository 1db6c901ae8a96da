import { RE2JS } from 're2js'
import { ArrayList } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import type { Int } from '../values/numbers.ts'
import type { Outcome } from '../values/value.ts'
import type { Library } from '../types/functions.ts'

/** Why a pattern cannot be read, in the words of Go's regexp. */
function compile(pattern: string): RE2JS | CelError {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    return new CelError(error instanceof Error ? error.message : String(error))
  }
}

/** Functions that take a pattern are made once for a pattern that stands in the expression. */
export interface PatternFunction {
  readonly name: string
  readonly withPattern: (pattern: RE2JS) => (text: string, limit?: Int) => Outcome
}

const matches: PatternFunction = { name: 'matches', withPattern: (pattern) => (text) => pattern.matcher(text).find() }
const find: PatternFunction = {
  name: 'find',
  withPattern: (pattern) => (text) => {
    const matcher = pattern.matcher(text)
    return matcher.find() ? (matcher.group() ?? '') : ''
  },
}
const findAll: PatternFunction = {
  name: 'findAll',
  withPattern:
    (pattern) =>
    (text, limit = -1) => {
      const found: string[] = []
      const matcher = pattern.matcher(text)
      while ((limit < 0 || found.length < Number(limit)) && matcher.find()) found.push(matcher.group() ?? '')
      return new ArrayList(found)
    },
}
const ALL = [matches, find, findAll]

/** For a pattern that is known beforehand; undefined when the function takes none. */
export function compiledPattern(name: string, pattern: string): ((text: string, limit?: Int) => Outcome) | CelError | undefined {
  const known = ALL.find((one) => one.name === name)
  if (known === undefined) return undefined
  const compiled = compile(pattern)
  return compiled instanceof CelError ? compiled : known.withPattern(compiled)
}

const uncompiled =
  ({ withPattern }: PatternFunction, prefix = '') =>
  (text: string, pattern: string, limit?: Int): Outcome => {
    const compiled = compile(pattern)
    if (compiled instanceof CelError) return prefix === '' ? compiled : new CelError(`${prefix}${compiled.message}`)
    return withPattern(compiled)(text, limit)
  }

const ILLEGAL = 'Illegal regex: '

export const patterns: Library = [
  ['matches', 'matches', '(string, string) -> bool', uncompiled(matches)],
  ['matches', 'matches_string', 'string.(string) -> bool', uncompiled(matches)],
  ['find', 'string_find_string', 'string.(string) -> string', uncompiled(find, ILLEGAL)],
  ['findAll', 'string_find_all_string', 'string.(string) -> list(string)', uncompiled(findAll, ILLEGAL)],
  ['findAll', 'string_find_all_string_int', 'string.(string, int) -> list(string)', uncompiled(findAll, ILLEGAL)],
]
