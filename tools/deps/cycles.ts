import { dirname, join } from 'node:path/posix'
import { type Problem, error } from './problem.ts'
import type { SourceFile, SourceTree } from './source-tree.ts'

/** Import cycles between files, through doors and type imports too. One problem for each strongly connected group, with one cycle as the proof. */
export function checkCycles(tree: SourceTree): Problem[] {
  const graph = new Map(tree.files.map((file) => [file.path, targetsOf(tree, file)]))
  return stronglyConnected(graph).flatMap((group) => {
    const start = group[0]
    if (start === undefined || (group.length === 1 && !graph.get(start)?.includes(start))) return []
    const cycle = shortestCycle(graph, start, new Set(group))
    const others = group.length - new Set(cycle).size
    const size = others > 0 ? ` (and ${others} more files hang together with these)` : ''
    return [error(start, 1, `is in an import cycle: ${cycle.join(' → ')}${size}; move what both need into a file of its own`)]
  })
}

function targetsOf(tree: SourceTree, file: SourceFile): string[] {
  const targets = file.imports.flatMap(({ specifier, form }) => {
    if (specifier === undefined || form === 'asset') return []
    if (specifier.startsWith('#')) return [tree.doors.get(specifier.slice(1)) ?? '']
    return specifier.startsWith('.') ? [join(dirname(file.path), specifier)] : []
  })
  return [...new Set(targets)]
}

/** Tarjan's algorithm with its own stack, so that a long chain of files does not end in a stack overflow. Groups are sorted by path. */
export function stronglyConnected(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()
  const groups: string[][] = []
  for (const root of graph.keys()) {
    if (order.has(root)) continue
    const work: { readonly node: string; next: number }[] = [{ node: root, next: 0 }]
    for (let frame = work.at(-1); frame !== undefined; frame = work.at(-1)) {
      const { node } = frame
      if (!order.has(node)) {
        order.set(node, order.size)
        low.set(node, order.size - 1)
        open.push(node)
        isOpen.add(node)
      }
      const target = graph.get(node)?.[frame.next++]
      if (target !== undefined) {
        if (!graph.has(target)) continue
        if (!order.has(target)) work.push({ node: target, next: 0 })
        else if (isOpen.has(target)) low.set(node, Math.min(low.get(node) ?? 0, order.get(target) ?? 0))
        continue
      }
      work.pop()
      const parent = work.at(-1)?.node
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0))
      if (low.get(node) !== order.get(node)) continue
      const group = open.splice(open.lastIndexOf(node))
      for (const member of group) isOpen.delete(member)
      groups.push(group.toSorted())
    }
  }
  return groups
}

/** Breadth first from `start` back to `start`, inside the group. Ends with `start` again. */
function shortestCycle(graph: ReadonlyMap<string, readonly string[]>, start: string, group: ReadonlySet<string>): string[] {
  const from = new Map<string, string>()
  const waiting = [start]
  for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
    for (const target of graph.get(node) ?? []) {
      if (target === start) {
        const path = [start]
        for (let step: string | undefined = node; step !== undefined && step !== start; step = from.get(step)) path.unshift(step)
        return [start, ...path]
      }
      if (!group.has(target) || from.has(target)) continue
      from.set(target, node)
      waiting.push(target)
    }
  }
  return [start]
}
