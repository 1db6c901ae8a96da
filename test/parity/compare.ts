import type { Json } from './corpus.ts'

export interface Difference {
  readonly path: string
  readonly expected: string
  readonly got: string
}

const LONGEST_SHOWN = 160
const brief = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text
}

/** Where the end of a JSON-like value that starts at `start` is. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (quoted) {
      if (char === '\\') at++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return text.length
}

const withoutDumps = (text: string): string =>
  text
    .replace(/\n(?:@@ -\d|\s*(?:[-+] )?(?:&?[a-z0-9]+\.[A-Z]\w*\{|strings\.Join)|$)[^]*$/, '')
    .replace(/&?[a-z0-9]+\.[A-Z]\w*\{[^}]*\}/g, '<object>')
    .replace(/\(\*[a-z]+\.\w+\)/g, '(<object>)')
    .replace(/in scheme "[^"]*"/g, 'in scheme "<scheme>"')

/** The real server prints its internal structures, and diffs of them, into some messages. Those are not part of the interface. */
export function withoutInternals(text: string): string {
  let out = ''
  let at = 0
  for (const found of text.matchAll(/(?:Invalid|Unsupported|Duplicate) value: (?=[{[])/g)) {
    if (found.index < at) continue
    const start = found.index + found[0].length
    out += `${text.slice(at, start)}<object>`
    at = endOfValue(text, start)
  }
  return withoutDumps(out + text.slice(at))
}

/** All differences between two JSON values, as paths. */
export function differences(expected: Json | undefined, got: Json | undefined, path = '$', found: Difference[] = []): Difference[] {
  if (Object.is(expected, got)) return found
  if (typeof expected === 'string' && typeof got === 'string' && withoutInternals(expected) === withoutInternals(got)) return found
  if (
    expected === null ||
    got === null ||
    typeof expected !== 'object' ||
    typeof got !== 'object' ||
    Array.isArray(expected) !== Array.isArray(got)
  ) {
    found.push({ path, expected: brief(expected), got: brief(got) })
    return found
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    if (expected.length !== got.length) found.push({ path: `${path}.length`, expected: brief(expected.length), got: brief(got.length) })
    for (let i = 0; i < Math.max(expected.length, got.length); i++) differences(expected[i], got[i], `${path}[${i}]`, found)
    return found
  }
  const [left, right] = [expected as Record<string, Json>, got as Record<string, Json>]
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const at = /^[\w$-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
    differences(Object.hasOwn(left, key) ? left[key] : undefined, Object.hasOwn(right, key) ? right[key] : undefined, at, found)
  }
  return found
}
