import type { Diagnosis } from './decide.ts'

export const NO_NODES = 'no nodes available to schedule pods'

/** `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.` and what was found out about preemption. */
export function refusalMessage(diagnosis: Diagnosis, afterwards: string): string {
  if (diagnosis.nodes === 0) return NO_NODES
  const { general } = diagnosis
  const reasons =
    general === undefined ? countReasons([...diagnosis.refusals.values()].flatMap((refused) => refused.reasons)) : general.message
  const tail = general?.tail ?? afterwards
  return `0/${diagnosis.nodes} nodes are available: ${reasons}.${tail === '' ? '' : ` ${tail}`}`
}

/** Equal reasons counted, sorted as text. */
export function countReasons(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}
