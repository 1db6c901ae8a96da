import type { autoscaling } from '#api'

interface Recommendation {
  readonly replicas: number
  readonly atMs: number
  /** Not acted on, and one with those of its time: when that began, and their sum and number. */
  readonly held?: { readonly sinceMs: number; readonly sum: number; readonly count: number }
}
interface ScaleEvent {
  readonly change: number
  readonly atMs: number
}

/** What has been recommended and done for one autoscaler lately. Times are monotonic. */
export interface ScaleMemory {
  readonly recommendations: readonly Recommendation[]
  readonly ups: readonly ScaleEvent[]
  readonly downs: readonly ScaleEvent[]
}

export const firstMemory = (replicas: number, nowMs: number): ScaleMemory => ({
  recommendations: [{ replicas, atMs: nowMs }],
  ups: [],
  downs: [],
})

export interface Limits {
  readonly current: number
  readonly min: number
  readonly max: number
  readonly behavior: autoscaling.HorizontalPodAutoscalerBehavior | undefined
  /** Where the behavior names no window of its own for shrinking. */
  readonly downscaleWindowMs: number
}

export interface Reasoned {
  readonly reason: string
  readonly message: string
}

export interface Decision {
  readonly replicas: number
  readonly memory: ScaleMemory
  readonly able: Reasoned
  readonly limited: Reasoned & { readonly isLimited: boolean }
}

const READY: Reasoned = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const UP_STABILIZED: Reasoned = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const DOWN_STABILIZED: Reasoned = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const WITHIN: Reasoned = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const TOO_MANY: Reasoned = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const TOO_FEW: Reasoned = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }
const UP_LIMIT: Reasoned = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const DOWN_LIMIT: Reasoned = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}

/** Kubernetes asks every 15 s for usage of at least as long: so often within its window of five minutes. */
const PARTS_OF_WINDOW = 20

/**
 * Who looks often sees every moment, and the highest of them would hold a size for as long as the window is. So what does not ask for more than there
 * is counts as its mean over a part of the window.
 */
function withHeld(recommendations: readonly Recommendation[], asked: number, partMs: number, nowMs: number): readonly Recommendation[] {
  const held = recommendations.at(-1)?.held
  if (held === undefined || nowMs - held.sinceMs >= partMs)
    return [...recommendations, { replicas: asked, atMs: nowMs, held: { sinceMs: nowMs, sum: asked, count: 1 } }]
  const [sum, count] = [held.sum + asked, held.count + 1]
  return [...recommendations.slice(0, -1), { replicas: Math.round(sum / count), atMs: nowMs, held: { ...held, sum, count } }]
}

/** From what the metrics ask for to what is done: held against recent recommendations, then kept within rates and bounds. */
export function decide(memory: ScaleMemory, asked: number, limits: Limits, nowMs: number): Decision {
  const { behavior, current } = limits
  const windowMs = (rules: autoscaling.HPAScalingRules | undefined, otherwiseMs: number): number =>
    rules?.stabilizationWindowSeconds === undefined ? otherwiseMs : rules.stabilizationWindowSeconds * 1000
  const upMs = windowMs(behavior?.scaleUp, 0)
  const downMs = windowMs(behavior?.scaleDown, limits.downscaleWindowMs)
  const recent = (periodMs: number): number[] =>
    memory.recommendations.filter(({ atMs }) => nowMs - atMs < periodMs).map(({ replicas }) => replicas)
  const lowest = Math.min(asked, ...recent(upMs))
  const highest = Math.max(asked, ...recent(downMs))
  const stabilized = behavior === undefined ? highest : Math.min(Math.max(current, lowest), highest)
  const able = stabilized === asked ? READY : behavior !== undefined && asked >= current ? UP_STABILIZED : DOWN_STABILIZED

  const { replicas, why } = behavior === undefined ? plainBounds(stabilized, limits) : ratedBounds(memory, stabilized, limits, nowMs)
  const longestMs = Math.max(upMs, downMs)
  const kept = memory.recommendations.filter(({ atMs }) => nowMs - atMs < longestMs)
  const recommendations =
    asked > current ? [...kept, { replicas: asked, atMs: nowMs }] : withHeld(kept, asked, downMs / PARTS_OF_WINDOW, nowMs)
  return {
    replicas,
    memory: { ...memory, recommendations },
    able,
    limited: { ...why, isLimited: replicas !== stabilized },
  }
}

interface Bounded {
  readonly replicas: number
  readonly why: Reasoned
}

/** Without a behavior: at most twice as many, or four. */
function plainBounds(wanted: number, { current, min, max }: Limits): Bounded {
  const most = Math.max(2 * current, 4)
  if (wanted < min) return { replicas: min, why: TOO_FEW }
  if (wanted > Math.min(max, most)) return max > most ? { replicas: most, why: UP_LIMIT } : { replicas: max, why: TOO_MANY }
  return { replicas: wanted, why: WITHIN }
}

function ratedBounds(memory: ScaleMemory, wanted: number, { current, min, max, behavior }: Limits, nowMs: number): Bounded {
  if (wanted > current) {
    const most = Math.max(current, rateLimit(memory, current, behavior?.scaleUp, 1, nowMs))
    if (wanted > Math.min(max, most)) return max > most ? { replicas: most, why: UP_LIMIT } : { replicas: max, why: TOO_MANY }
  } else if (wanted < current) {
    const least = Math.min(current, rateLimit(memory, current, behavior?.scaleDown, -1, nowMs))
    if (wanted < Math.max(min, least)) return min < least ? { replicas: least, why: DOWN_LIMIT } : { replicas: min, why: TOO_FEW }
  }
  return { replicas: wanted, why: WITHIN }
}

/** How far the policies let it go in this direction (1 up, -1 down), counted from the size at the start of each policy's period. */
function rateLimit(
  { ups, downs }: ScaleMemory,
  current: number,
  rules: autoscaling.HPAScalingRules | undefined,
  direction: 1 | -1,
  nowMs: number,
): number {
  const { selectPolicy = 'Max', policies = [] } = rules ?? {}
  if (selectPolicy === 'Disabled') return current
  const changed = (events: readonly ScaleEvent[], periodMs: number): number =>
    events.reduce((sum, { change, atMs }) => (nowMs - atMs < periodMs ? sum + change : sum), 0)
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(ups, periodSeconds * 1000) + changed(downs, periodSeconds * 1000)
    if (type === 'Pods') return start + direction * value
    // Up is rounded up, or one pod would never become two.
    return direction === 1 ? Math.ceil(start * (1 + value / 100)) : Math.trunc(start * (1 - value / 100))
  })
  const takesHighest = (selectPolicy === 'Min') === (direction === -1)
  return takesHighest ? Math.max(...proposals) : Math.min(...proposals)
}

/** Notes that the size was changed. Without a behavior nobody will ask. */
export function withScaleEvent(
  memory: ScaleMemory,
  from: number,
  to: number,
  behavior: autoscaling.HorizontalPodAutoscalerBehavior | undefined,
  nowMs: number,
): ScaleMemory {
  if (behavior === undefined) return memory
  const longestMs =
    1000 *
    Math.max(
      0,
      ...[...(behavior.scaleUp?.policies ?? []), ...(behavior.scaleDown?.policies ?? [])].map(({ periodSeconds }) => periodSeconds),
    )
  const event: ScaleEvent = { change: Math.abs(to - from), atMs: nowMs }
  const kept = (events: readonly ScaleEvent[]): readonly ScaleEvent[] => events.filter(({ atMs }) => nowMs - atMs < longestMs)
  return {
    ...memory,
    ups: [...kept(memory.ups), ...(to > from ? [event] : [])],
    downs: [...kept(memory.downs), ...(to > from ? [] : [event])],
  }
}
