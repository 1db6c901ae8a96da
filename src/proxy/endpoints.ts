export interface Target {
  readonly address: string
  readonly port: number
}

/** An endpoint as it stands for a choice. */
export interface Candidate extends Target {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly local: boolean
  /** Whom the endpoint is meant for; empty: nothing is said. */
  readonly forNodes: readonly string[]
  readonly forZones: readonly string[]
}

export interface Place {
  readonly name: string
  readonly zone: string | undefined
}

/** Ready ones; when there are none, those that still serve while they end. */
function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready)
  return ready.length > 0 ? ready : candidates.filter(({ serving, terminating }) => serving && terminating)
}

export const hasUsable = (candidates: readonly Candidate[]): boolean => usable(candidates).length > 0

export const localOnly = (candidates: readonly Candidate[]): readonly Candidate[] => usable(candidates.filter(({ local }) => local))

/** Those meant for this node, or for its zone; all of them when one has no hint (hints are for all or for none) or none is meant for here. */
export function nearest(candidates: readonly Candidate[], { name, zone }: Place): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready)
  if (ready.length === 0) return usable(candidates)
  const sameNode = ready.filter(({ forNodes }) => forNodes.includes(name))
  if (sameNode.length > 0 && ready.every(({ forNodes }) => forNodes.length > 0)) return sameNode
  const sameZone = zone === undefined ? [] : ready.filter(({ forZones }) => forZones.includes(zone))
  return sameZone.length > 0 && ready.every(({ forZones }) => forZones.length > 0) ? sameZone : ready
}
