import { type Hint, type NodeMask, countOf, has, masksOf, preferring } from '../alignment/hints.ts'

/** On which memory nodes a device is; on none where its plugin does not say. */
export type DeviceNodes = (id: string) => readonly number[]

/** From which memory nodes so many devices could be had; undefined where it does not matter, since no device of the resource is on any. */
export function deviceHints(
  all: ReadonlySet<string>,
  free: ReadonlySet<string>,
  reusable: ReadonlySet<string>,
  count: number,
  nodesOf: DeviceNodes,
): readonly Hint[] | undefined {
  const nodes = [...new Set([...all].flatMap(nodesOf))].sort((a, b) => a - b)
  if (nodes.length === 0) return undefined
  const on = (mask: NodeMask, ids: ReadonlySet<string>): number =>
    [...ids].filter((id) => nodesOf(id).some((node) => has(mask, node))).length
  const placed = new Set([...reusable].filter((id) => nodesOf(id).length > 0))
  let fewest = nodes.length
  const masks: NodeMask[] = []
  for (const mask of masksOf(nodes)) {
    if (on(mask, all) >= count) fewest = Math.min(fewest, countOf(mask))
    // What it takes over has to be among them.
    if (on(mask, placed) === placed.size && on(mask, free) + placed.size >= count) masks.push(mask)
  }
  return preferring(masks, fewest)
}

/** Which devices to take first: 0 those on these nodes, 1 those on others, 2 those on none. Without nodes all are alike. */
export const distanceOf = (id: string, nodes: NodeMask | undefined, nodesOf: DeviceNodes): number =>
  nodes === undefined ? 0 : nodesOf(id).length === 0 ? 2 : nodesOf(id).some((node) => has(nodes, node)) ? 0 : 1
