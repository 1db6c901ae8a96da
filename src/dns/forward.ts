import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import { type Scope, messageOf } from '#base'
import { AnswerCache } from './cache.ts'
import { type Query, RCODE, readReply } from './message.ts'

/** Asks other servers for names outside the cluster. */
export interface Forwarder {
  /** The other server's answer with the query's own id; undefined when none answered in time. */
  forward(scope: Scope, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>
}

export interface Upstream {
  readonly address: string
  readonly port: number
}

const TRY_TIMEOUT_MS = 2000
const LONGEST_KEPT_SECONDS = 30
const KEPT_CODES: ReadonlySet<number> = new Set([RCODE.noError, RCODE.nameError])
const IN_FLIGHT = 1000

/** The machine's own name servers. */
export function systemUpstreams(file = '/etc/resolv.conf'): readonly Upstream[] {
  try {
    return [...readFileSync(file, 'utf8').matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map((match) => ({ address: match[1] ?? '', port: 53 }))
  } catch {
    return []
  }
}

/** Servers are asked one after the other; the one that answered last is asked first. */
export function createForwarder(scope: Scope, upstreams: readonly Upstream[]): Forwarder {
  const cache = new AnswerCache(scope.clock)
  let first = 0
  let inFlight = 0

  async function ask(within: Scope, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    for (let i = 0; i < upstreams.length; i++) {
      const at = (first + i) % upstreams.length
      const upstream = upstreams[at]
      if (upstream === undefined) continue
      try {
        const raw = await (transport === 'udp' ? askUdp : askTcp)(within, upstream, query)
        first = at
        return raw
      } catch (error) {
        within.check()
        within.log.debug('name server did not answer', { upstream: upstream.address, error: messageOf(error) })
      }
    }
    return undefined
  }

  return {
    async forward(within, query, transport) {
      const key = `${query.question.name.toLowerCase()} ${query.question.type} ${query.question.class ?? 'IN'} ${query.edns}`
      const kept = cache.get(key)
      // Kept answers go out with their times to live as received: at most half a minute too long.
      if (kept !== undefined) return withId(kept.raw, query.id)
      if (inFlight >= IN_FLIGHT) return undefined
      inFlight++
      try {
        const raw = await ask(within, query, transport)
        const reply = raw === undefined ? undefined : readReply(raw)
        if (raw !== undefined && reply !== undefined && KEPT_CODES.has(reply.rcode) && !reply.truncated) cache.set(key, raw, Math.min(reply.ttlSeconds, LONGEST_KEPT_SECONDS))
        return raw === undefined ? undefined : withId(raw, query.id)
      } finally {
        inFlight--
      }
    },
  }
}

function withId(raw: Buffer, id: number): Buffer {
  const copy = Buffer.from(raw)
  copy.writeUInt16BE(id, 0)
  return copy
}

/** With an id and a port of its own, so that answers cannot be guessed. */
function askUdp(scope: Scope, upstream: Upstream, query: Query): Promise<Buffer> {
  const within = scope.child({ timeoutMs: TRY_TIMEOUT_MS })
  return new Promise<Buffer>((resolve, reject) => {
    const id = Buffer.from(scope.random.bytes(2)).readUInt16BE(0)
    const socket = createSocket('udp4')
    within.signal.addEventListener('abort', () => reject(within.signal.reason), { once: true })
    socket.on('error', reject)
    socket.on('message', (raw) => {
      const reply = readReply(raw)
      if (reply?.id === id && sameQuestion(reply.packet.questions?.[0], query)) resolve(raw)
    })
    socket.connect(upstream.port, upstream.address, () => socket.send(withId(query.raw, id)))
    within.signal.addEventListener('abort', () => socket.close(), { once: true })
  }).finally(() => within.cancel())
}

function askTcp(scope: Scope, upstream: Upstream, query: Query): Promise<Buffer> {
  const within = scope.child({ timeoutMs: TRY_TIMEOUT_MS })
  return new Promise<Buffer>((resolve, reject) => {
    const socket = connect(upstream.port, upstream.address)
    let received = Buffer.alloc(0)
    within.signal.addEventListener('abort', () => reject(within.signal.reason), { once: true })
    within.signal.addEventListener('abort', () => socket.destroy(), { once: true })
    socket.on('error', reject)
    socket.on('end', () => reject(new Error('the connection was closed')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const length = received.length < 2 ? Infinity : received.readUInt16BE(0)
      if (received.length >= length + 2) resolve(received.subarray(2, length + 2))
    })
    socket.write(framed(query.raw))
  }).finally(() => within.cancel())
}

const sameQuestion = (asked: { readonly name: string; readonly type: string } | undefined, query: Query): boolean =>
  asked !== undefined && asked.name.toLowerCase() === query.question.name.toLowerCase() && asked.type === query.question.type

/** A message with its length in front, as it travels over TCP. */
export function framed(raw: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(raw.length, 0)
  return Buffer.concat([length, raw])
}
