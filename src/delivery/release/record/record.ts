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
  return { ...status, history: joined(history, entry).slice(-MOST_HISTORY) }
}

/** A line that says no more than the one of the same moment before it is left out, and one that says all of it takes its place. */
function joined(history: readonly HistoryEntry[], entry: HistoryEntry): readonly HistoryEntry[] {
  const last = history.at(-1)
  const isSameMoment = last?.time === entry.time && last.attempt === entry.attempt && last.step === entry.step
  if (last === undefined || !isSameMoment || last.verdict !== entry.verdict || entry.verdict === undefined) return [...history, entry]
  const judged = last.message.startsWith(`${last.verdict}: `) ? last.message.slice(`${last.verdict}: `.length) : undefined
  if (judged === undefined || !entry.message.includes(judged)) return [...history, entry]
  return entry.message === judged && entry.phase === last.phase ? history : [...history.slice(0, -1), entry]
}
