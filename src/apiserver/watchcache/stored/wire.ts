/**
 * Work on encoded objects without parsing them. Encoded objects are canonical: no blanks, `metadata` is the first field after
 * `kind` and `apiVersion`, and within a string every quote is escaped, so `"metadata":{` cannot be anything else.
 */
const METADATA = Buffer.from('"metadata":{')
const VERSION = Buffer.from('"resourceVersion":"')
const LABELS = Buffer.from('"labels":{')

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d

/** Where `"metadata":{` begins; the item of a list without kind and apiVersion is `{` and everything from here on. */
export function metadataOffset(bytes: Uint8Array): number {
  return asBuffer(bytes).indexOf(METADATA)
}

/** Index after the object or list that begins at `start`. */
export function endOfValue(bytes: Uint8Array, start: number): number {
  let depth = 0
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = endOfString(bytes, i) - 1
    else if (byte === OPEN || byte === 0x5b) depth++
    else if (byte === CLOSE || byte === 0x5d) {
      if (--depth === 0) return i + 1
    }
  }
  return bytes.length
}

/** Index after the string that begins at `start`. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i++
    else if (bytes[i] === QUOTE) return i + 1
  }
  return bytes.length
}

/** The text of `metadata.labels` as JSON; empty when there is none. Looks no further than the metadata's own fields. */
export function labelsText(bytes: Uint8Array): string {
  const buffer = asBuffer(bytes)
  // A label map is rare to be absent and always near: only a find that is not a direct field of metadata needs the walk.
  if (buffer.indexOf(LABELS) === -1) return ''
  let i = buffer.indexOf(METADATA) + METADATA.length
  if (i < METADATA.length) return ''
  while (i < buffer.length && buffer[i] === QUOTE) {
    const nameEnd = endOfString(buffer, i)
    const value = nameEnd + 1
    const isLabels = nameEnd - i === 8 && buffer.toString('latin1', i, nameEnd) === '"labels"'
    const first = buffer[value]
    const end =
      first === QUOTE
        ? endOfString(buffer, value)
        : first === OPEN || first === 0x5b
          ? endOfValue(buffer, value)
          : endOfScalar(buffer, value)
    if (isLabels) return buffer.toString('utf8', value, end)
    if (buffer[end] !== 0x2c) return ''
    i = end + 1
  }
  return ''
}

function endOfScalar(bytes: Uint8Array, start: number): number {
  let i = start
  while (i < bytes.length && bytes[i] !== 0x2c && bytes[i] !== CLOSE && bytes[i] !== 0x5d) i++
  return i
}

/**
 * Stored bytes with their revision as the first member of metadata: what `withResourceVersion` of the API does, in one native copy
 * for each side.
 */
export function withRevision(stored: Uint8Array, revision: number): Buffer {
  const buffer = asBuffer(stored)
  // Neither a kind nor an apiVersion holds a brace: the second one opens metadata.
  const at = buffer.indexOf(OPEN, 1) + 1
  if (at === 0) throw new RangeError('these bytes are not a stored object: they have no metadata')
  const text = `"resourceVersion":"${revision}"${buffer[at] === CLOSE ? '' : ','}`
  const out = Buffer.allocUnsafeSlow(buffer.length + text.length)
  buffer.copy(out, 0, 0, at)
  out.write(text, at, 'latin1')
  buffer.copy(out, at + text.length, at)
  return out
}

/** The same object with another resourceVersion. The bytes must have one. */
export function replaceResourceVersion(bytes: Uint8Array, revision: number): Buffer {
  const buffer = asBuffer(bytes)
  const start = buffer.indexOf(VERSION) + VERSION.length
  const end = buffer.indexOf(QUOTE, start)
  const text = String(revision)
  const out = Buffer.allocUnsafeSlow(buffer.length - (end - start) + text.length)
  buffer.copy(out, 0, 0, start)
  out.write(text, start, 'latin1')
  buffer.copy(out, start + text.length, end)
  return out
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
