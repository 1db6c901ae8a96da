import { type NodeMask, countOf, isNarrower, masksOf, nodesIn, preferring } from '../alignment/hints.ts'
import type { Hint } from '../alignment/hints.ts'
import type { Topology } from '../topology/machine-topology.ts'
import type { ReservedMemory } from './reserved-memory.ts'

/** Memory of one kind that a container has of some nodes together. */
export interface Block {
  readonly nodes: NodeMask
  /** `memory`, or huge pages of one size. */
  readonly type: string
  readonly bytes: number
}

interface NodeState {
  /** How many blocks lie on it. */
  readonly blocks: number
  /** With which nodes it is used together; itself alone at first. */
  readonly group: NodeMask
  readonly free: ReadonlyMap<string, number>
  readonly usable: ReadonlyMap<string, number>
}
export type MemoryState = ReadonlyMap<number, NodeState>

/** By resource name, in bytes. */
export type MemoryWish = ReadonlyMap<string, number>

/** What pods may have of a memory node: what is reserved and what lies in huge pages is not ordinary memory of theirs. */
export function usableOf({ nodes }: Topology, reserved: ReservedMemory): ReadonlyMap<number, ReadonlyMap<string, number>> {
  return new Map(
    nodes.map(({ id, memoryBytes, hugePages }) => {
      const kept = (name: string): number => reserved.get(id)?.get(name) ?? 0
      const huge = [...hugePages.values()].reduce((sum, bytes) => sum + bytes, 0)
      return [
        id,
        new Map([
          ...[...hugePages].map(([name, bytes]) => [name, Math.max(bytes - kept(name), 0)] as const),
          ['memory', Math.max(memoryBytes - kept('memory') - huge, 0)],
        ]),
      ]
    }),
  )
}

/** What is left of each node beside these blocks. Each is filled from its lowest node on. */
export function memoryState(usable: ReadonlyMap<number, ReadonlyMap<string, number>>, blocks: readonly Block[]): MemoryState {
  const counts = new Map<number, number>()
  const groups = new Map<number, NodeMask>()
  const free = new Map([...usable].map(([id, amounts]) => [id, new Map(amounts)]))
  for (const { nodes, type, bytes } of blocks) {
    let rest = bytes
    for (const id of nodesIn(nodes)) {
      counts.set(id, (counts.get(id) ?? 0) + 1)
      groups.set(id, nodes)
      const has = free.get(id)?.get(type) ?? 0
      const part = Math.min(has, rest)
      free.get(id)?.set(type, has - part)
      rest -= part
    }
  }
  return new Map(
    [...usable].map(([id, amounts]) => [
      id,
      { blocks: counts.get(id) ?? 0, group: groups.get(id) ?? 1 << id, free: free.get(id) ?? new Map(), usable: amounts },
    ]),
  )
}

const sum = (state: MemoryState, mask: NodeMask, type: string, kind: 'free' | 'usable'): number =>
  nodesIn(mask).reduce((total, id) => total + (state.get(id)?.[kind].get(type) ?? 0), 0)

/** A node that is used alone, or with other nodes than these, is not used with them: what each group has would no longer be known. */
export const breaksGroup = (state: MemoryState, mask: NodeMask): boolean =>
  countOf(mask) > 1 && nodesIn(mask).some((id) => (state.get(id)?.blocks ?? 0) > 0 && state.get(id)?.group !== mask)

/** From which nodes all that is wished could be had; `reusable` tells what the pod's own init containers leave on such a set. */
export function memoryHints(state: MemoryState, wish: MemoryWish, reusable: (mask: NodeMask, type: string) => number): readonly Hint[] {
  const nodes = [...state.keys()].sort((a, b) => a - b)
  let fewest = nodes.length
  const masks: NodeMask[] = []
  for (const mask of masksOf(nodes)) {
    if ([...wish].some(([type, bytes]) => sum(state, mask, type, 'usable') < bytes)) continue
    fewest = Math.min(fewest, countOf(mask))
    const [only = 0] = nodesIn(mask)
    if (countOf(mask) === 1 && countOf(state.get(only)?.group ?? 0) > 1) continue
    if (breaksGroup(state, mask)) continue
    if ([...wish].every(([type, bytes]) => sum(state, mask, type, 'free') + reusable(mask, type) >= bytes)) masks.push(mask)
  }
  return preferring(masks, fewest)
}

/**
 * The nodes that give what is wished: those asked for when they have it; else the best ones that include them, or the best of all where any
 * will do. Undefined when there are none.
 */
export function chooseNodes(
  state: MemoryState,
  wish: MemoryWish,
  asked: NodeMask | undefined,
  hints: readonly Hint[],
): NodeMask | undefined {
  if (asked !== undefined && [...wish].every(([type, bytes]) => sum(state, asked, type, 'free') >= bytes))
    return breaksGroup(state, asked) ? undefined : asked
  const fitting = hints.filter(({ nodes }) => nodes !== undefined && (asked === undefined || (nodes & asked) === asked))
  return bestOf(fitting)?.nodes
}

function bestOf(hints: readonly Hint[]): Hint | undefined {
  let best: Hint | undefined
  for (const hint of hints) {
    if (best === undefined || (hint.preferred && !best.preferred)) best = hint
    else if (hint.preferred === best.preferred && isNarrower(hint.nodes ?? 0, best.nodes ?? 0)) best = hint
  }
  return best
}
