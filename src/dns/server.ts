import { type Scope, UserError, messageOf } from '#base'
import { refs } from '#api'
import type { Informers } from '#reconcile'
import type { Upstream } from './ask.ts'
import { type Forwarder, systemUpstreams } from './forward.ts'
import { type Answerer, listenBoth } from './listen.ts'
import { type Query, RCODE, readQuery, writeReply } from './message.ts'
import { createOutside } from './outside.ts'
import { resolve } from './resolve.ts'
import { NOTHING_SAID, readElsewhere } from './stub-domains.ts'
import { clusterView } from './view.ts'
import { type Zone, createZone } from './zone.ts'

export interface DnsOptions {
  readonly informers: Informers
  /** Where to listen, over UDP and TCP. */
  readonly addresses: readonly string[]
  /** 0: any that is free, the same for all. */
  readonly port: number
  /** Default `cluster.local`. */
  readonly domain?: string
  /** For other names. Default: those of /etc/resolv.conf. */
  readonly upstreams?: readonly Upstream[]
}

export interface DnsServer {
  readonly port: number
  /**
   * From now on the ConfigMap `kube-system/kube-dns` says which servers are asked for names outside (`stubDomains`, `upstreamNameservers`); without it
   * those of the machine are. The informers must be started once more after this call.
   */
  followConfig(): void
  /** Counts since the start. `refused`: what was no query; `failed`: answered with a server failure by an error of ours. */
  readonly stats: () => {
    readonly queries: number
    readonly refused: number
    readonly failed: number
    readonly forwarded: number
    readonly fromCache: number
    readonly unanswered: number
  }
}

const CONFIG = { namespace: 'kube-system', name: 'kube-dns' } as const

/**
 * Answers the cluster's names until the scope is cancelled. The informers must be started by the caller, after this call; until they are synced, queries for
 * names of the cluster fail (they are not denied). Rejects with `UserError` when an address cannot be listened on.
 */
export async function startDns(scope: Scope, options: DnsOptions): Promise<DnsServer> {
  const { view, changes } = clusterView(options.informers)
  const zone = createZone({ domain: options.domain ?? 'cluster.local', view, serial: changes, servers: options.addresses })
  const forwarder = createOutside(
    scope,
    options.upstreams ?? systemUpstreams(),
    (upstream) => options.addresses.includes(upstream.address) && upstream.port === options.port,
  )
  const counts = { queries: 0, refused: 0, failed: 0 }
  const answer: Answerer = async (raw, transport) => {
    counts.queries++
    const query = readQuery(raw)
    if (query === undefined || 'refusal' in query) {
      counts.refused++
      return query?.refusal
    }
    return answerSafely(scope, zone, forwarder, query, transport, () => counts.failed++)
  }
  let { port } = options
  for (const address of options.addresses) {
    try {
      port = await listenBoth(scope, address, port, answer)
    } catch (error) {
      throw new UserError(
        `DNS cannot listen on ${address}:${port}: ${messageOf(error)}`,
        'another DNS server may be using the address; stop it, or choose another address',
      )
    }
  }
  return {
    port,
    stats: () => ({ ...counts, ...forwarder.stats() }),
    followConfig() {
      const config = options.informers.informer(refs.configmaps, {
        namespace: CONFIG.namespace,
        fieldSelector: `metadata.name=${CONFIG.name}`,
      })
      config.onChange(({ now }) => {
        const elsewhere = now === undefined ? NOTHING_SAID : readElsewhere(now.data ?? {}, options.domain ?? 'cluster.local')
        for (const problem of elsewhere.problems) scope.log.warn('a part of the ConfigMap kube-dns is not used', { problem })
        forwarder.set(elsewhere)
      })
    },
  }
}

async function answerSafely(
  scope: Scope,
  zone: Zone,
  forwarder: Forwarder,
  query: Query,
  transport: 'udp' | 'tcp',
  failed: () => void,
): Promise<Buffer | undefined> {
  try {
    return await resolve(scope, zone, forwarder, query, transport)
  } catch (error) {
    if (scope.signal.aborted) return undefined
    failed()
    scope.log.warn('query not answered', { name: query.question.name, type: query.question.type, error: messageOf(error) })
    return writeReply(query, { rcode: RCODE.serverFailure, authoritative: false, answers: [] }, transport)
  }
}
