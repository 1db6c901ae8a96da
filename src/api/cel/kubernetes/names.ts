/** Words that no identifier may be; properties named so are seen with underscores around. */
const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)
const ESCAPES: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }
const MARKS: Readonly<Record<string, string>> = { underscores: '__', dot: '.', dash: '-', slash: '/' }

/** The name under which expressions see a property; undefined for those that they cannot see. */
export function escapeName(name: string): string | undefined {
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined
  if (RESERVED.has(name)) return `__${name}__`
  return /__|[./-]/.test(name) ? name.replaceAll(/__|[./-]/g, (mark) => ESCAPES[mark] ?? mark) : name
}

/** The property that an expression means; undefined when the name is none that escaping makes. */
export function unescapeName(escaped: string): string | undefined {
  if (!escaped.includes('__')) return escaped
  let isGood = true
  const name = escaped.replaceAll(/_{2}[^_]+_{2}/g, (part) => {
    const word = part.slice(2, -2)
    const mark = MARKS[word]
    if (mark !== undefined) return mark
    if (!RESERVED.has(word) || part.length !== escaped.length) isGood = false
    return word
  })
  return isGood ? name : undefined
}
