import { UserError } from '#base'
import type { core } from '#api'

/** Pods of at least this priority (and below the next group's) get so long when the node shuts down. */
export interface ShutdownGroup {
  readonly priority: number
  readonly graceSeconds: number
}

const CRITICAL_PRIORITY = 2_000_000_000

/**
 * Two groups out of the two periods (the second is the part of the first that is kept for critical pods), or as many as are written down:
 * `PRIORITY=SECONDS`, with commas. Lowest priority first; none: nothing is waited for. Throws `UserError`.
 */
export function shutdownGroups(totalSeconds: number, criticalSeconds: number, byPriority = ''): readonly ShutdownGroup[] {
  const words = byPriority.split(',').filter((word) => word.trim() !== '')
  if (words.length > 0 && totalSeconds > 0)
    throw new UserError(
      'the time for a shutdown is given twice',
      'give either --shutdown-grace-period or --shutdown-grace-period-by-pod-priority',
    )
  if (words.length > 0) {
    const groups = words.map((word) => {
      const [, priority, seconds] = /^\s*(-?\d{1,10})=(\d{1,6})\s*$/.exec(word) ?? []
      if (priority === undefined || seconds === undefined)
        throw new UserError(`not a grace period by priority: ${word}`, 'write PRIORITY=SECONDS')
      return { priority: Number(priority), graceSeconds: Number(seconds) }
    })
    return groups.sort((a, b) => a.priority - b.priority)
  }
  if (criticalSeconds > totalSeconds)
    throw new UserError(
      'the time for critical pods is longer than that for all of them',
      'give a --shutdown-grace-period that is at least --shutdown-grace-period-critical-pods',
    )
  if (totalSeconds === 0) return []
  return [
    { priority: 0, graceSeconds: totalSeconds - criticalSeconds },
    { priority: CRITICAL_PRIORITY, graceSeconds: criticalSeconds },
  ]
}

export interface ShutdownStep {
  /** How long the step may take; the next one begins when it is over. */
  readonly graceSeconds: number
  readonly pods: readonly { readonly pod: core.Pod; readonly graceSeconds: number }[]
}

/** Who is stopped after whom, each within its own grace or that of its group, whichever is shorter. Groups without pods take no time. */
export function planShutdown(groups: readonly ShutdownGroup[], pods: readonly core.Pod[]): readonly ShutdownStep[] {
  return groups
    .map(({ graceSeconds }, index) => ({
      graceSeconds,
      pods: pods
        .filter((pod) => groupOf(groups, pod.spec?.priority ?? 0) === index)
        .map((pod) => ({ pod, graceSeconds: Math.min(pod.spec?.terminationGracePeriodSeconds ?? 30, graceSeconds) })),
    }))
    .filter((step) => step.pods.length > 0)
}

/** The last group that begins at or below the priority; what is below all of them goes with the first. */
const groupOf = (groups: readonly ShutdownGroup[], priority: number): number =>
  Math.max(
    groups.findLastIndex((group) => group.priority <= priority),
    0,
  )
