import { type Scope, messageOf, rfc3339 } from '#base'
import { type KubeObject, isConflict, isNotFound, keyOf, labelSelectorOf, type core, type policy, refs } from '#api'
import {
  type Change,
  type ControllerContext,
  type ControllerDefinition,
  type Reconcile,
  after,
  done,
  isFinished,
  isTerminating,
  podCondition,
  sameOnWire,
} from '#reconcile'
import { ScaleFinder } from './expected-scale.ts'
import { failedStatus, needsScale, planBudget } from './plan-budget.ts'
import { selectorText } from './selector-text.ts'

type Budget = policy.PodDisruptionBudget & KubeObject

/** Says in each budget's status how many of its pods may go. */
export const disruptionController: ControllerDefinition = {
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  setup: setupBudgets,
}

function setupBudgets(context: ControllerContext): Reconcile {
  const { client, events } = context
  const scales = new ScaleFinder(context)
  const budgets = context.watch(refs.poddisruptionbudgets, ({ key }) => [key])
  const selects = (budget: Budget, pod: core.Pod): boolean =>
    budget.spec?.selector !== undefined && labelSelectorOf(budget.spec.selector).matches(pod.metadata?.labels ?? {})
  const pods = context.watch(refs.pods, ({ old, now }: Change<core.Pod>) => {
    const pod = now ?? old
    if (pod === undefined) return []
    const found = budgets.list(pod.metadata?.namespace ?? '').filter((budget) => selects(budget, pod))
    if (found.length > 1 && now !== undefined) tellOfSeveral(context, pod, found)
    return found.map(keyOf)
  })
  const servedChanged = (): readonly string[] => {
    scales.forgetServed()
    return []
  }
  context.watch(refs.customresourcedefinitions, servedChanged)
  context.watch(refs.apiservices, servedChanged)
  const budgetClient = client.resource(refs.poddisruptionbudgets)

  async function write(scope: Scope, budget: Budget, status: policy.PodDisruptionBudgetStatus): Promise<void> {
    if (!sameOnWire(budget.status, status)) await budgetClient.update(scope, { ...budget, status }, { subresource: 'status' })
  }

  async function expectedScale(scope: Scope, budget: Budget, selected: readonly core.Pod[]): Promise<number> {
    try {
      const { scale, unmanaged } = await scales.expected(scope, selected)
      if (unmanaged.length > 0) tellOfUnmanaged(context, budget)
      return scale
    } catch (error) {
      scope.check()
      const why = `Failed to calculate the number of expected pods: ${messageOf(error)}`
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', why)
      throw error
    }
  }

  return async (scope, key) => {
    const budget = budgets.get(key)
    if (budget === undefined) return done
    const selected = pods.list(budget.metadata?.namespace ?? '').filter((pod) => selects(budget, pod))
    if (selected.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found')
    try {
      const scale = needsScale(budget) ? await expectedScale(scope, budget, selected) : 0
      const plan = planBudget(budget, selected, scale, scope.clock.now())
      for (const pod of plan.notDeleted) {
        const { namespace = '' } = budget.metadata ?? {}
        events.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`)
      }
      await write(scope, budget, plan.status)
      return plan.recheckMs === undefined ? done : after(plan.recheckMs)
    } catch (error) {
      scope.check()
      if (isConflict(error)) throw error
      if (isNotFound(error)) return done
      await write(scope, budget, failedStatus(budget, messageOf(error), scope.clock.now()))
      return done
    }
  }
}

function tellOfSeveral({ events }: ControllerContext, pod: core.Pod, found: readonly Budget[]): void {
  const { namespace = '', name = '' } = pod.metadata ?? {}
  const chosen = found[0]?.metadata?.name ?? ''
  const why = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${chosen}" arbitrarily.`
  events.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', why)
}

function tellOfUnmanaged({ events }: ControllerContext, budget: Budget): void {
  const why =
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(budget.spec?.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  events.event(budget, 'Warning', 'UnmanagedPods', why)
}

const STALE_MS = 2 * 60_000

/** A pod that was marked for its end, and did not get one, is no longer marked after a while. */
export const staleDisruptionController: ControllerDefinition = {
  name: 'disruption-controller-stale-pods',
  setup(context) {
    const pods = context.watch(refs.pods, ({ key, now }) => (now !== undefined && mayBeStale(now) ? [key] : []))
    const client = context.client.resource(refs.pods)
    return async (scope, key) => {
      const pod = pods.get(key)
      if (pod === undefined || !mayBeStale(pod)) return done
      const { lastTransitionTime } = podCondition(pod, 'DisruptionTarget') ?? {}
      const leftMs = STALE_MS - (scope.clock.now() - Date.parse(lastTransitionTime ?? ''))
      if (leftMs > 0) return after(leftMs)
      const generation = pod.metadata?.generation
      const stale = {
        type: 'DisruptionTarget',
        status: 'False',
        lastProbeTime: null,
        lastTransitionTime: rfc3339(scope.clock.now()),
        ...(generation === undefined ? {} : { observedGeneration: generation }),
      }
      const conditions = (pod.status?.conditions ?? []).map((one) => (one.type === stale.type ? stale : one))
      try {
        await client.update(scope, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      return done
    }
  },
}

/** Marked by somebody who then deletes it; the kubelet's own marks stay until the pod has ended, however long that takes. */
function mayBeStale(pod: core.Pod): boolean {
  const condition = podCondition(pod, 'DisruptionTarget')
  return condition?.status === 'True' && condition.reason !== 'TerminationByKubelet' && !isTerminating(pod) && !isFinished(pod)
}
