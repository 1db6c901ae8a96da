import { rfc3339Micro } from '#base'
import { isRolledOut } from '#api'
import { lookFor } from '../analysis.ts'
import type { Release, ReleaseStatus } from '../objects.ts'
import { noted, turn } from '../record/record.ts'
import { type Share, trackName } from '../route/shares.ts'
import { type Step, podsOf, sharesOf, stepsOf } from './steps.ts'
import { beginWindow } from '../window.ts'
import { type Plan, SOON_MS, type World } from '../world.ts'
import { autoscalerWrites, routeWrites, trackWrites } from '../writes.ts'

/** How often counts are read while there is something to find out. */
export const COUNT_MS = 2000

/** Both versions side by side: they are made ready, the route is set, and what happens is looked at, step by step. */
export function planSteps(world: World, status: ReleaseStatus, nowMs: number): Plan {
  const { release, target } = world
  const step = stepsOf(release.spec.strategy)?.[status.step]
  if (step === undefined || target === undefined)
    return { writes: [], status: turn(status, nowMs, 'Promoting', 'Promoting', 'the new version takes over'), afterMs: SOON_MS }
  const wantsControl = release.spec.analysis !== undefined && step.weight > 0 && step.weight < 100
  const hasControl = wantsControl && status.isStableBroken !== true
  const pods = podsOf(step, target.spec?.replicas ?? 1)
  const writes = [
    ...autoscalerWrites(world, true),
    ...trackWrites(world, 'next', status.next, pods),
    ...(wantsControl ? trackWrites(world, 'control', status.stable, pods) : []),
  ]
  if (status.stepSince !== undefined) return planWithin(world, { status, step, writes, hasControl, wantsControl }, nowMs)
  if (writes.length > 0) return { writes, status, afterMs: SOON_MS }
  const { next, control } = world.tracks
  const isNextReady = next.deployment !== undefined && isRolledOut(next.deployment)
  const isControlReady = !hasControl || (control.deployment !== undefined && isRolledOut(control.deployment))
  const sinceMs = nowMs - Date.parse(status.phaseSince)
  const isLate = sinceMs > release.spec.readySeconds * 1000
  if (!isNextReady) {
    if (isLate) return rollBack(status, nowMs, 'NotReady', `the new version was not ready within ${release.spec.readySeconds} s`)
    return waiting(status, 'NotReady', 'the new version is made ready')
  }
  if (!isControlReady) {
    // Fresh pods of the version that is served do not come up, or none of its pods serves: that cannot hold up the one that may mend it.
    if (!isLate && (target.status?.availableReplicas ?? 0) > 0) return waiting(status, 'NotReady', 'the control is made ready')
    if (release.spec.analysis?.brokenStable === 'RollBack')
      return rollBack(status, nowMs, 'StableBroken', 'fresh pods of the present version do not get ready: there is nothing to compare with')
    const message = 'fresh pods of the present version do not get ready: it counts as one that answers nothing'
    return { writes: [], status: noted({ ...status, isStableBroken: true, message }, nowMs, message), afterMs: SOON_MS }
  }
  const route = routeWrites(world, sharesIn(release, step.weight, hasControl))
  if (route.length > 0) return { writes: route, status, afterMs: SOON_MS }
  const reached: ReleaseStatus = {
    ...status,
    phase: 'Progressing',
    reason: 'Progressing',
    weight: step.weight,
    // A step is late from here on; so is the next one.
    phaseSince: rfc3339Micro(nowMs),
    stepSince: rfc3339Micro(nowMs),
    message: `${step.weight} of 100 requests go to the new version`,
  }
  const { verdict: _verdict, analysis: _analysis, ...clean } = reached
  const { reading } = world
  const window = wantsControl && reading !== undefined && 'instance' in reading ? { analysis: beginWindow(status.step, reading) } : {}
  return { writes: [], status: noted({ ...clean, ...window }, nowMs, reached.message), afterMs: SOON_MS }
}

interface Within {
  readonly status: ReleaseStatus
  readonly step: Step
  readonly writes: Plan['writes']
  readonly hasControl: boolean
  readonly wantsControl: boolean
}

/** The route is as the step wants it. */
function planWithin(world: World, { status: known, step, writes, hasControl, wantsControl }: Within, nowMs: number): Plan {
  const { spec } = world.release
  // Weights that somebody else has changed are set again, and no second step begins.
  const route = routeWrites(world, sharesIn(world.release, step.weight, hasControl))
  const status = wantsControl ? lookFor(world, known, nowMs) : known
  const all = [...writes, ...route]
  const stay = (reason: string, message: string, afterMs = COUNT_MS): Plan => {
    const said = reason === status.reason ? { ...status, message } : noted({ ...status, reason, message }, nowMs, message)
    return { writes: all, status: said, afterMs }
  }
  const said = status.analysis?.judgement?.message ?? ''
  const { verdict } = status
  const approval = spec.approvals?.find((one) => one.attempt === status.attempt && one.step === known.step)
  if (verdict === 'Worse' && spec.rollback === 'Automatic') return rollBack(status, nowMs, 'Worse', `the new version is worse: ${said}`)
  if (spec.promoteAttempt === status.attempt)
    return { writes: [], status: turn(status, nowMs, 'Promoting', 'Promoted', 'somebody has promoted the new version'), afterMs: SOON_MS }
  if (spec.paused === true) return stay('Paused', `paused${said === '' ? '' : `; ${said}`}`)
  const passedMs = nowMs - Date.parse(status.stepSince ?? status.phaseSince)
  const leftMs = step.pauseSeconds * 1000 - passedMs
  if (leftMs > 0)
    return stay(
      'Waiting',
      `the step lasts ${step.pauseSeconds} s${said === '' ? '' : `; ${said}`}`,
      wantsControl ? Math.min(leftMs, COUNT_MS) : leftMs,
    )
  if (approval === undefined) {
    if (verdict === 'Worse') return stay('Worse', `waits for somebody: the new version is worse: ${said}`)
    if (wantsControl && (verdict === undefined || verdict === 'NotEnoughEvidence')) {
      const { evidenceSeconds = 0, withoutEvidence = 'Wait' } = spec.analysis ?? {}
      const shown = world.reading !== undefined && 'blind' in world.reading ? world.reading.blind : said
      if (passedMs < evidenceSeconds * 1000) return stay('Analysing', shown === '' ? 'counting' : shown)
      if (withoutEvidence === 'RollBack')
        return rollBack(status, nowMs, 'NotEnoughEvidence', `not enough evidence within ${evidenceSeconds} s: ${shown}`)
      if (withoutEvidence === 'Wait')
        return stay('NotEnoughEvidence', `not enough evidence within ${evidenceSeconds} s, waits for more or for somebody: ${shown}`)
    }
    if (step.gate) return stay('Gate', `waits for an approval of step ${known.step}${said === '' ? '' : `; ${said}`}`)
    if (wantsControl && spec.promotion === 'Manual') return stay('Gate', `waits for somebody to go on: ${said}`)
  }
  const { stepSince: _stepSince, ...rest } = status
  const gone: ReleaseStatus = {
    ...rest,
    step: known.step + 1,
    phaseSince: rfc3339Micro(nowMs),
    reason: 'Progressing',
    message: 'the next step is made ready',
  }
  const why = approval === undefined ? `step ${known.step} is done${said === '' ? '' : `: ${said}`}` : `step ${known.step} is approved`
  return { writes: [], status: noted(gone, nowMs, why, approval?.by), afterMs: SOON_MS }
}

/** Who gets how many of the requests; those who get none are named too. */
export function sharesIn({ spec }: Release, weight: number, hasControl: boolean): readonly Share[] {
  const { next, control, stable } = sharesOf(weight, hasControl)
  const service = spec.service ?? ''
  return [
    { service, weight: stable },
    ...(hasControl ? [{ service: trackName(service, 'control'), weight: control }] : []),
    { service: trackName(service, 'next'), weight: next },
  ]
}

const rollBack = (status: ReleaseStatus, nowMs: number, reason: string, message: string): Plan => ({
  writes: [],
  status: turn(status, nowMs, 'RollingBack', reason, message),
  afterMs: SOON_MS,
})

const waiting = (status: ReleaseStatus, reason: string, message: string): Plan => ({
  writes: [],
  status: { ...status, reason, message },
  afterMs: COUNT_MS,
})
