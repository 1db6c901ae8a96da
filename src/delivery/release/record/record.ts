import { rfc3339, rfc3339Micro } from '#base'
import type { HistoryEntry, Phase, Release, ReleaseStatus } from '../objects.ts'

const MOST_HISTORY = 200

/** An attempt begins with nothing but the record of those before. */
export function fresh({ spec }: Release, known: ReleaseStatus | undefined, nowMs: number): ReleaseStatus {
  const status: ReleaseStatus = {
    attempt: spec.attempt,
    phase: 'Pending',
    reason: 'Pending',
    message: '',
    step: 0,
    weight: 0,
    phaseSince: rfc3339Micro(nowMs),
    history: known?.history ?? [],
  }
  return status
}

/** The status in another phase, and a line in the record. */
export function turn(status: ReleaseStatus, nowMs: number, phase: Phase, reason: string, message: string): ReleaseStatus {
  const { stepSince: _stepSince, ...rest } = status
  return noted({ ...rest, phase, reason, message, phaseSince: rfc3339Micro(nowMs) }, nowMs, message)
}

/** With a line in the record of what has just become so. */
export function noted(status: ReleaseStatus, nowMs: number, message: string, by?: string): ReleaseStatus {
  const { attempt, phase, step, weight, verdict, history } = status
  const entry: HistoryEntry = {
    time: rfc3339(nowMs),
    attempt,
    phase,
    step,
    weight,
    message,
    ...(verdict === undefined ? {} : { verdict }),
    ...(by === undefined ? {} : { by }),
  }
  return { ...status, history: [...history, entry].slice(-MOST_HISTORY) }
}
