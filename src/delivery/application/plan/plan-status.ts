import { rfc3339 } from '#base'
import type { Application, ApplicationStatus, Condition, Mode, PartStatus, PodCounts } from '../objects.ts'

/** What hinders an application as a whole. */
export interface Trouble {
  readonly reason: 'RevisionMissing' | 'RevisionIncomplete' | 'RevisionRefused' | 'PartRefused' | 'NotOurs'
  readonly message: string
}

export interface StatusInput {
  readonly application: Application
  readonly parts: readonly PartStatus[]
  /** What the parts are brought to in whole; as before when they are not at what is wanted. */
  readonly reached: { readonly revision: number; readonly mode: Mode } | undefined
  readonly trouble: Trouble | undefined
  readonly nowMs: number
}

const NONE: PodCounts = { wanted: 0, updated: 0, ready: 0, available: 0 }

/** The sum over the parts is what the application has: both are of one look at the world. */
export const podsOf = (parts: readonly PartStatus[]): PodCounts =>
  parts.reduce<PodCounts>(
    (sum, { pods = NONE }) => ({
      wanted: sum.wanted + pods.wanted,
      updated: sum.updated + pods.updated,
      ready: sum.ready + pods.ready,
      available: sum.available + pods.available,
    }),
    NONE,
  )

export function planStatus(input: StatusInput): ApplicationStatus {
  const { application, parts, reached, trouble } = input
  const before = application.status
  const pods = podsOf(parts)
  const failed = parts.filter(({ state }) => state === 'Failed' || state === 'Missing')
  const ready = parts.filter(({ state }) => state === 'Ready').length
  const counts = `${ready} of ${parts.length} parts are ready, ${pods.ready} of ${pods.wanted} pods`
  const isReached = reached !== undefined && reached.revision === application.spec.revision && reached.mode === modeNow(application)
  const isDone = isReached && ready === parts.length && trouble === undefined
  const first = failed[0]
  const why =
    trouble ??
    (first === undefined
      ? undefined
      : {
          reason: first.state === 'Missing' ? 'PartMissing' : 'PartFailed',
          message: `${first.kind}/${first.name}: ${first.message ?? first.state}`,
        })
  const unfinished = parts.find(({ state }) => state === 'Waiting') ?? parts.find(({ state }) => state === 'Progressing')
  const conditions = [
    condition(
      'Ready',
      isDone,
      isDone ? doneReason(modeNow(application)) : (why?.reason ?? 'Progressing'),
      isDone || why === undefined ? counts : `${why.message} (${counts})`,
    ),
    condition(
      'Progressing',
      !isDone && trouble === undefined && (unfinished !== undefined || !isReached),
      isDone ? doneReason(modeNow(application)) : unfinished === undefined ? (why?.reason ?? 'Progressing') : unfinished.state,
      unfinished === undefined ? counts : `${unfinished.kind}/${unfinished.name}: ${unfinished.message ?? 'not ready'}`,
    ),
    condition('Degraded', why !== undefined, why?.reason ?? 'AsExpected', why?.message ?? ''),
  ]
  return {
    observedGeneration: application.metadata?.generation,
    ...(reached === undefined ? {} : { revision: reached.revision, mode: reached.mode }),
    summary: `${pods.ready}/${pods.wanted}`,
    pods,
    parts,
    conditions: conditions.map((made) => withTime(made, before?.conditions, input)),
  }
}

const modeNow = ({ spec }: Application): Mode => spec.mode ?? 'Running'
const doneReason = (mode: Mode): string => (mode === 'Running' ? 'AllReady' : mode)

type Made = Omit<Condition, 'lastTransitionTime'>

const condition = (type: string, holds: boolean, reason: string, message: string): Made => ({
  type,
  status: holds ? 'True' : 'False',
  reason,
  message: message.slice(0, 4096),
})

function withTime(made: Made, before: readonly Condition[] | undefined, { application, nowMs }: StatusInput): Condition {
  const known = before?.find(({ type }) => type === made.type)
  const lastTransitionTime = known?.status === made.status ? known.lastTransitionTime : rfc3339(nowMs)
  return { ...made, lastTransitionTime, observedGeneration: application.metadata?.generation }
}
