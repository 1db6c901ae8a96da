/**
 * Why a text is not JSON, in the words of Go's decoder, which users of Kubernetes know. Runs only after `JSON.parse` has refused the text.
 */
export function syntaxError(text: string): string {
  const reader: Reader = { text, at: 0 }
  const problem = value(reader, 'looking for beginning of value') ?? afterValue(reader)
  return problem ?? 'invalid JSON'
}

interface Reader {
  readonly text: string
  at: number
}
type Problem = string | undefined

const END = 'unexpected end of JSON input'
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }

function space(reader: Reader): void {
  while (' \t\r\n'.includes(reader.text[reader.at] ?? 'x')) reader.at++
}

function invalid(reader: Reader, context: string): string {
  const point = reader.text.codePointAt(reader.at)
  return point === undefined ? END : `invalid character ${quote(String.fromCodePoint(point))} ${context}`
}

/** A character between single quotes as Go writes it. */
function quote(character: string): string {
  if (character === "'") return `'\\''`
  if (character === '"') return `'"'`
  return `'${JSON.stringify(character)
    .slice(1, -1)
    .replace(/^\\u00/, '\\x')}'`
}

function afterValue(reader: Reader): Problem {
  space(reader)
  return reader.at < reader.text.length ? invalid(reader, 'after top-level value') : undefined
}

/** Walks with a stack of its own: the text may be nested as deeply as the limits allow. */
function value(reader: Reader, context: string): Problem {
  const open: ('{' | '[')[] = []
  let expect = context
  for (;;) {
    space(reader)
    const character = reader.text[reader.at]
    let closed = false
    if (character === '{' || character === '[') {
      reader.at++
      space(reader)
      if (reader.text[reader.at] === (character === '{' ? '}' : ']')) {
        reader.at++
        closed = true
      } else {
        open.push(character)
        expect = 'looking for beginning of value'
        const problem = character === '{' ? key(reader) : undefined
        if (problem !== undefined) return problem
      }
    } else {
      const problem = scalar(reader, character, expect)
      if (problem !== undefined) return problem
      closed = true
    }
    while (closed) {
      const top = open.at(-1)
      if (top === undefined) return undefined
      space(reader)
      const next = reader.text[reader.at]
      if (next === ',') {
        reader.at++
        expect = 'looking for beginning of value'
        const problem = top === '{' ? key(reader) : undefined
        if (problem !== undefined) return problem
        closed = false
      } else if (next === (top === '{' ? '}' : ']')) {
        reader.at++
        open.pop()
      } else return invalid(reader, top === '{' ? 'after object key:value pair' : 'after array element')
    }
  }
}

function key(reader: Reader): Problem {
  space(reader)
  if (reader.text[reader.at] !== '"') return invalid(reader, 'looking for beginning of object key string')
  const problem = string(reader)
  if (problem !== undefined) return problem
  space(reader)
  if (reader.text[reader.at] !== ':') return invalid(reader, 'after object key')
  reader.at++
  return undefined
}

function scalar(reader: Reader, character: string | undefined, expect: string): Problem {
  if (character === '"') return string(reader)
  const literal = LITERALS[character ?? '']
  if (literal !== undefined) return word(reader, literal)
  if (character !== undefined && /[-0-9]/.test(character)) return number(reader)
  return invalid(reader, expect)
}

function word(reader: Reader, literal: string): Problem {
  for (const [at, expected] of [...literal].entries()) {
    if (reader.text[reader.at] !== expected) return invalid(reader, `in literal ${literal} (expecting '${literal[at]}')`)
    reader.at++
  }
  return undefined
}

function string(reader: Reader): Problem {
  reader.at++
  for (;;) {
    const character = reader.text[reader.at]
    if (character === undefined) return END
    if (character === '"') {
      reader.at++
      return undefined
    }
    if (character < ' ') return invalid(reader, 'in string literal')
    reader.at++
    if (character !== '\\') continue
    const escape = reader.text[reader.at]
    if (escape === undefined || !'"\\/bfnrtu'.includes(escape)) return invalid(reader, 'in string escape code')
    reader.at++
    for (let digit = 0; escape === 'u' && digit < 4; digit++) {
      if (!/[0-9a-fA-F]/.test(reader.text[reader.at] ?? '')) return invalid(reader, 'in \\u hexadecimal character escape')
      reader.at++
    }
  }
}

function number(reader: Reader): Problem {
  const digits = (context: string): Problem => {
    if (!/[0-9]/.test(reader.text[reader.at] ?? '')) return invalid(reader, context)
    while (/[0-9]/.test(reader.text[reader.at] ?? '')) reader.at++
    return undefined
  }
  if (reader.text[reader.at] === '-') reader.at++
  let problem: Problem
  if (reader.text[reader.at] === '0') reader.at++
  else problem = digits('in numeric literal')
  if (problem === undefined && reader.text[reader.at] === '.') {
    reader.at++
    problem = digits('after decimal point in numeric literal')
  }
  if (problem === undefined && /[eE]/.test(reader.text[reader.at] ?? '')) {
    reader.at++
    if (/[+-]/.test(reader.text[reader.at] ?? '')) reader.at++
    problem = digits('in exponent of numeric literal')
  }
  return problem
}
