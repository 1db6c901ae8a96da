import type { Verdict } from '../gateway-api/status/conditions.ts'
import { isFalse, isTrue } from '../gateway-api/status/conditions.ts'
import { shown } from '../model/grammar.ts'
import { type TrafficPolicy, keyOfPolicy } from './policy.ts'

/** What the data plane can be told of one Service in one line. */
const MOST_POLICIES = 8
/** The place of a policy without paths. */
const WHOLE = ''

export interface JudgedService {
  /** By key of the policy. */
  readonly verdicts: ReadonlyMap<string, Verdict>
  /** Those that hold. */
  readonly accepted: readonly TrafficPolicy[]
  /** Of those the one for all of the Service. */
  readonly whole: TrafficPolicy | undefined
}

/** Of two policies of one Service for the same the older one holds; the other is refused and told whose it is. */
export function judgeService(policies: readonly TrafficPolicy[], hasService: boolean): JudgedService {
  const verdicts = new Map<string, Verdict>()
  const accepted: TrafficPolicy[] = []
  const owners = new Map<string, string>()
  for (const policy of policies.toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1))) {
    const key = keyOfPolicy(policy)
    const places = [...new Set(policy.spec.paths ?? [WHOLE])]
    const taken = places.find((place) => owners.has(place))
    if (taken !== undefined) {
      const what = taken === WHOLE ? 'the same Service' : `the path ${shown(taken)} of the same Service`
      verdicts.set(key, isFalse('Accepted', 'Conflicted', `the TrafficPolicy ${owners.get(taken) ?? ''}, which is older, is for ${what}`))
    } else if (accepted.length === MOST_POLICIES)
      verdicts.set(
        key,
        isFalse('Accepted', 'TooMany', `a Service has at most ${MOST_POLICIES} policies, and this one is younger than those`),
      )
    else {
      for (const place of places) owners.set(place, key)
      accepted.push(policy)
      verdicts.set(
        key,
        hasService
          ? isTrue('Accepted', 'Accepted')
          : isFalse('Accepted', 'TargetNotFound', `there is no Service ${shown(policy.spec.service)} in this namespace`),
      )
    }
  }
  return { verdicts, accepted, whole: accepted.find(({ spec }) => spec.paths === undefined) }
}

const rankOf = (policy: TrafficPolicy): string => `${policy.metadata?.creationTimestamp ?? ''} ${keyOfPolicy(policy)}`
