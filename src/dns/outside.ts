import type { Scope } from '#base'
import type { Upstream } from './ask.ts'
import { type Forwarder, createForwarder } from './forward.ts'
import { type Elsewhere, stubFor } from './stub-domains.ts'

/** Names outside the cluster, each asked of the servers of its domain. */
export interface Outside extends Forwarder {
  /** From now on. What was kept of the answers before is forgotten: other servers may say something else. */
  set(elsewhere: Elsewhere): void
}

type Counts = ReturnType<Forwarder['stats']>

/** `machine`: the servers that are asked where nothing else is said. `isSelf`: a server that asks itself asks forever. */
export function createOutside(scope: Scope, machine: readonly Upstream[], isSelf: (upstream: Upstream) => boolean): Outside {
  const forwarderTo = (servers: readonly Upstream[]): Forwarder =>
    createForwarder(
      scope,
      servers.filter((upstream) => !isSelf(upstream)),
    )
  let stubs: ReadonlyMap<string, Forwarder> = new Map()
  let others = forwarderTo(machine)
  let before: Counts = { forwarded: 0, fromCache: 0, unanswered: 0 }
  const stats = (): Counts =>
    [others, ...stubs.values()]
      .map((forwarder) => forwarder.stats())
      .reduce(
        (sum, one) => ({
          forwarded: sum.forwarded + one.forwarded,
          fromCache: sum.fromCache + one.fromCache,
          unanswered: sum.unanswered + one.unanswered,
        }),
        before,
      )
  return {
    stats,
    set(elsewhere) {
      before = stats()
      stubs = new Map([...elsewhere.stubs].map(([domain, servers]) => [domain, forwarderTo(servers)]))
      others = forwarderTo(elsewhere.upstreams ?? machine)
    },
    forward(within, query, transport) {
      const domain = stubFor(query.question.name, stubs)
      const forwarder = domain === undefined ? others : (stubs.get(domain) ?? others)
      return forwarder.forward(within, query, transport)
    },
  }
}
