/**
 * As much of a message as must be known to hand it on unchanged: where its question ends and where its records are. Never throws and never follows a
 * pointer, so that no message can keep it busy.
 */
export interface WireRecord {
  readonly section: 'answer' | 'authority' | 'additional'
  readonly type: number
  readonly ttlOffset: number
  readonly dataOffset: number
  readonly dataLength: number
}

export interface WireMessage {
  readonly id: number
  readonly flags: number
  /** The question as it was sent: name, type and class. Empty when there is none. */
  readonly question: Buffer
  readonly records: readonly WireRecord[]
}

export const HEADER_SIZE = 12
export const RESPONSE = 0x8000
export const AUTHORITATIVE = 0x0400
export const TRUNCATED = 0x0200
export const RECURSION_DESIRED = 0x0100
export const RECURSION_AVAILABLE = 0x0080
export const CHECKING_DISABLED = 0x0010
export const OPT_TYPE = 41
const SOA_TYPE = 6

/** Undefined when it is not one message with at most one question. */
export function readWire(raw: Buffer): WireMessage | undefined {
  if (raw.length < HEADER_SIZE) return undefined
  const questions = raw.readUInt16BE(4)
  if (questions > 1) return undefined
  let at = HEADER_SIZE
  if (questions === 1) {
    const end = endOfName(raw, at)
    if (end === undefined || end + 4 > raw.length) return undefined
    at = end + 4
  }
  const question = raw.subarray(HEADER_SIZE, at)
  const records: WireRecord[] = []
  for (const [section, countOffset] of [
    ['answer', 6],
    ['authority', 8],
    ['additional', 10],
  ] as const) {
    for (let left = raw.readUInt16BE(countOffset); left > 0; left--) {
      const end = endOfName(raw, at)
      if (end === undefined || end + 10 > raw.length) return undefined
      const dataLength = raw.readUInt16BE(end + 8)
      const record = { section, type: raw.readUInt16BE(end), ttlOffset: end + 4, dataOffset: end + 10, dataLength }
      at = record.dataOffset + dataLength
      if (at > raw.length) return undefined
      records.push(record)
    }
  }
  return { id: raw.readUInt16BE(0), flags: raw.readUInt16BE(2), question, records }
}

function endOfName(raw: Buffer, start: number): number | undefined {
  for (let at = start; at < raw.length; ) {
    const length = raw[at] ?? 0
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2 <= raw.length ? at + 2 : undefined
    if (length >= 0x40) return undefined
    at += length + 1
  }
  return undefined
}

/** How long an answer may be kept: as its shortest-lived record, and a negative one as its SOA says (RFC 2308); 0 when it may not. */
export function keepSeconds(raw: Buffer, { records }: WireMessage): number {
  const lives = records.flatMap(({ section, type, ttlOffset, dataOffset, dataLength }) => {
    if (section === 'additional') return []
    // Above half of its range the field counts as 0 (RFC 2181).
    const ttl = raw.readUInt32BE(ttlOffset)
    const life = ttl > 0x7fffffff ? 0 : ttl
    return [type === SOA_TYPE && dataLength >= 20 ? Math.min(life, raw.readUInt32BE(dataOffset + dataLength - 4)) : life]
  })
  return lives.length === 0 ? 0 : Math.min(...lives)
}

/** A copy for another asker: with its id and its spelling of the name, and times to live that are `ageSeconds` shorter. */
export function readdressed(
  raw: Buffer,
  message: WireMessage,
  to: { readonly id: number; readonly question: Buffer },
  ageSeconds = 0,
): Buffer {
  const copy = Buffer.from(raw)
  copy.writeUInt16BE(to.id, 0)
  if (to.question.length === message.question.length) to.question.copy(copy, HEADER_SIZE)
  for (const { type, ttlOffset } of ageSeconds === 0 ? [] : message.records)
    if (type !== OPT_TYPE) copy.writeUInt32BE(Math.max(copy.readUInt32BE(ttlOffset) - ageSeconds, 0), ttlOffset)
  return copy
}

/** Whether two questions ask for the same: letters count as equal in either case. */
export function sameQuestion(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && a.toString('latin1').toLowerCase() === b.toString('latin1').toLowerCase()
}
