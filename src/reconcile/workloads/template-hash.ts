const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** JSON with sorted keys and without absent fields: equal for values that are equal on the wire. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}

/** Whether two values are written alike: absent fields say the same as null, the order of fields says nothing. */
export function sameOnWire(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return (a ?? null) === (b ?? null)
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameOnWire(item, b[i]))
  return includes(a as Fields, b as Fields) && includes(b as Fields, a as Fields)
}

type Fields = Readonly<Record<string, unknown>>

/** Each field of `part` is written alike in `whole`. */
function includes(whole: Fields, part: Fields): boolean {
  for (const name of Object.keys(part)) if (!sameOnWire(Object.hasOwn(whole, name) ? whole[name] : undefined, part[name])) return false
  return true
}

/** Characters that Go writes as escapes in JSON. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g

/**
 * A short, stable name part for a value: FNV-1 over its JSON as Go writes it, in letters that make no words. `collisions` gives another one when the
 * first is taken by something else. For revisions of StatefulSets it is the very hash that Kubernetes gives them.
 */
export function hashOf(value: unknown, collisions = 0): string {
  const json = canonicalJson(value).replace(ESCAPED_BY_GO, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${json}${collisions}`)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0
  return digitsAsLetters(hash)
}

/** The decimal digits of a hash in letters that make no words. */
export function digitsAsLetters(hash: number): string {
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('')
}
