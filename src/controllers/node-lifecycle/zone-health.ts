import { type core, isNodeReady } from '#api'

/** When this part of a zone's nodes, and more than two, are not ready, it is the zone or the way to it that is ill. */
const MOST = 0.55
const FEW = 2
/** In a zone of more nodes than this it is likely that some of them are lost for good. */
const LARGE = 50

/** What is done about pods on nodes that are not ready: they are evicted; with more time between nodes; those that are not yet stay; none is. */
export type Evictions = 'go on' | 'go on slowly' | 'begin no more' | 'stop'

interface Zone {
  nodes: number
  notReady: number
}

/**
 * How many nodes of each zone are ready, kept as they change. Where most of a zone is silent, moving its pods would break what still runs there; where
 * every node of the cluster is, it is the control plane that has lost them.
 */
export class ZoneHealth {
  readonly #nodes = new Map<string, { readonly zone: string; readonly isReady: boolean }>()
  readonly #zones = new Map<string, Zone>()
  #notReady = 0

  /** A node as it is now, or that it is gone. The nodes for which evictions begin or end with it. */
  see(name: string, node: core.Node | undefined): readonly string[] {
    const before = this.#nodes.get(name)
    const now = node === undefined ? undefined : { zone: zoneKey(node), isReady: isNodeReady(node) }
    if (before?.zone === now?.zone && before?.isReady === now?.isReady) return []
    const zones = new Set([before?.zone, now?.zone].filter((zone) => zone !== undefined))
    const verdicts = (): string => [...zones].map((zone) => this.#inZone(zone)).join()
    const wasLost = this.isLost
    const earlier = verdicts()
    if (before !== undefined) this.#count(before.zone, before.isReady, -1)
    if (now === undefined) this.#nodes.delete(name)
    else {
      this.#nodes.set(name, now)
      this.#count(now.zone, now.isReady, 1)
    }
    if (this.isLost !== wasLost) return [...this.#nodes.keys()]
    if (verdicts() === earlier) return []
    return [...this.#nodes].filter(([, { zone }]) => zones.has(zone)).map(([other]) => other)
  }

  /** There are nodes, and none is ready. */
  get isLost(): boolean {
    return this.#nodes.size > 0 && this.#notReady === this.#nodes.size
  }

  evictionsOn(node: core.Node): Evictions {
    return this.#inZone(zoneKey(node))
  }

  #inZone(key: string): Evictions {
    if (this.isLost) return 'stop'
    const { nodes = 0, notReady = 0 } = this.#zones.get(key) ?? {}
    if (notReady === nodes || notReady <= FEW || notReady < nodes * MOST) return 'go on'
    return nodes > LARGE ? 'go on slowly' : 'begin no more'
  }

  #count(key: string, isReady: boolean, sign: 1 | -1): void {
    const zone = this.#zones.get(key) ?? { nodes: 0, notReady: 0 }
    zone.nodes += sign
    if (!isReady) {
      zone.notReady += sign
      this.#notReady += sign
    }
    if (zone.nodes === 0) this.#zones.delete(key)
    else this.#zones.set(key, zone)
  }
}

/** Zones of the same name in two regions are two. */
export function zoneKey({ metadata }: core.Node): string {
  const label = (name: string): string =>
    metadata?.labels?.[`failure-domain.beta.kubernetes.io/${name}`] ?? metadata?.labels?.[`topology.kubernetes.io/${name}`] ?? ''
  return `${label('region')}\0${label('zone')}`
}
