/**
 * V8 14.6, the engine of Node 26, may read a key of one character that is written with an escape (`"\n":`, `"\u00e9":`) as a backslash. What comes so from
 * a client has such a key afterwards, whichever it was, and what would be stored so could not be read again.
 */
const ONE_ESCAPED = /[{,]("\\(?:u[0-9a-f]{4}|[^u])"):/

/** The key of a stored text, as it is written there, that cannot be relied upon; undefined for nearly all texts. */
export function unreadableKey(text: string): string | undefined {
  return text.includes('"\\') ? ONE_ESCAPED.exec(text)?.[1] : undefined
}
