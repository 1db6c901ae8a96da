/**
 * Base64 the way Go reads and writes it: line ends are skipped, padding is required, bits beyond the last byte are dropped.
 * `refuse` gets the message for text that is not base64; the text is given back then.
 */
export function canonicalBase64(text: string, refuse: (message: string) => void): string {
  const place = firstWrong(text)
  if (place !== undefined) {
    refuse(`illegal base64 data at input byte ${place}`)
    return text
  }
  const compact = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text
  // Only the last digit before the padding can carry bits that stand for nothing.
  return compact.endsWith('=') ? Uint8Array.fromBase64(compact).toBase64() : compact
}

const WELL_FORMED = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Byte offset of the first character that cannot stand where it is. */
function firstWrong(text: string): number | undefined {
  if (WELL_FORMED.test(text)) return undefined
  let digits = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '\n' || character === '\r') continue
    if (/[A-Za-z0-9+/]/.test(character)) digits++
    else if (character === '=') return afterPadding(text, at, digits % 4)
    else return at
  }
  return digits % 4 === 0 ? undefined : text.length - (digits % 4)
}

function afterPadding(text: string, at: number, digits: number): number | undefined {
  if (digits < 2) return at
  let next = at + 1
  const skip = (): void => {
    while (text[next] === '\n' || text[next] === '\r') next++
  }
  if (digits === 2) {
    skip()
    if (text[next] === undefined) return text.length
    if (text[next] !== '=') return next - 1
    next++
  }
  skip()
  return text[next] === undefined ? undefined : next
}
