import type { apps, core } from '#api'
import { isAvailable, isFinished, isReady, isTerminating, resolveIntOrPercent } from '#reconcile'
import { claimName, claimOwners, claimTemplates, isClaimStale } from './claims.ts'
import { type IdentityFlaws, type PodRevision, flawsOf, podOfOrdinal, revisionOf } from './identity.ts'
import { isInRange, ordinalOf, replicasOf, startOf } from './ordinals.ts'

export interface SetView {
  readonly set: apps.StatefulSet
  /** All members that the set manages. */
  readonly pods: readonly core.Pod[]
  readonly claim: (name: string) => core.PersistentVolumeClaim | undefined
  readonly current: PodRevision
  readonly update: PodRevision
  readonly nowMs: number
}

export type Deed =
  | { readonly do: 'create'; readonly pod: core.Pod }
  | { readonly do: 'remove'; readonly pod: core.Pod }
  /** Gives the claims of a pod the right owners; `makes` those that are missing. */
  | { readonly do: 'claim'; readonly pod: core.Pod; readonly makes: boolean }
  /** The same, and repairs the pod itself. */
  | { readonly do: 'repair'; readonly pod: core.Pod; readonly flaws: IdentityFlaws }

/** Deeds of one stage may be done side by side; a stage begins when the one before has ended without a failure. */
export interface SetPlan {
  readonly stages: readonly (readonly Deed[])[]
}

const isRunningAndReady = (pod: core.Pod): boolean => pod.status?.phase === 'Running' && isReady(pod)

/**
 * The next deeds for a set: its ordinals are filled, then what is beyond them goes from the top, then old pods are replaced from the top. Ordered
 * sets wait at every pod that is not available yet.
 */
export function planSet(view: SetView): SetPlan {
  const { set } = view
  if (set.metadata?.deletionTimestamp !== undefined) return { stages: [] }
  const isOrdered = set.spec?.podManagementPolicy !== 'Parallel'
  const replicas = slotsOf(view)
  const condemned = view.pods
    .filter((pod) => ordinalOf(pod) >= 0 && !isInRange(set, ordinalOf(pod)))
    .sort((a, b) => ordinalOf(b) - ordinalOf(a))

  const filling: Deed[] = []
  for (const slot of replicas) {
    const { deed, isSettled } = fill(view, slot, isOrdered)
    if (deed !== undefined) filling.push(deed)
    if (isOrdered && !isSettled) return { stages: [filling] }
  }
  const claiming: Deed[] = condemned.filter((pod) => claimsNeedOwners(view, pod)).map((pod) => ({ do: 'claim', pod, makes: false }))
  const shrinking = isOrdered
    ? shrinkOrdered(view, replicas, condemned)
    : { deeds: condemned.filter((pod) => !isTerminating(pod)).map(remove), isSettled: true }
  const stages = [filling, claiming, shrinking.deeds]
  return { stages: shrinking.isSettled ? [...stages, replaceOld(view, replicas)] : stages }
}

interface Slot {
  readonly ordinal: number
  /** Undefined: it has to be made. */
  readonly pod: core.Pod | undefined
}

function slotsOf({ set, pods }: SetView): readonly Slot[] {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]))
  return Array.from({ length: replicasOf(set) }, (_, i) => ({ ordinal: startOf(set) + i, pod: byOrdinal.get(startOf(set) + i) }))
}

const remove = (pod: core.Pod): Deed => ({ do: 'remove', pod })

/** What one ordinal needs. `isSettled`: an ordered set may go on to the next. */
function fill(view: SetView, { ordinal, pod }: Slot, isOrdered: boolean): { readonly deed: Deed | undefined; readonly isSettled: boolean } {
  if (pod === undefined) {
    const created = podOfOrdinal(view.set, revisionFor(view, ordinal), ordinal)
    const isBlocked = claimsOf(view, created).some((claim) => isClaimStale(view.set, created, claim))
    return { deed: isBlocked ? undefined : { do: 'create', pod: created }, isSettled: false }
  }
  if (isFinished(pod)) return { deed: isTerminating(pod) ? undefined : remove(pod), isSettled: false }
  const isSettled = !isTerminating(pod) && isRunningAndReady(pod) && isUp(view, pod)
  const isPending = pod.status?.phase === 'Pending'
  const claimDeed: Deed | undefined =
    isPending && (claimsMissing(view, pod) || claimsNeedOwners(view, pod)) ? { do: 'claim', pod, makes: true } : undefined
  return { deed: (isSettled || !isOrdered ? repair(view, pod) : undefined) ?? claimDeed, isSettled }
}

/** Pods below the partition, and only they, are made from the revision that the set had before. */
function revisionFor({ set, current, update }: SetView, ordinal: number): PodRevision {
  const { rollingUpdate } = set.spec?.updateStrategy ?? {}
  return ordinal < startOf(set) + (rollingUpdate?.partition ?? 0) ? current : update
}

function repair(view: SetView, pod: core.Pod): Deed | undefined {
  const flaws = flawsOf(view.set, pod)
  return flaws.identity || flaws.storage || claimsNeedOwners(view, pod) ? { do: 'repair', pod, flaws } : undefined
}

const claimsOf = ({ set, claim }: SetView, pod: core.Pod): readonly core.PersistentVolumeClaim[] =>
  claimTemplates(set)
    .map((template) => claim(claimName(set, template, ordinalOf(pod))))
    .filter((one) => one !== undefined)

// One that is being deleted is as good as missing: the shell finds out and says so.
const claimsMissing = (view: SetView, pod: core.Pod): boolean =>
  claimsOf(view, pod).filter((claim) => claim.metadata?.deletionTimestamp === undefined).length < claimTemplates(view.set).length

const claimsNeedOwners = (view: SetView, pod: core.Pod): boolean =>
  claimsOf(view, pod).some((claim) => claimOwners(view.set, pod, claim).owners !== undefined)

const isUp = ({ set, nowMs }: SetView, pod: core.Pod): boolean => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)
const isDown = (view: SetView, pod: core.Pod | undefined): boolean => pod === undefined || isTerminating(pod) || !isUp(view, pod)

/** One after another from the top. An unready pod stops it, unless it is the lowest one that is down. */
function shrinkOrdered(
  view: SetView,
  replicas: readonly Slot[],
  condemned: readonly core.Pod[],
): { readonly deeds: readonly Deed[]; readonly isSettled: boolean } {
  const [top] = condemned
  if (top === undefined) return { deeds: [], isSettled: true }
  const firstDown = replicas.some(({ pod }) => isDown(view, pod)) ? undefined : condemned.findLast((pod) => isDown(view, pod))
  const mayGo = !isTerminating(top) && ((isRunningAndReady(top) && isUp(view, top)) || top === firstDown)
  return { deeds: mayGo ? [remove(top)] : [], isSettled: false }
}

function replaceOld(view: SetView, replicas: readonly Slot[]): readonly Deed[] {
  const { type, rollingUpdate } = view.set.spec?.updateStrategy ?? {}
  if (type === 'OnDelete') return []
  const isOld = ({ ordinal, pod }: Slot): boolean =>
    (pod === undefined ? revisionFor(view, ordinal).name : revisionOf(pod)) !== view.update.name
  const fromTop = replicas.slice(rollingUpdate?.partition ?? 0).reverse()
  if (rollingUpdate?.maxUnavailable === undefined) {
    // One at a time: the highest old pod goes, once those above it are available.
    const next = fromTop.find((slot) => (isOld(slot) && slot.pod !== undefined && !isTerminating(slot.pod)) || isDown(view, slot.pod))
    return next?.pod !== undefined && isOld(next) && !isTerminating(next.pod) ? [remove(next.pod)] : []
  }
  const allowed = Math.max(1, resolveIntOrPercent(rollingUpdate.maxUnavailable, replicas.length, 'down'))
  const down = replicas.filter(({ pod }) => isDown(view, pod)).length
  return fromTop
    .flatMap((slot) => (slot.pod !== undefined && isOld(slot) && !isTerminating(slot.pod) ? [slot.pod] : []))
    .slice(0, Math.max(0, allowed - down))
    .map(remove)
}

export function statusOf(view: SetView, collisionCount: number): apps.StatefulSetStatus {
  const { set, current, update } = view
  const members = view.pods.filter((pod) => ordinalOf(pod) >= 0 && (pod.status?.phase ?? '') !== '')
  const ready = members.filter(isRunningAndReady)
  const ofRevision = (name: string): number => members.filter((pod) => !isTerminating(pod) && revisionOf(pod) === name).length
  const counts = { all: members.length, ready: ready.length, current: ofRevision(current.name), updated: ofRevision(update.name) }
  const wanted = replicasOf(set)
  const isComplete =
    set.spec?.updateStrategy?.type !== 'OnDelete' && counts.updated === wanted && counts.ready === wanted && counts.all === wanted
  const { conditions } = set.status ?? {}
  return {
    observedGeneration: set.metadata?.generation ?? 0,
    replicas: counts.all,
    ...unlessNone('readyReplicas', counts.ready),
    ...unlessNone('currentReplicas', isComplete ? counts.updated : counts.current),
    ...unlessNone('updatedReplicas', counts.updated),
    currentRevision: isComplete ? update.name : current.name,
    updateRevision: update.name,
    collisionCount,
    availableReplicas: ready.filter((pod) => isUp(view, pod)).length,
    ...(conditions === undefined ? {} : { conditions }),
  }
}

const unlessNone = (name: string, count: number): object => (count === 0 ? {} : { [name]: count })
