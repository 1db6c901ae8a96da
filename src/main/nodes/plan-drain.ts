import type { core } from '#api'

/** What a drain does with a pod of the node. */
export interface PodFate {
  readonly pod: core.Pod
  readonly fate: 'moves' | 'ends' | 'stays'
  readonly why: string
  /** A drain does not begin while there is one of these. */
  readonly blockers: readonly Blocker[]
}

export interface Blocker {
  readonly what: string
  readonly allowedBy: 'force' | 'deleteEmptydirData'
}

export interface DrainOptions {
  /** Also pods that nobody makes anew. */
  readonly force: boolean
  /** Also pods whose scratch volumes hold something. */
  readonly deleteEmptydirData: boolean
}

const MIRROR = 'kubernetes.io/config.mirror'

/** What becomes of the pods of a node that is to be empty, in the order of their names. */
export function planDrain(pods: readonly core.Pod[], options: DrainOptions): readonly PodFate[] {
  const fates = pods.map((pod) => fateOf(pod, options))
  return fates.toSorted((a, b) => (nameOf(a.pod) < nameOf(b.pod) ? -1 : 1))
}

export const nameOf = ({ metadata }: core.Pod): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

function fateOf(pod: core.Pod, options: DrainOptions): PodFate {
  const { metadata, spec, status } = pod
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true)
  const stays = (why: string): PodFate => ({ pod, fate: 'stays', why, blockers: [] })
  const ends = (why: string): PodFate => ({ pod, fate: 'ends', why, blockers: [] })
  if (metadata?.annotations?.[MIRROR] !== undefined) return stays('a file of the node makes it')
  if (owner?.kind === 'DaemonSet') return stays(`DaemonSet ${owner.name} wants one on every node`)
  if (metadata?.deletionTimestamp !== undefined) return ends('it is about to')
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return ends('it is done')
  const blockers: Blocker[] = []
  if (owner === undefined && !options.force) blockers.push({ what: 'nobody makes it anew', allowedBy: 'force' })
  const why = [owner === undefined ? 'nobody makes it anew' : `${owner.kind} ${owner.name} makes another`]
  const scratch = (spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined).map(({ name }) => name)
  if (scratch.length > 0) {
    const what = `loses what is in its volumes ${scratch.join(', ')} (emptyDir)`
    why.push(what)
    if (!options.deleteEmptydirData) blockers.push({ what, allowedBy: 'deleteEmptydirData' })
  }
  return { pod, fate: owner === undefined ? 'ends' : 'moves', why: why.join('; '), blockers }
}

/** Volumes whose data no other node can reach: with the node it is lost. `matches` says whether a node can use the volume. */
export function boundVolumes(
  volumes: readonly core.PersistentVolume[],
  nodes: readonly core.Node[],
  nodeName: string,
  matches: (selector: core.NodeSelector, node: core.Node) => boolean,
): readonly core.PersistentVolume[] {
  return volumes.filter(({ spec }) => {
    const required = spec?.nodeAffinity?.required
    if (required === undefined) return false
    const usable = nodes.filter((node) => matches(required, node))
    return usable.length > 0 && usable.every(({ metadata }) => metadata?.name === nodeName)
  })
}
