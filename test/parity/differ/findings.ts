import { type Difference, withoutInternals } from '../compare.ts'
import type { Answer, Step } from '../corpus.ts'
import { pick } from '../json-path.ts'
import { compareAnswers } from '../run.ts'

/** How a change reaches the servers: in a new object, as one of the patches of a stored one, or as a status. */
export const MODES = ['create', 'strict', 'pairs', 'update', 'merge', 'apply', 'table', 'status'] as const
export type Mode = (typeof MODES)[number]

/** A request that two servers have answered differently. */
export interface Finding {
  readonly kind: string
  readonly mode: Mode | 'retold' | 'manifest'
  readonly change: string
  readonly request: Step
  readonly status: readonly [number, number]
  readonly differences: readonly Difference[]
  /** Causes that the one has named and the other has not, `field: message`; none of either when only the order differs. */
  readonly missing: readonly string[]
  readonly added: readonly string[]
}

/** What is wrong with the request, in the answer's words. */
function causesOf(answer: Answer | undefined): readonly string[] {
  if (answer === undefined || answer.status < 400) return []
  const causes = pick(answer.body, 'details.causes')
  if (!Array.isArray(causes)) return [withoutInternals(String(pick(answer.body, 'message')))]
  return causes.map((cause) => withoutInternals(`${String(pick(cause, 'field'))}: ${String(pick(cause, 'message'))}`))
}

/** What two servers have answered to one request; undefined: the same, or the first one has cut the connection. */
export function findingOf(
  about: Pick<Finding, 'kind' | 'mode' | 'change' | 'request'>,
  [expected, got]: readonly (Answer | undefined)[],
): Finding | undefined {
  if (expected === undefined) return undefined
  const differences =
    got === undefined ? [{ path: 'answer', expected: String(expected.status), got: 'none' }] : compareAnswers(expected, got)
  if (differences.length === 0) return undefined
  const [real, ours] = [causesOf(expected), causesOf(got)]
  return {
    ...about,
    status: [expected.status, got?.status ?? 0],
    differences,
    missing: real.filter((cause) => !ours.includes(cause)),
    added: ours.filter((cause) => !real.includes(cause)),
  }
}
