import type { Condition } from '../kinds.ts'

/** What is said of an object, without what depends on when it is said. */
export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export const isTrue = (type: string, reason: string, message = ''): Verdict => ({ type, status: 'True', reason, message })
export const isFalse = (type: string, reason: string, message: string): Verdict => ({ type, status: 'False', reason, message })

/**
 * Conditions with what is said now: of others none is changed or moved, of those that are ours (`types`) the ones that are not said any more are gone, and
 * one that says the same as before keeps its time. What was said of a later generation than this one stays.
 */
export function mergeConditions(
  known: readonly Condition[],
  said: readonly Verdict[],
  types: ReadonlySet<string>,
  generation: number,
  now: string,
): readonly Condition[] {
  const merged = known.flatMap((one) => {
    const verdict = said.find(({ type }) => type === one.type)
    if ((one.observedGeneration ?? 0) > generation) return [one]
    if (verdict === undefined) return types.has(one.type) ? [] : [one]
    return [stamped(verdict, one.status === verdict.status ? (one.lastTransitionTime ?? now) : now, generation)]
  })
  const news = said.filter(({ type }) => !known.some((one) => one.type === type)).map((verdict) => stamped(verdict, now, generation))
  return [...merged, ...news]
}

const stamped = ({ type, status, reason, message }: Verdict, lastTransitionTime: string, observedGeneration: number): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime,
  observedGeneration,
})

/** Whether two lists of conditions say the same, whatever the order of their fields. */
export const sameConditions = (a: readonly Condition[], b: readonly Condition[]): boolean =>
  a.length === b.length &&
  a.every((one, at) => {
    const other = b[at]
    return (
      one.type === other?.type &&
      one.status === other.status &&
      one.reason === other.reason &&
      one.message === other.message &&
      one.observedGeneration === other.observedGeneration &&
      one.lastTransitionTime === other.lastTransitionTime
    )
  })
