import type { Answer } from 'dns-packet'
import type { Random, Scope } from '#base'
import type { Forwarder } from './forward.ts'
import { type Query, RCODE, type Rcode, type Reply, askedBytes, readAnswers, writeQuestion, writeReply } from './message.ts'
import type { Zone } from './zone.ts'

const LONGEST_CHAIN = 8

/** The answer to one query: from the zone, or from the servers behind the forwarder, or from both where an alias leads outside. */
export async function resolve(scope: Scope, zone: Zone, forwarder: Forwarder, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer> {
  const answers: Answer[] = []
  const reply = (rest: Partial<Reply>): Buffer =>
    writeReply(query, { rcode: RCODE.noError, authoritative: true, answers, ...rest }, transport)
  const failure = (rcode: Rcode): Buffer => reply({ rcode, authoritative: false, answers: [] })
  if (query.edns !== undefined && query.edns.version > 0) return failure(RCODE.badVersion)
  let question = query.question
  if (question.class !== undefined && question.class !== 'IN' && question.class !== 'ANY') return failure(RCODE.refused)
  for (let i = 0; i < LONGEST_CHAIN; i++) {
    const found = zone.answer(question)
    switch (found.kind) {
      case 'records':
        answers.push(...shuffled(scope.random, found.answers))
        return reply(found.answers.length === 0 ? { authorities: [zone.soa()] } : { additionals: found.additionals ?? [] })
      case 'missing':
        return reply({ rcode: RCODE.nameError, authorities: [zone.soa()] })
      case 'unknown':
        return failure(RCODE.serverFailure)
      case 'alias':
        answers.push(found.answer)
        if (question.type === 'CNAME') return reply({})
        question = { ...question, name: found.target }
        break
      case 'foreign': {
        if (answers.length === 0) return (await forwarded(scope, forwarder, query, transport)) ?? failure(RCODE.serverFailure)
        const outside = await lookUp(scope, forwarder, writeQuestion(question))
        if (outside === undefined) return failure(RCODE.serverFailure)
        answers.push(...outside.answers)
        return reply({ rcode: outside.rcode })
      }
      default:
        found satisfies never
    }
  }
  return failure(RCODE.serverFailure)
}

/** Another server's answer as it came, or the word to come back over TCP when it is larger than what the asker takes. */
async function forwarded(scope: Scope, forwarder: Forwarder, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
  const raw = await forwarder.forward(scope, query, transport)
  if (raw === undefined || raw.length <= askedBytes(query, transport)) return raw
  const cut = writeReply(query, { rcode: RCODE.noError, authoritative: false, answers: [] }, transport)
  cut.writeUInt16BE(cut.readUInt16BE(2) | 0x0200, 2)
  return cut
}

/** What the outside says of an alias' target. */
async function lookUp(
  scope: Scope,
  forwarder: Forwarder,
  query: Query,
): Promise<{ readonly rcode: Rcode; readonly answers: readonly Answer[] } | undefined> {
  for (const transport of ['udp', 'tcp'] as const) {
    const raw = await forwarder.forward(scope, query, transport)
    const found = raw === undefined ? undefined : readAnswers(raw)
    if (found?.truncated === true && transport === 'udp') continue
    if (found?.rcode === RCODE.noError || found?.rcode === RCODE.nameError) return { rcode: found.rcode, answers: found.answers }
    return undefined
  }
  return undefined
}

/** Many askers take the first address: each should find another one there. */
function shuffled(random: Random, records: readonly Answer[]): readonly Answer[] {
  const order = [...records]
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(random.float() * (i + 1))
    const [a, b] = [order[i], order[other]]
    if (a !== undefined && b !== undefined) [order[i], order[other]] = [b, a]
  }
  return order
}
