import { rfc3339 } from '#base'
import { type core, type KubeObject, StatusError, isConflict, labelSelectorOf, type policy, refs, statusError } from '#api'
import { validateAdmission } from '../write/admit.ts'
import type { RequestContext } from '../context.ts'
import type { SpecialHandler } from '../special-handler.ts'
import { type DeleteOptions, typedDeleteOptions } from '../delete/delete-options.ts'
import { checkPreconditions, deleteObject } from '../delete/delete.ts'
import { cacheReader } from '../read/reader.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { present } from '../write/write-object.ts'
import { changeStored } from './change-stored.ts'
import { podView } from './pod-view.ts'
import { EVICTION, createdAnswer, plainFailure, readPosted } from './posted.ts'

type Budget = policy.PodDisruptionBudget & KubeObject

const TOO_MANY = "Cannot evict pod as it would violate the pod's disruption budget."
const NOT_OBSERVED_RETRY_SECONDS = 10
/** More evictions than this that the budget's controller has not seen yet: it has fallen behind. */
const MOST_DISRUPTED = 2000
const CONDITION: core.PodCondition = {
  type: 'DisruptionTarget',
  status: 'True',
  lastProbeTime: null,
  reason: 'EvictionByEvictionAPI',
  message: 'Eviction API: evicting',
}

/** POST of an Eviction to `pods/eviction`: a deletion that the pod's disruption budget must allow. */
export const podEviction: SpecialHandler = async (context, target) => {
  const { namespace, name } = target
  const { draft, options, request } = await readPosted(context, target, EVICTION)
  const eviction = draft as policy.Eviction & KubeObject
  if ((eviction.metadata?.name ?? '') !== name) throw statusError.badRequest('name in URL does not match name in Eviction object')
  const { asked, wrong } = deletionOf(eviction)
  const deletion: DeleteOptions = { ...asked, dryRun: asked.dryRun || options.dryRun }
  await validateAdmission(context, request)
  const view = podView(context)
  const entry = await present(context, view, cacheKey(view.resource, namespace, name))
  if (entry === undefined) throw statusError.notFound(view.resource, name)
  const pod = view.object(entry) as core.Pod
  const budget = isBeyondBudgets(pod) ? undefined : await askBudget(context, pod, deletion.dryRun)
  if (budget === undefined || deletion.resourceVersion !== undefined) await evict(context, view, pod, deletion, wrong)
  else
    await evict(context, view, pod, { ...deletion, resourceVersion: String(entry.revision) }, wrong).catch((error: unknown) => {
      throw isConflict(error) ? beingProcessed(budget.metadata?.name ?? '') : error
    })
  return createdAnswer(context)
}

/** How the pod is to be deleted. What is wrong with that is found where it is deleted: after its budget has been asked, and the pod been told. */
function deletionOf({ deleteOptions = {} }: policy.Eviction): { readonly asked: DeleteOptions; readonly wrong?: StatusError } {
  try {
    return { asked: typedDeleteOptions(deleteOptions) }
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'Invalid') throw error
    const { propagationPolicy: _, dryRun = [], ...others } = deleteOptions as { propagationPolicy?: unknown; dryRun?: readonly unknown[] }
    return { asked: typedDeleteOptions({ ...others, dryRun: dryRun.length > 0 ? ['All'] : [] }), wrong: error }
  }
}

/** Pods whose end disrupts nothing. */
function isBeyondBudgets({ metadata, status }: core.Pod): boolean {
  return (
    metadata?.deletionTimestamp !== undefined || status?.phase === 'Pending' || status?.phase === 'Succeeded' || status?.phase === 'Failed'
  )
}

/** Throws `StatusError` 429 or 500. A budget is returned that lets the pod go only as long as it is as it was seen: unhealthy. */
async function askBudget(context: RequestContext, pod: core.Pod, dryRun: boolean): Promise<Budget | undefined> {
  const namespace = pod.metadata?.namespace ?? ''
  const budgets = budgetsOf(context, pod)
  const budget = budgets[0]
  if (budget === undefined) return undefined
  if (budgets.length > 1)
    throw plainFailure('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
  if (!isReady(pod) && allowsUnhealthy(budget)) return budget
  const view = budgetView(context)
  if (view === undefined) return undefined
  const now = rfc3339(context.scope.clock.now())
  await changeStored<Budget>(context, view, namespace, budget.metadata?.name ?? '', dryRun, (current) => {
    checkBudget(current)
    return withDisruption(current, pod.metadata?.name ?? '', now)
  })
  return undefined
}

function budgetView({ core: { catalog, views } }: RequestContext): View | undefined {
  const { group, version, plural } = refs.poddisruptionbudgets
  const resource = catalog.find(group, version, plural)
  return resource === undefined ? undefined : views.of(resource)
}

function budgetsOf(context: RequestContext, pod: core.Pod): Budget[] {
  if (budgetView(context) === undefined) return []
  const { catalog, views } = context.core
  const labels = pod.metadata?.labels ?? {}
  const all = cacheReader(catalog, views).list(refs.poddisruptionbudgets, pod.metadata?.namespace ?? '') as readonly Budget[]
  return all.filter(({ spec }) => spec?.selector !== undefined && labelSelectorOf(spec.selector).matches(labels))
}

const isReady = ({ status }: core.Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true

function allowsUnhealthy({ spec, status }: Budget): boolean {
  const desired = status?.desiredHealthy ?? 0
  return spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (desired > 0 && (status?.currentHealthy ?? 0) >= desired)
}

/** Throws `StatusError` 429 or 403 when no pod may go now. */
function checkBudget({ metadata, status }: Budget): void {
  const name = metadata?.name ?? ''
  const {
    observedGeneration = 0,
    disruptionsAllowed = 0,
    disruptedPods = {},
    currentHealthy = 0,
    desiredHealthy = 0,
    conditions = [],
  } = status ?? {}
  if (observedGeneration < (metadata?.generation ?? 0)) throw beingProcessed(name)
  const refused = (why: string): Error =>
    statusError.forbidden({ group: refs.poddisruptionbudgets.group, plural: 'poddisruptionbudget' }, name, why)
  if (disruptionsAllowed < 0) throw refused('pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > MOST_DISRUPTED)
    throw refused('DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed > 0) return
  const why = conditions?.find(({ type, status: value, message }) => type === 'DisruptionAllowed' && value === 'False' && message !== '')
  if (why?.reason === 'SyncFailed')
    throw tooMany(`The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${why.message}`)
  if (currentHealthy <= desiredHealthy)
    throw tooMany(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`)
  const told = why === undefined ? '' : ` (${why.reason}): ${why.message}`
  throw tooMany(`The disruption budget ${name} does not allow evicting pods currently${told}`)
}

const beingProcessed = (name: string): StatusError =>
  tooMany(`The disruption budget ${name} is still being processed by the server.`, NOT_OBSERVED_RETRY_SECONDS)

function tooMany(cause: string, retryAfterSeconds = 0): StatusError {
  const retry = retryAfterSeconds > 0
  return new StatusError(
    {
      code: 429,
      reason: 'TooManyRequests',
      message: TOO_MANY,
      details: { causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retry ? { retryAfterSeconds } : {}) },
    },
    retry ? { 'retry-after': String(retryAfterSeconds) } : {},
  )
}

/** One disruption less to give; the pod is noted until the budget's controller has seen it go. */
function withDisruption(budget: Budget, pod: string, now: string): Budget {
  const { status, metadata } = budget
  if (status === undefined) return budget
  const left = (status.disruptionsAllowed ?? 0) - 1
  const conditions = left > 0 ? status.conditions : noneAllowed(status.conditions ?? [], metadata?.generation, now)
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: left,
      disruptedPods: { ...status.disruptedPods, [pod]: now },
      ...(conditions === undefined ? {} : { conditions }),
    },
  }
}

type Conditions = NonNullable<policy.PodDisruptionBudgetStatus['conditions']>

function noneAllowed(conditions: Conditions, generation: number | undefined, now: string): Conditions {
  const before = conditions.find(({ type }) => type === 'DisruptionAllowed')
  const since = before?.status === 'False' ? before.lastTransitionTime : now
  const none = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime: since,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  }
  return before === undefined ? [...conditions, none] : conditions.map((one) => (one === before ? none : one))
}

/** Says on the pod why it ends, then deletes it. */
async function evict(
  context: RequestContext,
  view: View,
  pod: core.Pod,
  options: DeleteOptions,
  wrong: StatusError | undefined,
): Promise<void> {
  const { namespace = '', name = '' } = pod.metadata ?? {}
  const now = rfc3339(context.scope.clock.now())
  let { resourceVersion } = options
  if (!options.dryRun) {
    await changeStored<core.Pod>(context, view, namespace, name, false, (current, entry) => {
      checkPreconditions(view.resource, current, entry, options)
      const others = current.status?.conditions?.filter(({ type }) => type !== CONDITION.type) ?? []
      return { ...current, status: { ...current.status, conditions: [...others, { ...CONDITION, lastTransitionTime: now }] } }
    })
    // The condition has moved the pod on, and it has been checked.
    resourceVersion = undefined
  }
  if (wrong !== undefined) throw wrong
  await deleteObject(context, { view, namespace, name, options: { ...options, resourceVersion } })
}
