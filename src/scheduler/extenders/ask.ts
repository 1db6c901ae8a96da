import { type Scope, messageOf } from '#base'
import type { NodeState } from '../cluster/node-state.ts'
import type { Refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Candidate } from '../preemption/candidates.ts'
import type { Extender } from './extender.ts'

/** The name under which refusals of extenders are known. */
const PLUGIN = 'Extender'

/** One after the other, each about what the ones before have left. Throws what one says that may not be ignored. */
export async function filterByExtenders(
  scope: Scope,
  extenders: readonly Extender[],
  pod: PodInfo,
  feasible: readonly NodeState[],
): Promise<{ readonly nodes: readonly NodeState[]; readonly refusals: ReadonlyMap<string, Refusal> }> {
  const refusals = new Map<string, Refusal>()
  let nodes = feasible
  for (const extender of extenders) {
    if (extender.config.filterVerb === '' || nodes.length === 0) continue
    const answer = await orIgnored(scope, extender, () => extender.filter(scope, pod, nodes))
    if (answer === undefined) continue
    for (const [name, reason] of answer.failed) refusals.set(name, { plugin: PLUGIN, reasons: [reason], final: false })
    for (const [name, reason] of answer.failedForGood) refusals.set(name, { plugin: PLUGIN, reasons: [reason], final: true })
    nodes = answer.nodes
  }
  return { nodes, refusals }
}

/** What extenders add to the plugins' sums. One that does not answer adds nothing. */
export async function scoresOfExtenders(
  scope: Scope,
  extenders: readonly Extender[],
  pod: PodInfo,
  nodes: readonly NodeState[],
): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>()
  const asked = extenders.filter(({ config }) => config.prioritizeVerb !== '')
  const answers = await Promise.all(
    asked.map((extender) =>
      extender.prioritize(scope, pod, nodes).catch((error: unknown): ReadonlyMap<string, number> => {
        scope.log.debug('an extender gave no scores', { extender: extender.config.urlPrefix, error: messageOf(error) })
        return new Map()
      }),
    ),
  )
  for (const answer of answers) for (const [name, score] of answer) sums.set(name, (sums.get(name) ?? 0) + score)
  return sums
}

/** The candidates that all who have a say in it agree to. */
export async function candidatesOfExtenders(
  scope: Scope,
  extenders: readonly Extender[],
  pod: PodInfo,
  found: readonly Candidate[],
): Promise<readonly Candidate[]> {
  let candidates = found
  for (const extender of extenders) {
    if (extender.config.preemptVerb === '' || candidates.length === 0) continue
    candidates = (await orIgnored(scope, extender, () => extender.preempt(scope, pod, candidates))) ?? candidates
  }
  return candidates
}

async function orIgnored<T>(scope: Scope, extender: Extender, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (scope.signal.aborted || !extender.config.ignorable) throw error
    scope.log.info('an extender that may be ignored did not answer', { extender: extender.config.urlPrefix, error: messageOf(error) })
    return undefined
  }
}
