import { type Scope, messageOf, rfc3339 } from '#base'
import { type autoscaling, keyOf, parseLabelSelector, quantityToNumber, refs } from '#api'
import { after, type ControllerContext, type ControllerDefinition, done, type Reconcile, sameOnWire } from '#reconcile'
import { type Condition, type NewCondition, withCondition } from './conditions.ts'
import { type Evaluated, MetricFailure, evaluate } from './evaluate.ts'
import { metricsSource } from './metrics-source.ts'
import type { Patience } from './pod-groups.ts'
import type { Target, Tolerances } from './replica-count.ts'
import { type ScaleTarget, targetFinder } from './scale-target.ts'
import { type ScaleMemory, decide, firstMemory, withScaleEvent } from './stabilize.ts'

export interface AutoscalerOptions {
  /** How often each autoscaler is looked at, from start to start. */
  readonly syncPeriodMs: number
  /** Recommendations to shrink wait this long, where the behavior names no time of its own. */
  readonly downscaleStabilizationMs: number
  readonly tolerance: number
  readonly patience: Patience
}

type Autoscaler = autoscaling.HorizontalPodAutoscaler
type Selector = ReturnType<typeof parseLabelSelector>

export function horizontalPodAutoscaler(options: AutoscalerOptions): ControllerDefinition {
  return {
    name: 'horizontal-pod-autoscaler',
    workers: 5,
    setup: (context) => setup(context, options),
  }
}

/** One that gets no answer asks less and less often, down to this. */
const WITHOUT_ANSWER_MS = 5_000

/** Why no size can be computed. */
interface Failed {
  readonly failure: string
}

/** What one round finds out about an autoscaler, to be written at its end. */
interface Round {
  readonly scope: Scope
  readonly hpa: Autoscaler
  conditions: readonly Condition[]
}

function setup(context: ControllerContext, options: AutoscalerOptions): Reconcile {
  const { client, events } = context
  // A new status is our own doing: the next look comes with the period.
  const autoscalers = context.watch(refs.horizontalpodautoscalers, ({ key, old, now }) =>
    old !== undefined && now !== undefined && sameOnWire(old.spec, now.spec) ? [] : [key],
  )
  const pods = context.informers.informer(refs.pods)
  const targets = targetFinder(client)
  const source = metricsSource(client, targets)
  const hpaClient = client.resource(refs.horizontalpodautoscalers)
  const silences = new Map<string, number>()
  const memories = new Map<string, ScaleMemory>()
  const selectors = new Map<string, Selector>()

  const set = (round: Round, type: NewCondition['type'], isTrue: boolean, reason: string, message: string): void => {
    const condition: NewCondition = { type, status: isTrue ? 'True' : 'False', reason, message }
    round.conditions = withCondition(round.conditions, condition, round.scope.clock.now())
  }
  const failed = (round: Round, failure: string): boolean => {
    warn(round, 'FailedComputeMetricsReplicas', failure)
    return false
  }
  const warn = ({ hpa }: Round, reason: string, message: string): void => events.event(hpa, 'Warning', reason, message)

  async function writeStatus(
    { scope, hpa, conditions }: Round,
    status: Partial<autoscaling.HorizontalPodAutoscalerStatus> = {},
  ): Promise<void> {
    const next = { desiredReplicas: 0, ...hpa.status, ...status, conditions: [...conditions] }
    if (sameOnWire(next, { desiredReplicas: 0, ...hpa.status })) return
    try {
      await hpaClient.update(scope, { ...hpa, status: next }, { subresource: 'status' })
    } catch (error) {
      scope.check()
      events.event(hpa, 'Warning', 'FailedUpdateStatus', messageOf(error))
    }
  }

  async function findTarget(round: Round): Promise<ScaleTarget | undefined> {
    const { scope, hpa } = round
    try {
      const target = await targets.find(scope, hpa.metadata?.namespace ?? '', hpa.spec.scaleTargetRef)
      set(round, 'AbleToScale', true, 'SucceededGetScale', "the HPA controller was able to get the target's current scale")
      return target
    } catch (error) {
      scope.check()
      const message = messageOf(error)
      warn(round, 'FailedGetScale', message)
      set(round, 'AbleToScale', false, 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${message}`)
      return undefined
    }
  }

  /** The pods of the target, when this autoscaler alone is in charge of them. */
  function targetPods(round: Round, selector: string): Target['pods'] | Failed {
    const refuse = (event: string, reason: string, message: string, condition = message): Failed => {
      warn(round, event, message)
      set(round, 'ScalingActive', false, reason, condition)
      return { failure: message }
    }
    if (selector === '')
      return refuse('SelectorRequired', 'InvalidSelector', 'selector is required', "the HPA target's scale is missing a selector")
    let parsed: Selector
    try {
      parsed = parseLabelSelector(selector)
    } catch (error) {
      const why = `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`
      return refuse('InvalidSelector', 'InvalidSelector', why)
    }
    const namespace = round.hpa.metadata?.namespace ?? ''
    selectors.set(keyOf(round.hpa), parsed)
    const selected = pods.list(namespace).filter(({ metadata }) => parsed.matches(metadata?.labels ?? {}))
    const inCharge = autoscalers
      .list(namespace)
      .filter((other) => selected.some(({ metadata }) => selectors.get(keyOf(other))?.matches(metadata?.labels ?? {})))
    if (inCharge.length <= 1) return selected
    const names = inCharge.map(({ metadata }) => `{${metadata?.name ?? ''} ${namespace}}`).join(' ')
    return refuse('AmbiguousSelector', 'AmbiguousSelector', `pods by selector ${selector} are controlled by multiple HPAs: [${names}]`)
  }

  interface Asked {
    readonly replicas: number
    readonly name: string
    readonly statuses: autoscaling.MetricStatus[]
  }

  /** The highest answer of all metrics. When some give none, it may only grow. */
  async function askMetrics(
    round: Round,
    target: Target,
    selector: string,
  ): Promise<Asked | (Failed & { readonly statuses: autoscaling.MetricStatus[] })> {
    const { scope, hpa } = round
    const metrics = hpa.spec.metrics ?? []
    const statuses: autoscaling.MetricStatus[] = metrics.map(() => ({ type: '' }))
    const failures: MetricFailure[] = []
    let best: Evaluated | undefined
    for (const [i, metric] of metrics.entries()) {
      try {
        const evaluated = await evaluate(scope, source, metric, target, { namespace: hpa.metadata?.namespace ?? '', selector })
        statuses[i] = evaluated.status
        if (best === undefined || best.replicas === 0 || evaluated.replicas > best.replicas) best = evaluated
      } catch (error) {
        scope.check()
        if (!(error instanceof MetricFailure)) throw error
        warn(round, error.reason, error.detail)
        failures.push(error)
      }
    }
    const [first] = failures
    if (first !== undefined && (best === undefined || best.replicas < target.specReplicas)) {
      set(round, 'ScalingActive', false, first.reason, `the HPA was unable to compute the replica count: ${first.detail}`)
      const counts = `${failures.length} invalid out of ${metrics.length}`
      return { failure: `invalid metrics (${counts}), first error is: ${first.message}`, statuses }
    }
    const { replicas, name } = best ?? { replicas: 0, name: '' }
    set(round, 'ScalingActive', true, 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${name}`)
    return { replicas, name, statuses }
  }

  async function resize(round: Round, target: ScaleTarget, replicas: number, reason: string): Promise<boolean> {
    const { scope, hpa } = round
    try {
      await targets.resize(scope, hpa.metadata?.namespace ?? '', target, replicas)
    } catch (error) {
      scope.check()
      warn(round, 'FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${messageOf(error)}`)
      set(round, 'AbleToScale', false, 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${messageOf(error)}`)
      return false
    }
    set(round, 'AbleToScale', true, 'SucceededRescale', `the HPA controller was able to update the target scale to ${replicas}`)
    events.event(hpa, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`)
    return true
  }

  /** Whether it knows what to do. */
  async function look(round: Round): Promise<boolean> {
    const { scope, hpa } = round
    const key = keyOf(hpa)
    const found = await findTarget(round)
    if (found === undefined) return writeStatus(round).then(() => false)
    const current = found.scale.spec?.replicas ?? 0
    const nowMs = scope.clock.monotonic()
    let memory = memories.get(key) ?? firstMemory(current, nowMs)
    memories.set(key, memory)
    const { minReplicas: min = 1, maxReplicas: max, behavior } = hpa.spec
    let desired = current
    let reason = ''
    let currentMetrics: autoscaling.MetricStatus[] | null = null
    if (current === 0)
      set(round, 'ScalingActive', false, 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero')
    else if (current > max) [desired, reason] = [max, 'Current number of replicas above Spec.MaxReplicas']
    else if (current < min) [desired, reason] = [min, 'Current number of replicas below Spec.MinReplicas']
    else {
      const selector = found.scale.status?.selector ?? ''
      const selected = targetPods(round, selector)
      if ('failure' in selected) {
        await writeStatus(round, { currentReplicas: current, currentMetrics })
        return failed(round, selected.failure)
      }
      const target: Target = {
        pods: selected,
        specReplicas: current,
        statusReplicas: found.scale.status?.replicas ?? 0,
        tolerances: tolerancesOf(hpa, options.tolerance),
        patience: options.patience,
        nowMs: scope.clock.now(),
      }
      const asked = await askMetrics(round, target, selector)
      currentMetrics = asked.statuses
      if ('failure' in asked) {
        await writeStatus(round, { currentReplicas: current, currentMetrics })
        return failed(round, asked.failure)
      }
      if (asked.replicas > current) reason = `${asked.name} above target`
      if (asked.replicas < current) reason = 'All metrics below target'
      const limits = { current, min, max, behavior, downscaleWindowMs: options.downscaleStabilizationMs }
      const decision = decide(memory, asked.replicas, limits, nowMs)
      ;({ memory, replicas: desired } = decision)
      memories.set(key, memory)
      set(round, 'AbleToScale', true, decision.able.reason, decision.able.message)
      set(round, 'ScalingLimited', decision.limited.isLimited, decision.limited.reason, decision.limited.message)
    }
    const sizes = { currentReplicas: current, desiredReplicas: desired, currentMetrics }
    if (desired === current) return writeStatus(round, sizes).then(() => true)
    if (!(await resize(round, found, desired, reason)))
      return writeStatus(round, { currentReplicas: current, currentMetrics }).then(() => false)
    memories.set(key, withScaleEvent(memory, current, desired, behavior, nowMs))
    return writeStatus(round, { ...sizes, lastScaleTime: rfc3339(scope.clock.now()) }).then(() => true)
  }

  return async (scope, key) => {
    const hpa = autoscalers.get(key)
    if (hpa === undefined) {
      memories.delete(key)
      silences.delete(key)
      selectors.delete(key)
      return done
    }
    const startedMs = scope.clock.monotonic()
    const knows = await look({ scope, hpa, conditions: hpa.status?.conditions ?? [] })
    // From start to start; whose answers take long is not asked without a pause.
    const restMs = Math.max(options.syncPeriodMs / 4, options.syncPeriodMs - (scope.clock.monotonic() - startedMs))
    const silence = knows ? 0 : (silences.get(key) ?? 0) + 1
    silences.set(key, silence)
    return after(silence === 0 ? restMs : silenceMs(options.syncPeriodMs, silence))
  }
}

/** How long to wait after so many rounds without an answer: one that was only late costs no more than a round. */
export function silenceMs(syncPeriodMs: number, silence: number): number {
  return Math.max(syncPeriodMs, Math.min(WITHOUT_ANSWER_MS, syncPeriodMs * 2 ** (silence - 1)))
}

function tolerancesOf({ spec }: Autoscaler, otherwise: number): Tolerances {
  const of = (rules: autoscaling.HPAScalingRules | undefined): number =>
    rules?.tolerance === undefined ? otherwise : quantityToNumber(rules.tolerance)
  return { up: of(spec.behavior?.scaleUp), down: of(spec.behavior?.scaleDown) }
}
