import { rfc3339Micro } from '#base'
import { isRolledOut } from '#api'
import type { ReleaseStatus } from '../objects.ts'
import { LOCK, lockOf, templateHash } from '../parts.ts'
import { sharesIn } from './plan-steps.ts'
import { turn } from '../record/record.ts'
import { stepsOf } from './steps.ts'
import { type Plan, SOON_MS, type World, type Write } from '../world.ts'
import { autoscalerWrites, finalizer, lockWrite, routeWrites, templateWrite, trackWrites, withoutTracks } from '../writes.ts'

const LOOK_MS = 2000
/** From a route that leads to somebody no more until his pods go: every gateway has heard of it by then, and what is under way has been answered. */
const SETTLE_MS = 3000

/** The new version takes the place of the old one, or goes; then everything is as if there had been no release. */
export function planEnd(world: World, status: ReleaseStatus, nowMs: number): Plan {
  switch (status.phase) {
    case 'Promoting':
      return promote(world, status, nowMs)
    case 'Finishing':
      return settle(world, status, nowMs, 'Succeeded', 'Released', 'the new version is released')
    default:
      return takeBack(world, status, nowMs)
  }
}

function promote(world: World, status: ReleaseStatus, nowMs: number): Plan {
  const { release, target, tracks } = world
  const { strategy, readySeconds } = release.spec
  if (target === undefined || status.stable === undefined || status.next === undefined) return { writes: [], status }
  const isBeside = stepsOf(strategy) !== undefined
  const isLate = nowMs - Date.parse(status.phaseSince) > readySeconds * 1000 * (isBeside ? 2 : 1)
  if (isLate) {
    const message = `the new version was not in place within ${Math.round((nowMs - Date.parse(status.phaseSince)) / 1000)} s`
    return { writes: [], status: turn(status, nowMs, 'RollingBack', 'NotReady', message), afterMs: SOON_MS }
  }
  const wait = (writes: readonly Write[], message: string): Plan => ({
    writes,
    status: { ...status, message },
    afterMs: writes.length > 0 ? SOON_MS : LOOK_MS,
  })
  if (isBeside) {
    // All requests are with pods of the new version beside, before the first of the old ones goes.
    const beside = [...autoscalerWrites(world, true), ...trackWrites(world, 'next', status.next, target.spec?.replicas ?? 1)]
    if (beside.length > 0) return wait(beside, 'as many pods of the new version are made ready as there are of the old one')
    if (status.weight < 100 && !(tracks.next.deployment !== undefined && isRolledOut(tracks.next.deployment)))
      return wait([], 'as many pods of the new version are made ready as there are of the old one')
    const route = routeWrites(world, sharesIn(release, 100, false))
    if (route.length > 0) return wait(route, 'all requests go to the new version')
    if (status.weight < 100) return { writes: [], status: { ...status, weight: 100 }, afterMs: SOON_MS }
  }
  if (templateHash(target.spec?.template ?? {}) !== status.next.hash) {
    const recreate = strategy.type === 'Standard' ? { type: 'Recreate' as const } : undefined
    return wait([templateWrite(target, status.next, recreate)], 'the Deployment gets the new version')
  }
  const control = withoutTracks(world, ['control'])
  if (!isRolledOut(target)) return wait(control, 'the Deployment replaces its pods')
  return {
    writes: control,
    status: turn({ ...status, weight: 100 }, nowMs, 'Finishing', 'Finishing', 'the new version is in place'),
    afterMs: SOON_MS,
  }
}

function takeBack(world: World, status: ReleaseStatus, nowMs: number): Plan {
  const { target, release } = world
  const { stable, next } = status
  const isLocked = target?.metadata?.annotations?.[LOCK] === lockOf(release)
  const isChanged = target !== undefined && isLocked && next !== undefined && templateHash(target.spec?.template ?? {}) === next.hash
  // Where the Deployment still is the old version its pods serve: requests are back with them at once.
  if (isChanged && stable !== undefined) {
    const write = templateWrite(target, stable, undefined)
    return { writes: [write], status: { ...status, message: 'the Deployment gets the old version back' }, afterMs: SOON_MS }
  }
  const isLate = nowMs - Date.parse(status.phaseSince) > release.spec.readySeconds * 1000
  const wasChanged = status.weight === 100 || stepsOf(release.spec.strategy) === undefined
  if (target !== undefined && wasChanged && !isRolledOut(target) && !isLate)
    return { writes: [], status: { ...status, message: 'the Deployment replaces its pods' }, afterMs: LOOK_MS }
  return settle(world, status, nowMs, 'RolledBack', status.reason, rolledBack(status))
}

const rolledBack = ({ history, message }: ReleaseStatus): string =>
  history.findLast(({ phase }) => phase === 'RollingBack')?.message ?? message

/** The route is as it was; then, after a while, what stood beside goes, and the marks are taken off. */
function settle(
  world: World,
  status: ReleaseStatus,
  nowMs: number,
  end: 'Succeeded' | 'RolledBack',
  reason: string,
  message: string,
): Plan {
  const { release, target } = world
  const route = routeWrites(world, [])
  if (route.length > 0) return { writes: route, status, afterMs: SOON_MS }
  const isBeside = stepsOf(release.spec.strategy) !== undefined
  const weight = end === 'Succeeded' ? 100 : 0
  if (status.stepSince === undefined)
    return { writes: [], status: { ...status, weight, stepSince: rfc3339Micro(nowMs) }, afterMs: isBeside ? SETTLE_MS : SOON_MS }
  const leftMs = Date.parse(status.stepSince) + SETTLE_MS - nowMs
  if (isBeside && leftMs > 0) return { writes: [], status, afterMs: leftMs }
  const isLocked = target?.metadata?.annotations?.[LOCK] === lockOf(release)
  const strategy = status.strategyBefore
  const isRecreate =
    release.spec.strategy.type === 'Standard' && target?.spec?.strategy?.type === 'Recreate' && strategy?.type !== 'Recreate'
  const writes = [
    ...withoutTracks(world),
    ...autoscalerWrites(world, false),
    ...(isLocked && isRecreate && strategy !== undefined && target !== undefined ? [strategyWrite(target, strategy)] : []),
  ]
  if (writes.length > 0) return { writes, status, afterMs: SOON_MS }
  if (isLocked && target !== undefined) return { writes: [lockWrite(target, undefined)], status, afterMs: SOON_MS }
  return { writes: finalizer(release, false), status: turn({ ...status, weight }, nowMs, end, reason, message) }
}

function strategyWrite(target: NonNullable<World['target']>, strategy: NonNullable<ReleaseStatus['strategyBefore']>): Write {
  const { metadata } = target
  const { verb, ref, name } = lockWrite(target, undefined)
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: metadata?.resourceVersion },
    { op: 'add', path: '/spec/strategy', value: strategy },
  ]
  return { verb, ref, name, body }
}
