/** What stands between the quotes of a string literal, its escapes resolved. `undefined`: one of them stands for no character. */
export function unquote(token: string): string | undefined {
  const raw = /^[rR]/.test(token)
  const quoted = raw ? token.slice(1) : token
  const triple = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''"))
  const body = (triple ? quoted.slice(3, -3) : quoted.slice(1, -1)).replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  if (raw || !body.includes('\\')) return body
  let isGood = true
  const text = body.replaceAll(ESCAPES, (whole, simple: string | undefined, hex2, hex4, hex8, octal) => {
    if (simple !== undefined) return SIMPLE[simple] ?? simple
    const code = octal === undefined ? Number.parseInt(hex2 ?? hex4 ?? hex8 ?? '', 16) : Number.parseInt(octal, 8)
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) isGood = false
    return isGood ? String.fromCodePoint(code) : whole
  })
  return isGood ? text : undefined
}

const ESCAPES = /\\(?:([abfnrtv"'\\?`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7][0-7]))/g
const SIMPLE: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The bytes of a bytes literal (without its `b`): escapes of code units are single bytes, all else is UTF-8. */
export function unquoteBytes(token: string): Uint8Array | undefined {
  const raw = /^[rR]/.test(token)
  const quoted = raw ? token.slice(1) : token
  const triple = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''"))
  const body = triple ? quoted.slice(3, -3) : quoted.slice(1, -1)
  if (raw) return ENCODER.encode(body)
  const out: number[] = []
  let last = 0
  for (const match of body.matchAll(ESCAPES)) {
    out.push(...ENCODER.encode(body.slice(last, match.index)))
    last = match.index + match[0].length
    const [, simple, hex2, hex4, hex8, octal] = match
    if (hex4 !== undefined || hex8 !== undefined) return undefined
    if (simple !== undefined) out.push(...ENCODER.encode(SIMPLE[simple] ?? simple))
    else out.push(octal === undefined ? Number.parseInt(hex2 ?? '', 16) : Number.parseInt(octal, 8))
  }
  out.push(...ENCODER.encode(body.slice(last)))
  return Uint8Array.from(out)
}

const ENCODER = new TextEncoder()
