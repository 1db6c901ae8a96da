import { type Scope, rfc3339, rfc3339Micro } from '#base'
import { deepEqual, isConflict, isNotFound } from '#api'
import type { Client } from '#client'
import type { Breaker, Trip } from '../breaker/breaker.ts'
import { ejectedIn } from '../breaker/outliers.ts'
import { mergeConditions } from '../gateway-api/status/conditions.ts'
import type { Held } from './governor.ts'
import { type BreakerStatus, type TrafficPolicy, type TrafficStatus, trafficRef } from './policy.ts'

const OURS: ReadonlySet<string> = new Set(['Accepted'])
const MOST_EJECTED = 64

/** What the status of a policy is to say. */
export function statusOf(
  { policy, verdict, isHeld, breaker, outliers }: Held,
  release: BreakerStatus['release'],
  nowMs: number,
): TrafficStatus {
  const generation = policy.metadata?.generation ?? 0
  const ejected = [...ejectedIn(outliers)].slice(0, MOST_EJECTED).map(([address, untilMs]) => ({
    address,
    until: rfc3339Micro(untilMs),
    times: outliers.get(address)?.times ?? 1,
  }))
  return {
    observedGeneration: generation,
    conditions: mergeConditions(policy.status?.conditions ?? [], [verdict], OURS, generation, rfc3339(nowMs)),
    ...(breaker === undefined || !isHeld ? {} : { breaker: breakerStatus(breaker, release) }),
    ...(ejected.length === 0 ? {} : { ejected }),
  }
}

function breakerStatus(breaker: Breaker, release: BreakerStatus['release']): BreakerStatus {
  const since = rfc3339Micro(breaker.sinceMs)
  if (breaker.state === 'Closed') return { state: 'Closed', since, message: 'requests pass' }
  const { state, trip, times } = breaker
  return {
    state,
    since,
    ...(state === 'Open' && breaker.untilMs !== undefined ? { until: rfc3339Micro(breaker.untilMs) } : {}),
    times,
    ...(trip === undefined ? {} : { trip }),
    message:
      trip === undefined ? 'somebody has said so' : `${said(trip)}${release === undefined ? '' : ` during the release ${release.name}`}`,
    ...(release === undefined ? {} : { release }),
  }
}

/** Why a breaker opened, in one sentence. */
export const said = ({ rule, requests, bad }: Trip): string =>
  `${bad} of ${requests} requests ${rule === 'SlowRatio' ? 'were slow' : 'had errors'} (${rule})`

/** Writes what is not there yet. What has changed meanwhile is looked at again, since its change is told. */
export async function writeStatus(
  scope: Scope,
  client: Client,
  { metadata, status: known }: TrafficPolicy,
  status: TrafficStatus,
): Promise<void> {
  if (deepEqual(known, status)) return
  const { namespace, name = '', resourceVersion } = metadata ?? {}
  // What is not said any more has to be said to be gone.
  const body = {
    metadata: { resourceVersion },
    status: {
      ...status,
      breaker: status.breaker === undefined ? null : { until: null, times: null, trip: null, release: null, ...status.breaker },
      ejected: status.ejected ?? null,
    },
  }
  try {
    await client.resource(trafficRef).patch(scope, { namespace, name }, { type: 'merge', body }, { subresource: 'status' })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
