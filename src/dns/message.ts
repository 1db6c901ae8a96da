import { type Answer, type DecodedPacket, type Packet, type Question, decode, encode } from 'dns-packet'

/** The wire format, at the boundary: what comes from outside is decoded here and nowhere else, and never throws past it. */
export const RCODE = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const
export type Rcode = (typeof RCODE)[keyof typeof RCODE]

const AUTHORITATIVE = 1 << 10
const TRUNCATED = 1 << 9
const RECURSION_DESIRED = 1 << 8
const RECURSION_AVAILABLE = 1 << 7
const HEADER_SIZE = 12
const SMALLEST_UDP_BYTES = 512
const LARGEST_UDP_BYTES = 1232

const EDNS: Answer = { name: '.', type: 'OPT', udpPayloadSize: LARGEST_UDP_BYTES, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }

export interface Query {
  readonly id: number
  readonly question: Question
  readonly recursionDesired: boolean
  /** The largest answer that the asker takes over UDP. */
  readonly udpBytes: number
  readonly edns: boolean
  readonly raw: Buffer
}

/** A query that can be answered; or the code of the answer to what cannot; undefined for what deserves no answer. */
export function readQuery(raw: Buffer): Query | { readonly id: number; readonly refuse: Rcode } | undefined {
  if (raw.length < HEADER_SIZE) return undefined
  const id = raw.readUInt16BE(0)
  // An answer is never answered: two servers could talk forever.
  if ((raw.readUInt16BE(2) & 0x8000) !== 0) return undefined
  let packet: DecodedPacket
  try {
    packet = decode(raw)
  } catch {
    return { id, refuse: RCODE.formatError }
  }
  if (((raw.readUInt16BE(2) >> 11) & 0xf) !== 0) return { id, refuse: RCODE.notImplemented }
  const [question, ...more] = packet.questions ?? []
  if (question === undefined || more.length > 0) return { id, refuse: RCODE.formatError }
  const opt = (packet.additionals ?? []).find((record) => record.type === 'OPT')
  const asked = opt !== undefined && 'udpPayloadSize' in opt ? opt.udpPayloadSize : SMALLEST_UDP_BYTES
  return {
    id,
    question,
    recursionDesired: ((packet.flags ?? 0) & RECURSION_DESIRED) !== 0,
    udpBytes: Math.min(Math.max(asked, SMALLEST_UDP_BYTES), LARGEST_UDP_BYTES),
    edns: opt !== undefined,
    raw,
  }
}

export interface Reply {
  readonly rcode: Rcode
  readonly authoritative: boolean
  readonly answers: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
}

/** The answer in at most `maxBytes`; what does not fit is left out and the answer marked, so that the asker comes back over TCP. */
export function writeReply(query: Query, reply: Reply, maxBytes: number): Buffer {
  const build = (answers: readonly Answer[], rest: boolean, truncated: boolean): Buffer => {
    const flags =
      reply.rcode | RECURSION_AVAILABLE | (reply.authoritative ? AUTHORITATIVE : 0) | (query.recursionDesired ? RECURSION_DESIRED : 0) | (truncated ? TRUNCATED : 0)
    const packet: Packet = {
      type: 'response',
      id: query.id,
      flags,
      questions: [query.question],
      answers: [...answers],
      authorities: rest ? [...(reply.authorities ?? [])] : [],
      additionals: [
        ...(rest ? (reply.additionals ?? []) : []),
        ...(query.edns ? [EDNS] : []),
      ],
    }
    return encode(packet)
  }
  const whole = build(reply.answers, true, false)
  if (whole.length <= maxBytes) return whole
  const answersOnly = build(reply.answers, false, false)
  if (answersOnly.length <= maxBytes) return answersOnly
  let kept = reply.answers.length
  for (let some = answersOnly; kept > 0; some = build(reply.answers.slice(0, kept), false, true)) {
    if (some.length <= maxBytes && kept < reply.answers.length) return some
    kept = Math.floor(kept / 2)
  }
  return build([], false, true)
}

export function writeRefusal(id: number, rcode: Rcode): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x8000 | RECURSION_AVAILABLE | rcode, 2)
  return header
}

/** Code, lowest time to live and whether it was cut, of another server's answer; undefined when it cannot be read. */
export function readReply(raw: Buffer): { readonly id: number; readonly rcode: number; readonly ttlSeconds: number; readonly truncated: boolean; readonly packet: DecodedPacket } | undefined {
  try {
    const packet = decode(raw)
    if (packet.type !== 'response') return undefined
    const records = [...(packet.answers ?? []), ...(packet.authorities ?? [])]
    const ttls = records.flatMap((record) => ('ttl' in record && typeof record.ttl === 'number' ? [record.ttl] : []))
    const flags = packet.flags ?? 0
    return { id: packet.id ?? 0, rcode: flags & 0xf, ttlSeconds: ttls.length === 0 ? 0 : Math.min(...ttls), truncated: (flags & TRUNCATED) !== 0, packet }
  } catch {
    return undefined
  }
}
