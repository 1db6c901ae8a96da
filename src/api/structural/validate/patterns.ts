import { RE2JS } from 're2js'

/** Patterns are read as Go reads them: RE2, without look-around and back references. */
const compiled = new Map<string, RE2JS>()
const MAX_COMPILED = 1000

export function matchesPattern(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    if (compiled.size >= MAX_COMPILED) compiled.clear()
    expression = RE2JS.compile(pattern)
    compiled.set(pattern, expression)
  }
  return expression.matcher(text).find()
}

/** Why a pattern cannot be read; undefined when it can. */
export function patternError(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
