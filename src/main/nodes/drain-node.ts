import { type Scope, UserError, messageOf } from '#base'
import { type core, hasReason, isNotFound, refs } from '#api'
import { type Client, discover } from '#client'
import { createInformers } from '#reconcile'
import { explain } from '#scheduler'
import { type DrainOptions, type PodFate, nameOf, planDrain } from './plan-drain.ts'

/** A budget that allows no disruption now may allow one soon. */
const ASK_AGAIN_MS = 2_000
const LOOK_AGAIN_MS = 500

/** Before a drain: what becomes of each pod, and what is in the way of those that have to go. */
export interface DrainPreview {
  readonly fates: readonly PreviewedPod[]
  /** What has to be allowed before a drain begins. */
  readonly blocked: boolean
}
export interface PreviewedPod extends PodFate {
  /** Of a pod that moves: nodes that would take it now, best first. */
  readonly fits: readonly string[]
  /** What the drain has to wait for, or what keeps the next pod from running. */
  readonly inTheWay: readonly string[]
}

export async function previewDrain(scope: Scope, client: Client, nodeName: string, options: DrainOptions): Promise<DrainPreview> {
  const fates = planDrain(await podsOf(scope, client, nodeName), options)
  const places = await placesFor(scope, client, nodeName, fates)
  const previewed = await Promise.all(
    fates.map(async (fate) => {
      const place = places.get(nameOf(fate.pod))
      const budget = fate.fate === 'stays' ? undefined : await refusalOfBudget(scope, client, fate.pod)
      const nowhere = place !== undefined && place.fits.length === 0 ? [`no other node would take it now: ${place.why}`] : []
      return { ...fate, fits: place?.fits ?? [], inTheWay: [...(budget === undefined ? [] : [budget]), ...nowhere] }
    }),
  )
  return { fates: previewed, blocked: fates.some(({ blockers }) => blockers.length > 0) }
}

export async function podsOf(scope: Scope, client: Client, nodeName: string): Promise<readonly core.Pod[]> {
  return (await client.resource(refs.pods).list(scope, { fieldSelector: `spec.nodeName=${nodeName}` })).items
}

/** The scheduler's own rules, asked for each pod as if its node were closed. */
async function placesFor(
  scope: Scope,
  client: Client,
  nodeName: string,
  fates: readonly PodFate[],
): Promise<ReadonlyMap<string, { readonly fits: readonly string[]; readonly why: string }>> {
  const moving = fates.filter(({ fate }) => fate === 'moves')
  if (moving.length === 0) return new Map()
  using reading = scope.child()
  const { resources } = await discover(reading, client)
  const served = new Set(resources.map(({ ref }) => `${ref.group}/${ref.plural}`))
  const options = {
    informers: createInformers(client),
    isServed: (ref: { readonly group: string; readonly plural: string }) => served.has(`${ref.group}/${ref.plural}`),
  }
  const found = new Map<string, { readonly fits: readonly string[]; readonly why: string }>()
  for (const { pod } of moving) {
    const { namespace = '', name = '' } = pod.metadata ?? {}
    const { nodes, general } = await explain(reading, options, { namespace, name })
    const others = nodes.filter((node) => node.name !== nodeName)
    const fits = general === undefined ? others.filter(({ refusals }) => refusals.length === 0) : []
    const reasons = others.flatMap(({ refusals }) => refusals.flatMap((refusal) => refusal.reasons))
    const why = general ?? ([...new Set(reasons)].join(', ') || 'there is none')
    found.set(nameOf(pod), { fits: fits.toSorted((a, b) => b.total - a.total).map((node) => node.name), why })
  }
  return found
}

const evictionOf = ({ metadata }: core.Pod, dryRun: boolean) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: { namespace: metadata?.namespace, name: metadata?.name },
  deleteOptions: { preconditions: { uid: metadata?.uid }, ...(dryRun ? { dryRun: ['All'] } : {}) },
})

/** Undefined: the pod is on its way, or gone. */
async function evict(scope: Scope, client: Client, pod: core.Pod, dryRun = false): Promise<string | undefined> {
  const { namespace, name = '' } = pod.metadata ?? {}
  try {
    await client.resource(refs.pods).subresource(scope, { namespace, name }, 'eviction', { verb: 'create', body: evictionOf(pod, dryRun) })
    return undefined
  } catch (error) {
    // Gone, or another one under its name.
    if (isNotFound(error) || hasReason(error, 'Conflict')) return undefined
    if (hasReason(error, 'TooManyRequests')) return messageOf(error)
    throw error
  }
}

const refusalOfBudget = (scope: Scope, client: Client, pod: core.Pod): Promise<string | undefined> => evict(scope, client, pod, true)

export async function setSchedulable(scope: Scope, client: Client, nodeName: string, schedulable: boolean): Promise<void> {
  await client
    .resource(refs.nodes)
    .patch(scope, { name: nodeName }, { type: 'strategic', body: { spec: { unschedulable: schedulable ? null : true } } })
}

/**
 * Evicts what has to go and waits until it is gone; `onGone` hears of each pod. With `waitForEnd` false it is enough that every pod has been told: a node that is
 * silent cannot end them. Throws `UserError` with what is left when the time is up.
 */
export async function emptyNode(
  scope: Scope,
  client: Client,
  fates: readonly PodFate[],
  { timeoutMs, waitForEnd, onGone }: { readonly timeoutMs: number; readonly waitForEnd: boolean; readonly onGone: (pod: core.Pod) => void },
): Promise<void> {
  using limited = scope.child(timeoutMs === 0 ? {} : { timeoutMs })
  const left = new Map(fates.filter(({ fate }) => fate !== 'stays').map(({ pod }) => [nameOf(pod), 'it has not ended']))
  const remove = async (pod: core.Pod): Promise<void> => {
    for (;;) {
      const refusal = await evict(limited, client, pod)
      if (refusal === undefined) break
      left.set(nameOf(pod), refusal)
      await limited.sleep(ASK_AGAIN_MS)
    }
    left.set(nameOf(pod), 'it has not ended')
    if (waitForEnd) await ended(limited, client, pod)
    left.delete(nameOf(pod))
    onGone(pod)
  }
  const results = await Promise.allSettled(fates.filter(({ fate }) => fate !== 'stays').map(({ pod }) => remove(pod)))
  if (limited.signal.aborted && left.size > 0)
    throw new UserError(
      `${left.size} pods are still there:\n${[...left].map(([name, why]) => `  ${name}: ${why}`).join('\n')}`,
      'the node stays closed; run the command again to go on, or sampan uncordon to open it',
    )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function ended(scope: Scope, client: Client, { metadata }: core.Pod): Promise<void> {
  const { namespace, name = '', uid } = metadata ?? {}
  for (;;) {
    try {
      const now = await client.resource(refs.pods).get(scope, { namespace, name })
      if (now.metadata?.uid !== uid) return
    } catch (error) {
      if (isNotFound(error)) return
      throw error
    }
    await scope.sleep(LOOK_AGAIN_MS)
  }
}
