import type { core } from '#api'
import type { HostPort, PodInfo } from '../pod/pod-info.ts'

export interface ImageState {
  readonly sizeBytes: number
}

/** One node as the scheduler sees it. `slot` is its place in the columns, and is used again after the node is gone. */
export interface NodeState {
  readonly slot: number
  readonly name: string
  readonly node: core.Node
  readonly labels: Readonly<Record<string, string>>
  /** Those that keep pods away. */
  readonly hardTaints: readonly core.Taint[]
  /** PreferNoSchedule. */
  readonly softTaints: readonly core.Taint[]
  readonly unschedulable: boolean
  readonly images: ReadonlyMap<string, ImageState>
  /** Placed here, by uid; assumed ones included. */
  readonly pods: Map<string, PodInfo>
  readonly ports: HostPort[]
}

export function nodeState(slot: number, node: core.Node, before?: NodeState): NodeState {
  const taints = node.spec?.taints ?? []
  const images = new Map<string, ImageState>()
  for (const image of node.status?.images ?? []) for (const name of image.names ?? []) images.set(name, { sizeBytes: image.sizeBytes ?? 0 })
  return {
    slot,
    name: node.metadata?.name ?? '',
    node,
    labels: node.metadata?.labels ?? {},
    hardTaints: taints.filter((taint) => taint.effect === 'NoSchedule' || taint.effect === 'NoExecute'),
    softTaints: taints.filter((taint) => taint.effect === 'PreferNoSchedule'),
    unschedulable: node.spec?.unschedulable === true,
    images,
    pods: before?.pods ?? new Map(),
    ports: before?.ports ?? [],
  }
}
