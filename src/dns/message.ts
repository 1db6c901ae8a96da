import { type Answer, type DecodedPacket, type Question, decode, encode } from 'dns-packet'
import {
  AUTHORITATIVE,
  CHECKING_DISABLED,
  HEADER_SIZE,
  OPT_TYPE,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  RESPONSE,
  TRUNCATED,
  readWire,
} from './wire.ts'

/** The wire format, at the boundary: what comes from outside is decoded here and nowhere else, and never throws past it. */
export const RCODE = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const
export type Rcode = (typeof RCODE)[keyof typeof RCODE]

const SMALLEST_UDP_BYTES = 512
/** Fits every path without fragments. */
const LARGEST_UDP_BYTES = 1232
const LARGEST_TCP_BYTES = 65_535
/** Opcode and the wish for recursion go back as they came. */
const ECHOED = 0x7800 | RECURSION_DESIRED
const POINTER_TO_QUESTION = Buffer.from([0xc0, HEADER_SIZE])

export interface Query {
  readonly id: number
  readonly question: Question
  /** The question's bytes: an answer has them unchanged, with the name's letters in the asker's case. */
  readonly rawQuestion: Buffer
  readonly flags: number
  /** Undefined without EDNS. */
  readonly edns: { readonly version: number; readonly udpBytes: number; readonly dnssec: boolean } | undefined
  readonly raw: Buffer
}

/** A query that can be answered; or the answer to what cannot; undefined for what deserves no answer. */
export function readQuery(raw: Buffer): Query | { readonly refusal: Buffer } | undefined {
  if (raw.length < HEADER_SIZE) return undefined
  const flags = raw.readUInt16BE(2)
  // An answer is never answered: two servers could talk forever.
  if ((flags & RESPONSE) !== 0) return undefined
  if (((flags >> 11) & 0xf) !== 0) return { refusal: writeRefusal(raw, RCODE.notImplemented) }
  const wire = readWire(raw)
  const question = wire === undefined ? undefined : readQuestion(wire.question)
  if (wire === undefined || question === undefined) return { refusal: writeRefusal(raw, RCODE.formatError) }
  const [opt, another] = wire.records.filter(({ section, type }) => section === 'additional' && type === OPT_TYPE)
  if (another !== undefined) return { refusal: writeRefusal(raw, RCODE.formatError) }
  // OPT keeps the size in the place of the class, and version and flags in that of the time to live.
  const edns =
    opt === undefined
      ? undefined
      : {
          version: raw[opt.ttlOffset + 1] ?? 0,
          udpBytes: raw.readUInt16BE(opt.ttlOffset - 2),
          dnssec: (raw.readUInt16BE(opt.ttlOffset + 2) & 0x8000) !== 0,
        }
  return { id: wire.id, question, rawQuestion: wire.question, flags, edns, raw }
}

/** Undefined for a name that has no text which leads back to it (a dot or a foreign byte in a label): it would be taken for another one. */
function readQuestion(raw: Buffer): Question | undefined {
  if (raw.length === 0) return undefined
  try {
    const [question] = decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), raw])).questions ?? []
    return question !== undefined &&
      encode({ questions: [question] })
        .subarray(HEADER_SIZE)
        .equals(raw)
      ? question
      : undefined
  } catch {
    return undefined
  }
}

/** What the asker takes over UDP. */
export const askedBytes = ({ edns }: Query, transport: 'udp' | 'tcp'): number =>
  transport === 'tcp' ? LARGEST_TCP_BYTES : Math.max(edns?.udpBytes ?? 0, SMALLEST_UDP_BYTES)

export interface Reply {
  readonly rcode: Rcode
  readonly authoritative: boolean
  readonly answers: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
}

/** The answer as far as it fits; when answers are left out it is marked, so that the asker comes back over TCP. */
export function writeReply(query: Query, reply: Reply, transport: 'udp' | 'tcp'): Buffer {
  const maxBytes = transport === 'tcp' ? LARGEST_TCP_BYTES : Math.min(askedBytes(query, transport), LARGEST_UDP_BYTES)
  const write = (records: readonly Answer[]): Buffer[] => records.map((record) => writeRecord(record, query.rawQuestion))
  const answers = write(reply.answers)
  const sections = [answers, write(reply.authorities ?? []), write(reply.additionals ?? [])]
  const edns = query.edns === undefined ? undefined : ednsRecord(reply.rcode)
  const build = (kept: readonly Buffer[][], truncated: boolean): Buffer => {
    const [, , additionals = []] = kept
    const rest = edns === undefined ? additionals : [...additionals, edns]
    const header = Buffer.alloc(HEADER_SIZE)
    header.writeUInt16BE(query.id, 0)
    header.writeUInt16BE(
      RESPONSE |
        (query.flags & (ECHOED | CHECKING_DISABLED)) |
        RECURSION_AVAILABLE |
        (reply.authoritative ? AUTHORITATIVE : 0) |
        (truncated ? TRUNCATED : 0) |
        (reply.rcode & 0xf),
      2,
    )
    for (const [i, count] of [1, kept[0]?.length ?? 0, kept[1]?.length ?? 0, rest.length].entries()) header.writeUInt16BE(count, 4 + 2 * i)
    return Buffer.concat([header, query.rawQuestion, ...(kept[0] ?? []), ...(kept[1] ?? []), ...rest])
  }
  for (const kept of [sections, sections.slice(0, 2), sections.slice(0, 1)]) {
    const whole = build(kept, false)
    if (whole.length <= maxBytes) return whole
  }
  let room = maxBytes - HEADER_SIZE - query.rawQuestion.length - (edns?.length ?? 0)
  const some = answers.filter((record) => (room -= record.length) >= 0)
  return build([some], true)
}

/** Names equal to the question's are written as a pointer to it: with thousands of endpoints, the answer would not fit otherwise. */
function writeRecord(record: Answer, rawQuestion: Buffer): Buffer {
  const bytes = encode({ answers: [record] }).subarray(HEADER_SIZE)
  const name = rawQuestion.subarray(0, -4)
  return name.length > 2 && bytes.subarray(0, name.length).equals(name)
    ? Buffer.concat([POINTER_TO_QUESTION, bytes.subarray(name.length)])
    : bytes
}

function ednsRecord(rcode: Rcode): Buffer {
  const record = Buffer.alloc(11)
  record.writeUInt16BE(OPT_TYPE, 1)
  record.writeUInt16BE(LARGEST_UDP_BYTES, 3)
  record[5] = rcode >> 4
  return record
}

/** To what is no query: a header, since nothing after it can be relied on. */
function writeRefusal(raw: Buffer, rcode: Rcode): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt16BE(raw.readUInt16BE(0), 0)
  header.writeUInt16BE(RESPONSE | (raw.readUInt16BE(2) & ECHOED) | rcode, 2)
  return header
}

/** A question of our own to another server. */
export function writeQuestion(question: Question): Query {
  const raw = encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [question] })
  return { id: 0, question, rawQuestion: raw.subarray(HEADER_SIZE), flags: RECURSION_DESIRED, edns: undefined, raw }
}

/** Code and answers of another server's message; undefined when it cannot be read. */
export function readAnswers(
  raw: Buffer,
): { readonly rcode: number; readonly answers: readonly Answer[]; readonly truncated: boolean } | undefined {
  try {
    const packet: DecodedPacket = decode(raw)
    const flags = packet.flags ?? 0
    return { rcode: flags & 0xf, answers: packet.answers ?? [], truncated: (flags & TRUNCATED) !== 0 }
  } catch {
    return undefined
  }
}
