import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { type Scope, messageOf } from '#base'
import { type Upstream, askTcp, askUdp } from './ask.ts'
import { AgingCache } from './cache.ts'
import { type Query, RCODE } from './message.ts'
import { CHECKING_DISABLED, RECURSION_DESIRED, TRUNCATED, type WireMessage, keepSeconds, readWire, readdressed } from './wire.ts'

/** Asks other servers for names outside the cluster. */
export interface Forwarder {
  /** The other server's answer with the query's own id and spelling; undefined when none answered in time. It may be larger than the asker takes. */
  forward(scope: Scope, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>
  stats(): { readonly forwarded: number; readonly fromCache: number; readonly unanswered: number }
}

const LONGEST_KEPT_SECONDS = 30
const KEPT_CODES: ReadonlySet<number> = new Set([RCODE.noError, RCODE.nameError])
const IN_FLIGHT = 1000

/** The machine's own name servers. */
export function systemUpstreams(file = '/etc/resolv.conf'): readonly Upstream[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].flatMap(([, address = '']) =>
    isIPv4(address) ? [{ address, port: 53 }] : [],
  )
}

/** Servers are asked one after the other; the one that answered last is asked first. */
export function createForwarder(scope: Scope, upstreams: readonly Upstream[]): Forwarder {
  const cache = new AgingCache<{ readonly raw: Buffer; readonly message: WireMessage }>(scope.clock)
  const counts = { forwarded: 0, fromCache: 0, unanswered: 0 }
  let first = 0
  let inFlight = 0

  async function ask(within: Scope, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    for (let i = 0, start = first; i < upstreams.length; i++) {
      const at = (start + i) % upstreams.length
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
    stats: () => ({ ...counts }),
    async forward(within, query, transport) {
      const key = cacheKey(query)
      const kept = cache.get(key)
      if (kept !== undefined) {
        counts.fromCache++
        return readdressed(kept.value.raw, kept.value.message, { id: query.id, question: query.rawQuestion }, kept.ageSeconds)
      }
      if (inFlight >= IN_FLIGHT) return undefined
      inFlight++
      counts.forwarded++
      try {
        const raw = await ask(within, query, transport)
        const message = raw === undefined ? undefined : readWire(raw)
        if (raw === undefined || message === undefined) {
          counts.unanswered++
          return undefined
        }
        if (KEPT_CODES.has(message.flags & 0xf) && (message.flags & TRUNCATED) === 0)
          cache.set(key, { raw, message }, Math.min(keepSeconds(raw, message), LONGEST_KEPT_SECONDS))
        return readdressed(raw, message, { id: query.id, question: query.rawQuestion })
      } finally {
        inFlight--
      }
    },
  }
}

/** Everything about a query that an answer depends on. */
function cacheKey({ rawQuestion, flags, edns }: Query): string {
  const extension = edns === undefined ? 'plain' : `${edns.udpBytes} ${edns.dnssec}`
  return `${rawQuestion.toString('latin1').toLowerCase()} ${flags & (RECURSION_DESIRED | CHECKING_DISABLED)} ${extension}`
}
