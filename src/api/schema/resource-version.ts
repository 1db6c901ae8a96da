const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const COMMA = 0x2c
const HEAD = new TextEncoder().encode('"resourceVersion":"')
const QUOTE = 0x22

/**
 * A copy of stored bytes (as `encodeObject` makes them) with metadata.resourceVersion as the first member of metadata.
 * Stored objects have no version of their own: the revision of the write is the version.
 */
export function withResourceVersion(bytes: Uint8Array, revision: number): Uint8Array {
  // Neither a kind nor an apiVersion holds a brace: the second one opens metadata.
  const at = bytes.indexOf(OPEN_BRACE, 1) + 1
  if (at === 0) throw new RangeError('these bytes are not a stored object: they have no metadata')
  const digits = String(revision)
  const isEmpty = bytes[at] === CLOSE_BRACE
  const length = HEAD.length + digits.length + (isEmpty ? 1 : 2)
  const out = new Uint8Array(bytes.length + length)
  out.set(bytes.subarray(0, at))
  out.set(HEAD, at)
  let to = at + HEAD.length
  for (let digit = 0; digit < digits.length; digit++) out[to++] = digits.charCodeAt(digit)
  out[to++] = QUOTE
  if (!isEmpty) out[to] = COMMA
  out.set(bytes.subarray(at), at + length)
  return out
}
