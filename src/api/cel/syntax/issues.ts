/** Something wrong with an expression, and where: `at` counts code points from the start; negative when it is nowhere in the text. */
export interface Issue {
  readonly at: number
  readonly message: string
}

export const NOWHERE = -1
/** More than these are counted, not shown. */
const MOST_SHOWN = 100
const LONGEST_SNIPPET = 16_384

/** The issues as the field's tools print them: message, line, and a mark under the place. */
export function issuesText(source: string, issues: readonly Issue[]): string {
  const lines = source.split('\n')
  const placed = issues
    .slice(0, MOST_SHOWN)
    .map(({ at, message }) => ({ ...placeOf(lines, at), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column)
  const texts = placed.map(({ line, column, message }) => {
    const head = `ERROR: <input>:${line}:${column + 1}: ${message}`
    const snippet = lines[line - 1]
    if (snippet === undefined || column < 0 || snippet.length > LONGEST_SNIPPET) return head
    return `${head}\n | ${snippet.replaceAll('\t', ' ')}\n | ${mark(snippet, column)}`
  })
  if (issues.length > MOST_SHOWN) texts.push(`${issues.length - MOST_SHOWN} more errors were truncated`)
  return texts.join('\n')
}

function placeOf(lines: readonly string[], at: number): { readonly line: number; readonly column: number } {
  if (at < 0) return { line: -1, column: -1 }
  // An empty text has no lines to point into.
  if (lines.length === 1 && lines[0] === '') return { line: 1, column: -1 }
  let left = at
  for (const [i, text] of lines.entries()) {
    const length = codePointLength(text)
    if (left <= length || i === lines.length - 1) return { line: i + 1, column: left }
    left -= length + 1
  }
  return { line: 1, column: at }
}

/** Wide characters get wide dots, so that the mark stands where it should. */
function mark(snippet: string, column: number): string {
  const characters = [...snippet]
  const isWide = (i: number): boolean => (characters[i]?.codePointAt(0) ?? 0) > 0x7f
  let text = ''
  for (let i = 0; i < column && i < characters.length; i++) text += isWide(i) ? '．' : '.'
  return text + (isWide(column) ? '＾' : '^')
}

/** Strings are counted in code points everywhere in CEL. */
export function codePointLength(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      length--
      i++
    }
  }
  return length
}
