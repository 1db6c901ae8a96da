import { type ReleaseStatus, TERMINAL } from '../objects.ts'
import { LOCK, besideProblem, isMadeBy, lockOf, templateHash, versionOf } from '../parts.ts'
import { planEnd } from './plan-end.ts'
import { planSteps } from './plan-steps.ts'
import { fresh, turn } from '../record/record.ts'
import { httpRouteProblem } from '../route/http-route.ts'
import { routeProblem } from '../route/ingress.ts'
import { TRACKS } from '../route/shares.ts'
import { stepsOf } from './steps.ts'
import { type Plan, SOON_MS, type World } from '../world.ts'
import { finalizer, lockWrite } from '../writes.ts'

/** What is to be done now. Pure: the same world at the same time gives the same plan, and a plan that has been carried out gives one without writes. */
export function planRelease(world: World, nowMs: number): Plan {
  const { release } = world
  const known = release.status
  const isGoing = release.metadata?.deletionTimestamp !== undefined
  if (known === undefined || (TERMINAL.has(known.phase) && release.spec.attempt > known.attempt && !isGoing))
    return begin(world, fresh(release, known, nowMs), nowMs)
  if (TERMINAL.has(known.phase)) return { writes: isGoing ? finalizer(release, false) : [], status: known }
  const status = stopped(world, known, nowMs)
  switch (status.phase) {
    case 'Pending':
      return begin(world, status, nowMs)
    case 'Preparing':
    case 'Progressing':
      return planSteps(world, status, nowMs)
    default:
      return planEnd(world, status, nowMs)
  }
}

/** With the reasons to stop that hold in any phase. */
function stopped({ release, target }: World, status: ReleaseStatus, nowMs: number): ReleaseStatus {
  if (status.phase === 'RollingBack' || status.phase === 'Finishing') return status
  const back = (reason: string, message: string): ReleaseStatus => turn(status, nowMs, 'RollingBack', reason, message)
  if (release.metadata?.deletionTimestamp !== undefined) return back('Deleted', 'the Release is deleted before its end')
  if (release.spec.abortAttempt === status.attempt) return back('Aborted', 'aborted')
  if (status.phase === 'Pending') return status
  if (target === undefined) return back('TargetGone', `the Deployment ${release.spec.deployment} is gone`)
  if (target.metadata?.annotations?.[LOCK] !== lockOf(release))
    return back('LockLost', 'somebody has taken the mark of this release off the Deployment')
  const hash = templateHash(target.spec?.template ?? {})
  const isOurs = hash === status.stable?.hash || (status.phase === 'Promoting' && hash === status.next?.hash)
  return isOurs
    ? status
    : back('ChangedByHand', 'the template of the Deployment was changed by somebody else: what he has made of it stays')
}

function begin(world: World, status: ReleaseStatus, nowMs: number): Plan {
  const { release, target, owner, proposed } = world
  const refuse = (reason: string, message: string): Plan => ({
    writes: finalizer(release, false),
    status: turn(status, nowMs, 'Refused', reason, message),
  })
  if (release.metadata?.deletionTimestamp !== undefined) return refuse('Deleted', 'the Release is deleted before it began')
  if (target === undefined) return refuse('TargetMissing', `there is no Deployment ${release.spec.deployment}`)
  const lock = target.metadata?.annotations?.[LOCK]
  const isLocked = lock === lockOf(release)
  if (!isLocked && owner !== undefined)
    return refuse(
      'Locked',
      `the Deployment ${release.spec.deployment} is being released by the Release ${owner.metadata?.name ?? ''}${owner.spec.author === undefined ? '' : ` of ${owner.spec.author}`}`,
    )
  if (proposed === undefined) return { writes: [], status, afterMs: SOON_MS }
  if ('problem' in proposed) return refuse('TemplateRefused', proposed.problem)
  const [stable, next] = [versionOf(target.spec?.template ?? {}), versionOf(proposed)]
  if (stable.hash === next.hash) return refuse('NothingToRelease', 'the Deployment has this template already')
  const problem = problemBeside(world)
  if (problem !== undefined) return refuse('NotPossible', problem)
  const guarded = finalizer(release, true)
  if (guarded.length > 0) return { writes: guarded, status, afterMs: SOON_MS }
  if (!isLocked) return { writes: [lockWrite(target, lockOf(release))], status, afterMs: SOON_MS }
  const { strategy } = target.spec ?? {}
  const known: ReleaseStatus = { ...status, stable, next, ...(strategy === undefined ? {} : { strategyBefore: strategy }) }
  const isBeside = stepsOf(release.spec.strategy) !== undefined
  return {
    writes: [],
    status: turn(
      known,
      nowMs,
      isBeside ? 'Preparing' : 'Promoting',
      'Started',
      isBeside ? 'both versions are made ready' : 'the pods are replaced',
    ),
    afterMs: SOON_MS,
  }
}

function problemBeside({ release, target, service, ingress, httpRoute, tracks }: World): string | undefined {
  const { spec } = release
  if (stepsOf(spec.strategy) === undefined) return undefined
  const route = spec.ingress === undefined ? `the HTTPRoute ${spec.httpRoute ?? ''}` : `the Ingress ${spec.ingress}`
  if (spec.service === undefined || (spec.ingress === undefined) === (spec.httpRoute === undefined))
    return `the strategy ${spec.strategy.type} needs spec.service, and spec.ingress or spec.httpRoute`
  if (service === undefined) return `there is no Service ${spec.service}`
  if (ingress === undefined && httpRoute === undefined) return `there is no ${route.slice('the '.length)}`
  const foreign = TRACKS.flatMap((track) => Object.values(tracks[track])).find(
    (object) => object !== undefined && !isMadeBy(object, release),
  )
  if (foreign !== undefined)
    return `${foreign.kind ?? 'the object'} ${foreign.metadata?.name ?? ''} is there, and was not made by this release`
  const problem =
    (ingress === undefined ? undefined : routeProblem(ingress, spec.service)) ??
    (httpRoute === undefined ? undefined : httpRouteProblem(httpRoute, spec.service))
  return (target === undefined ? undefined : besideProblem(target, service)) ?? (problem === undefined ? undefined : `${route}: ${problem}`)
}
