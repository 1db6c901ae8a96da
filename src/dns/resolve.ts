import type { Answer } from 'dns-packet'
import type { Scope } from '#base'
import type { Forwarder } from './forward.ts'
import { type Query, RCODE, type Reply, readReply, writeReply } from './message.ts'
import type { Zone } from './zone.ts'

const LONGEST_CHAIN = 8
const LARGEST_TCP_BYTES = 65_535

/** The answer to one query: from the zone, or from the servers behind the forwarder, or from both where an alias leads outside. */
export async function resolve(scope: Scope, zone: Zone, forwarder: Forwarder, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer> {
  const maxBytes = transport === 'udp' ? query.udpBytes : LARGEST_TCP_BYTES
  const answers: Answer[] = []
  const reply = (rest: Partial<Reply>): Buffer => writeReply(query, { rcode: RCODE.noError, authoritative: true, answers, ...rest }, maxBytes)
  let question = query.question
  if (question.class !== undefined && question.class !== 'IN' && question.class !== 'ANY') return reply({ rcode: RCODE.refused, authoritative: false })
  for (let i = 0; i < LONGEST_CHAIN; i++) {
    const found = zone.answer(question)
    switch (found.kind) {
      case 'records':
        answers.push(...found.answers)
        return reply(answers.length === 0 ? { authorities: [zone.soa()] } : { additionals: found.additionals ?? [] })
      case 'missing':
        return reply({ rcode: answers.length === 0 ? RCODE.nameError : RCODE.noError, authorities: [zone.soa()] })
      case 'alias':
        answers.push(found.answer)
        if (question.type === 'CNAME') return reply({})
        question = { ...question, name: found.target }
        break
      case 'foreign': {
        if (answers.length === 0) return (await forwarder.forward(scope, query, transport)) ?? reply({ rcode: RCODE.serverFailure, authoritative: false })
        answers.push(...(await lookUp(scope, forwarder, query, question.name)))
        return reply({})
      }
      default:
        found satisfies never
    }
  }
  return reply({ rcode: RCODE.serverFailure })
}

/** What the outside says of an alias' target. */
async function lookUp(scope: Scope, forwarder: Forwarder, query: Query, name: string): Promise<readonly Answer[]> {
  const raw = await forwarder.forward(scope, { ...query, question: { ...query.question, name }, raw: encodeQuestion(query, name) }, 'udp')
  return (raw === undefined ? undefined : readReply(raw)?.packet.answers) ?? []
}

function encodeQuestion(query: Query, name: string): Buffer {
  const raw = writeReply({ ...query, question: { ...query.question, name }, edns: false }, { rcode: RCODE.noError, authoritative: false, answers: [] }, LARGEST_TCP_BYTES)
  // A query is a reply without the flags of one, but for the wish to have it looked up.
  raw.writeUInt16BE(0x0100, 2)
  return raw
}
