import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type Packet, decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { type Query, RCODE, readAnswers, readQuery, writeReply } from './message.ts'
import { keepSeconds, readWire, readdressed } from './wire.ts'

const rawQuery = (over: Packet = {}): Buffer =>
  encode({ type: 'query', id: 77, flags: 0x0100, questions: [{ type: 'A', name: 'Web.ns.svc.cluster.local' }], ...over })
const opt = (udpPayloadSize: number, ednsVersion = 0): Answer => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize,
  ednsVersion,
  extendedRcode: 0,
  flags: 0,
  flag_do: false,
  options: [],
})

function query(over: Packet = {}): Query {
  const found = readQuery(rawQuery(over))
  return found !== undefined && 'question' in found ? found : assert.fail('no query')
}

/** Random bytes, and real messages with some bytes changed, cut or repeated: most of what goes wrong is nearly right. */
const real = fc.constantFrom(
  rawQuery(),
  rawQuery({ additionals: [opt(4096)] }),
  rawQuery({ questions: [{ type: 'NS', name: '.' }] }),
  encode({
    type: 'response',
    questions: [{ type: 'SRV', name: '_a._tcp.b' }],
    answers: [{ type: 'SRV', name: '_a._tcp.b', data: { port: 1, target: 'x.y' } }],
  }),
)
const spoiled = fc.tuple(real, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(120)).map(([raw, changes, cut]) => {
  const copy = Buffer.from(raw)
  for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte
  return copy.subarray(0, Math.max(copy.length - Math.max(cut - 80, 0), 0))
})
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  spoiled,
)

test('whatever comes in, nothing is thrown, and what goes out can be read and is for the one who asked', () => {
  fc.assert(
    fc.property(anything, (raw) => {
      const before = Buffer.from(raw)
      const found = readQuery(raw)
      readAnswers(raw)
      const wire = readWire(raw)
      if (wire !== undefined) {
        keepSeconds(raw, wire)
        assert.equal(readdressed(raw, wire, { id: 1, question: wire.question }, 5).readUInt16BE(0), 1)
      }
      assert.deepEqual(raw, before)
      if (found === undefined) return
      const answer: Answer = { type: 'A', name: 'x.y', data: '10.0.0.1' }
      const reply =
        'refusal' in found ? found.refusal : writeReply(found, { rcode: RCODE.noError, authoritative: true, answers: [answer] }, 'udp')
      const back = decode(reply)
      assert.equal(back.type, 'response')
      assert.equal(back.id, raw.readUInt16BE(0))
      if ('question' in found) assert.deepEqual(readWire(reply)?.question, found.rawQuestion)
    }),
    propertyRuns(5000),
  )
})

test('names that point at themselves or at each other are refused, quickly', () => {
  const header = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  for (const name of [
    [0xc0, 12],
    [0xc0, 14, 0xc0, 12],
    [1, 97, 0xc0, 12],
    [0xff, 0xff],
  ]) {
    const found = readQuery(Buffer.from([...header, ...name, 0, 1, 0, 1]))
    assert.ok(found !== undefined && 'refusal' in found)
    assert.equal(decode(found.refusal).flags === undefined ? 0 : found.refusal.readUInt16BE(2) & 0xf, RCODE.formatError)
  }
})

test('what is no query: nothing for an answer, a code for the rest', () => {
  const code = (raw: Buffer): number | undefined => {
    const found = readQuery(raw)
    return found !== undefined && 'refusal' in found ? found.refusal.readUInt16BE(2) & 0xf : undefined
  }
  assert.equal(readQuery(encode({ type: 'response', questions: [] })), undefined)
  assert.equal(readQuery(Buffer.alloc(11)), undefined)
  assert.equal(code(encode({ type: 'query', questions: [] })), RCODE.formatError)
  assert.equal(
    code(
      rawQuery({
        questions: [
          { type: 'A', name: 'a' },
          { type: 'A', name: 'b' },
        ],
      }),
    ),
    RCODE.formatError,
  )
  assert.equal(code(rawQuery({ additionals: [opt(1232), opt(1232)] })), RCODE.formatError)
  const update = rawQuery()
  update.writeUInt16BE(5 << 11, 2)
  assert.equal(code(update), RCODE.notImplemented)
  const dotInLabel = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3]), Buffer.from('a.b'), Buffer.from([0, 0, 1, 0, 1])])
  assert.equal(code(dotInLabel), RCODE.formatError)
})

test('the name comes back in the letters that were sent, and answers point at it', () => {
  const asked = query()
  const reply = writeReply(
    asked,
    { rcode: RCODE.noError, authoritative: true, answers: [{ type: 'A', name: 'Web.ns.svc.cluster.local', ttl: 5, data: '10.96.0.1' }] },
    'udp',
  )
  assert.equal(reply.length, rawQuery().length + 16)
  const back = decode(reply)
  assert.equal(back.questions?.[0]?.name, 'Web.ns.svc.cluster.local')
  assert.deepEqual(
    back.answers?.map((record) => [record.name, 'data' in record ? record.data : '']),
    [['Web.ns.svc.cluster.local', '10.96.0.1']],
  )
  assert.deepEqual([back.id, back.flag_aa, back.flag_rd, back.flag_ra, back.flag_tc], [77, true, true, true, false])
})

test('over UDP an answer is cut to what the asker takes and marked; over TCP thousands of endpoints fit', () => {
  const answers = Array.from(
    { length: 3000 },
    (_, i): Answer => ({ type: 'A', name: 'Web.ns.svc.cluster.local', ttl: 5, data: `10.1.${i >> 8}.${i & 255}` }),
  )
  const size = (asked: Query, transport: 'udp' | 'tcp'): readonly unknown[] => {
    const reply = writeReply(asked, { rcode: RCODE.noError, authoritative: true, answers }, transport)
    const back = decode(reply)
    return [
      reply.length <= (transport === 'tcp' ? 65_535 : Math.min(asked.edns?.udpBytes ?? 512, 1232)),
      back.flag_tc,
      back.answers?.length,
    ]
  }
  assert.deepEqual(size(query(), 'udp'), [true, true, 29])
  assert.deepEqual(size(query({ additionals: [opt(1000)] }), 'udp'), [true, true, 59])
  assert.deepEqual(size(query({ additionals: [opt(9000)] }), 'udp'), [true, true, 73])
  assert.deepEqual(size(query(), 'tcp'), [true, false, 3000])
})

test('the time to keep: the shortest life, an SOA says it for negative answers, and what has none is not kept', () => {
  const seconds = (packet: Packet): number => {
    const raw = encode({ type: 'response', questions: [{ type: 'A', name: 'a.b' }], ...packet })
    return keepSeconds(raw, readWire(raw) ?? assert.fail('unreadable'))
  }
  const soa: Answer = {
    type: 'SOA',
    name: 'b',
    ttl: 60,
    data: { mname: 'm', rname: 'r', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 9 },
  }
  assert.equal(
    seconds({
      answers: [
        { type: 'A', name: 'a.b', ttl: 30, data: '1.1.1.1' },
        { type: 'A', name: 'a.b', ttl: 20, data: '1.1.1.2' },
      ],
    }),
    20,
  )
  assert.equal(seconds({ authorities: [soa] }), 9)
  assert.equal(seconds({}), 0)
  assert.equal(seconds({ answers: [{ type: 'A', name: 'a.b', ttl: 0xffffffff, data: '1.1.1.1' }] }), 0)
})
