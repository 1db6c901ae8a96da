import type { apps, core } from '#api'
import { isAvailable, isReady, isTerminating, resolveIntOrPercent, REVISION_HASH, selectsNode, tolerates, unlessZero } from '#reconcile'
import { daemonTolerations, targetNode } from './daemon-pod.ts'

export interface DaemonView {
  readonly set: apps.DaemonSet
  readonly nodes: readonly core.Node[]
  readonly pods: readonly core.Pod[]
  readonly hash: string
  readonly nowMs: number
}

export interface DaemonPlan {
  /** Nodes that get a pod. */
  readonly create: readonly string[]
  readonly remove: readonly core.Pod[]
  /** Those among `remove` that ended by themselves. */
  readonly ended: readonly core.Pod[]
  /** Those among `remove` that may go only as long as they are not available: one that is by now counts among those that have to stay. */
  readonly down: readonly core.Pod[]
}

/** Whether a node should get a pod, and whether one that is there may stay. */
export function eligibility(set: apps.DaemonSet, node: core.Node): { readonly shouldRun: boolean; readonly mayStay: boolean } {
  const spec = set.spec?.template.spec
  if (spec === undefined || (spec.nodeName && spec.nodeName !== node.metadata?.name) || !selectsNode(spec, node))
    return { shouldRun: false, mayStay: false }
  const tolerations = daemonTolerations(spec)
  const untolerated = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  )
  return { shouldRun: untolerated.length === 0, mayStay: !untolerated.some((taint) => taint.effect === 'NoExecute') }
}

export function podsByNode(pods: readonly core.Pod[]): Map<string, core.Pod[]> {
  const byNode = new Map<string, core.Pod[]>()
  for (const pod of pods) {
    const name = targetNode(pod)
    const there = byNode.get(name)
    if (there === undefined) byNode.set(name, [pod])
    else there.push(pod)
  }
  return byNode
}

/** Of those of one second, the one whose template the set had first. */
const createdFirst =
  (hash: string) =>
  (a: core.Pod, b: core.Pod): number => {
    const order = ({ spec, metadata }: core.Pod): string =>
      [
        spec?.nodeName ? 0 : 1,
        metadata?.creationTimestamp ?? '',
        metadata?.labels?.[REVISION_HASH] === hash ? 1 : 0,
        metadata?.name ?? '',
      ].join(' ')
    return order(a) < order(b) ? -1 : 1
  }

function minReadySeconds({ set }: DaemonView): number {
  return set.spec?.minReadySeconds ?? 0
}

/** One pod on each eligible node, none elsewhere; ended ones are removed, and replaced once they are gone. */
export function planPlacement(view: DaemonView): DaemonPlan {
  const byNode = podsByNode(view.pods)
  const names = new Set(view.nodes.map((node) => node.metadata?.name ?? ''))
  const { surge } = allowanceOf(view)
  const create: string[] = []
  const remove: core.Pod[] = []
  const ended: core.Pod[] = []
  for (const node of view.nodes) {
    const name = node.metadata?.name ?? ''
    const there = byNode.get(name) ?? []
    const { shouldRun, mayStay } = eligibility(view.set, node)
    if (!mayStay) remove.push(...there.filter((pod) => !isTerminating(pod)))
    else if (there.length === 0) {
      if (shouldRun) create.push(name)
    } else {
      const running: core.Pod[] = []
      for (const pod of there) {
        if (isTerminating(pod)) continue
        if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') ended.push(pod)
        else running.push(pod)
      }
      // With surge a node is not without a pod while one of its pods goes.
      if (surge > 0 && running.length === 0 && shouldRun) create.push(name)
      remove.push(...surplusOf(view, running, surge > 0))
    }
  }
  // Bound to nowhere and meant for a node that is gone: nobody will ever bind them.
  for (const pod of view.pods) if (!pod.spec?.nodeName && !isTerminating(pod) && !names.has(targetNode(pod))) remove.push(pod)
  return { create, remove: [...remove, ...ended], ended, down: [] }
}

/** Beyond one pod a node the younger ones go; with surge, one old and one new may stand side by side while the old one is ready and the new one not yet available. */
function surplusOf(view: DaemonView, running: readonly core.Pod[], hasSurge: boolean): readonly core.Pod[] {
  if (running.length <= 1) return []
  const sorted = [...running].sort(createdFirst(view.hash))
  if (!hasSurge) return sorted.slice(1)
  const isNew = (pod: core.Pod): boolean => pod.metadata?.labels?.[REVISION_HASH] === view.hash
  const newest = sorted.find(isNew)
  const oldest = sorted.find((pod) => !isNew(pod))
  const keepsOld =
    newest === undefined || (oldest !== undefined && isReady(oldest) && !isAvailable(newest, minReadySeconds(view), view.nowMs))
  return sorted.filter((pod) => pod !== newest && !(pod === oldest && keepsOld))
}

function allowanceOf(view: DaemonView): { readonly surge: number; readonly unavailable: number } {
  const { type, rollingUpdate } = view.set.spec?.updateStrategy ?? {}
  if (type === 'OnDelete') return { surge: 0, unavailable: 0 }
  const desired = view.nodes.filter((node) => eligibility(view.set, node).shouldRun).length
  const surge = resolveIntOrPercent(rollingUpdate?.maxSurge ?? 0, desired, 'up')
  const unavailable = resolveIntOrPercent(rollingUpdate?.maxUnavailable ?? 1, desired, 'up')
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

/** The next step towards the present template: which old pods go, and which nodes get a second one first. */
export function planUpdate(view: DaemonView): DaemonPlan {
  if (view.set.spec?.updateStrategy?.type === 'OnDelete') return { create: [], remove: [], ended: [], down: [] }
  const { surge, unavailable } = allowanceOf(view)
  return surge > 0 ? withSurge(view, surge) : withoutSurge(view, unavailable)
}

/** The newest and the old pod of a node; undefined when there are several of a kind, which placement has to sort out first. */
function pairOn(
  view: DaemonView,
  there: readonly core.Pod[],
): { readonly now: core.Pod | undefined; readonly old: core.Pod | undefined } | undefined {
  const living = there.filter((pod) => !isTerminating(pod))
  const now = living.filter((pod) => pod.metadata?.labels?.[REVISION_HASH] === view.hash)
  const old = living.filter((pod) => pod.metadata?.labels?.[REVISION_HASH] !== view.hash)
  return now.length > 1 || old.length > 1 ? undefined : { now: now[0], old: old[0] }
}

function eligiblePods(view: DaemonView): readonly (readonly [string, readonly core.Pod[]])[] {
  const byNode = podsByNode(view.pods)
  return view.nodes
    .filter((node) => eligibility(view.set, node).shouldRun)
    .map((node) => [node.metadata?.name ?? '', byNode.get(node.metadata?.name ?? '') ?? []])
}

function withoutSurge(view: DaemonView, maxUnavailable: number): DaemonPlan {
  const isUp = (pod: core.Pod): boolean => isAvailable(pod, minReadySeconds(view), view.nowMs)
  let unavailable = 0
  const down: core.Pod[] = []
  const candidates: core.Pod[] = []
  for (const [, there] of eligiblePods(view)) {
    const pair = pairOn(view, there)
    if (pair === undefined || (pair.now === undefined) === (pair.old === undefined)) unavailable++
    else if (pair.now !== undefined) unavailable += isUp(pair.now) ? 0 : 1
    else if (pair.old !== undefined && !isUp(pair.old)) {
      down.push(pair.old)
      unavailable++
    } else if (pair.old !== undefined) candidates.push(pair.old)
  }
  return { create: [], remove: [...down, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))], ended: [], down }
}

function withSurge(view: DaemonView, maxSurge: number): DaemonPlan {
  const isUp = (pod: core.Pod): boolean => isAvailable(pod, minReadySeconds(view), view.nowMs)
  let surging = 0
  const atOnce: string[] = []
  const candidates: string[] = []
  const remove: core.Pod[] = []
  for (const [name, there] of eligiblePods(view)) {
    const pair = pairOn(view, there)
    if (pair === undefined) surging++
    else if (pair.old !== undefined && pair.now === undefined) {
      if (isUp(pair.old)) candidates.push(name)
      else atOnce.push(name)
    } else if (pair.old !== undefined && pair.now !== undefined) {
      if (isUp(pair.now)) remove.push(pair.old)
      else surging++
    }
  }
  return { create: [...atOnce, ...candidates.slice(0, Math.max(0, maxSurge - surging - atOnce.length))], remove, ended: [], down: [] }
}

export function planDaemonStatus(view: DaemonView): apps.DaemonSetStatus {
  const byNode = podsByNode(view.pods)
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 }
  for (const node of view.nodes) {
    const there = byNode.get(node.metadata?.name ?? '') ?? []
    if (!eligibility(view.set, node).shouldRun) {
      count.misscheduled += there.length > 0 ? 1 : 0
      continue
    }
    count.desired++
    const pod = [...there].sort(createdFirst(view.hash))[0]
    if (pod === undefined) continue
    count.current++
    count.ready += isReady(pod) ? 1 : 0
    count.available += isAvailable(pod, minReadySeconds(view), view.nowMs) ? 1 : 0
    count.updated += pod.metadata?.labels?.[REVISION_HASH] === view.hash ? 1 : 0
  }
  return {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: view.set.metadata?.generation ?? 0,
    updatedNumberScheduled: unlessZero(count.updated),
    numberAvailable: unlessZero(count.available),
    numberUnavailable: unlessZero(count.desired - count.available),
    ...(view.set.status?.collisionCount === undefined ? {} : { collisionCount: view.set.status.collisionCount }),
  }
}
