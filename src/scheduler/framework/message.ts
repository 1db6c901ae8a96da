import type { Diagnosis } from './decide.ts'
import type { Refusal } from './plugin.ts'

export const NO_NODES = 'no nodes available to schedule pods'

/** `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.` and what was found out about preemption. */
export function refusalMessage(diagnosis: Diagnosis, afterwards: string): string {
  if (diagnosis.nodes === 0) return NO_NODES
  const { general } = diagnosis
  const reasons = general === undefined ? countReasons(diagnosis.refusals) : general.message
  const tail = general?.tail ?? afterwards
  return `0/${diagnosis.nodes} nodes are available: ${reasons}.${tail === '' ? '' : ` ${tail}`}`
}

/** Equal reasons counted, sorted as text. Refusals that share an object are counted together. */
export function countReasons(refusals: readonly (Pick<Refusal, 'reasons'> | undefined)[]): string {
  const times = new Map<Pick<Refusal, 'reasons'>, number>()
  // Most are like their neighbour.
  let last: Pick<Refusal, 'reasons'> | undefined
  let run = 0
  const note = (): void => {
    if (last !== undefined) times.set(last, (times.get(last) ?? 0) + run)
  }
  for (let i = 0; i < refusals.length; i++) {
    const refused = refusals[i]
    if (refused === last) {
      run++
      continue
    }
    note()
    last = refused
    run = 1
  }
  note()
  const counts = new Map<string, number>()
  for (const [{ reasons }, count] of times) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + count)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}
