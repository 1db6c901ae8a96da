import { type Scope, messageOf } from '#base'
import { type OwnerReference, type ResourceRef, type apps, type core, isNotFound, keyOf, refs } from '#api'
import {
  adoptPatch,
  after,
  type Change,
  claim,
  CONTROLLER_UID_INDEX,
  type ControllerContext,
  type ControllerDefinition,
  controllerOf,
  controllerReference,
  done,
  indexOwners,
  type Informer,
  inParallel,
  isActive,
  isFinished,
  isNamespaceEnding,
  matcherOf,
  nextAvailableInMs,
  OwnWrites,
  podControl,
  podFromTemplate,
  type Reconcile,
  releasePatch,
  sameOnWire,
  slowStart,
  Unhurried,
  untilSettled,
} from '#reconcile'
import { planReplicas, replicaStatus } from './plan-replicas.ts'

/** What ReplicaSets and ReplicationControllers have in common. Only the selector is written differently. */
type ReplicaOwner = apps.ReplicaSet | core.ReplicationController

interface Kind<T extends ReplicaOwner> {
  readonly ref: ResourceRef<T>
  readonly name: string
  readonly selects: (owner: T) => (labels: Readonly<Record<string, string>>) => boolean
  readonly countsTerminating: boolean
}

/** Pod writes side by side: more does not make one server faster. */
const WIDTH = 64

export const replicaSetController = controllerFor<apps.ReplicaSet>({
  ref: refs.replicasets,
  name: 'replicaset-controller',
  selects: (owner) => matcherOf(owner.spec?.selector),
  countsTerminating: true,
})

export const replicationController = controllerFor<core.ReplicationController>({
  ref: refs.replicationcontrollers,
  name: 'replication-controller',
  selects: (owner) => matcherOf({ matchLabels: owner.spec?.selector ?? {} }),
  countsTerminating: false,
})

function controllerFor<T extends ReplicaOwner>(kind: Kind<T>): ControllerDefinition {
  return { name: kind.name, workers: 32, setup: (context) => setup(context, kind) }
}

/** The keys of the owners that a changed pod concerns: its managers before and after, or whoever might adopt it. */
function ownersOf<T extends ReplicaOwner>(kind: Kind<T>, owners: Informer<T>, { old, now }: Change<core.Pod>): readonly string[] {
  const keys = new Set<string>()
  for (const pod of [old, now]) {
    if (pod === undefined) continue
    const owner = controllerOf(pod)
    if (owner !== undefined) {
      if (owner.kind === kind.ref.kind) keys.add(`${pod.metadata?.namespace ?? ''}/${owner.name}`)
    } else if (pod === now) {
      for (const candidate of owners.list(pod.metadata?.namespace ?? ''))
        if (kind.selects(candidate)(pod.metadata?.labels ?? {})) keys.add(keyOf(candidate))
    }
  }
  return [...keys]
}

function setup<T extends ReplicaOwner>(context: ControllerContext, kind: Kind<T>): Reconcile {
  const owners = indexOwners(context.watch(kind.ref, ({ key }) => [key]))
  const pods = indexOwners(context.watch(refs.pods, (change) => ownersOf(kind, owners, change)))
  const control = podControl(context.client, context.events)
  const clock = (): number => context.scope.clock.monotonic()
  const ownWrites = new OwnWrites(pods, clock)
  const ownStatus = new OwnWrites(owners, clock)
  const told = new Unhurried(context.scope.clock, context.othersWait)
  const podClient = context.client.resource(refs.pods)
  const ownerClient = context.client.resource(kind.ref)

  /** Active pods of all sets that `owner`'s controller manages. */
  function relatedPods(owner: T): readonly core.Pod[] {
    const manager = controllerOf(owner)
    if (manager === undefined) return []
    return owners
      .byIndex(CONTROLLER_UID_INDEX, manager.uid)
      .flatMap((sibling) => pods.byIndex(CONTROLLER_UID_INDEX, sibling.metadata?.uid ?? '').filter(isActive))
  }

  async function takeOverAndLetGo(scope: Scope, owner: T, reference: OwnerReference): Promise<readonly core.Pod[]> {
    const { owned, adopt, release } = claim(pods, owner, kind.selects(owner), (pod) => !isFinished(pod))
    const patch = async (pod: core.Pod, body: object): Promise<core.Pod | undefined> => {
      try {
        return await podClient.patch(scope, { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' }, { type: 'merge', body })
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }
    await inParallel(release, WIDTH, async (pod) => void (await patch(pod, releasePatch(pod, reference.uid))))
    const adopted: core.Pod[] = []
    await inParallel(adopt, WIDTH, async (pod) => {
      const taken = await patch(pod, adoptPatch(pod, reference))
      if (taken !== undefined) {
        adopted.push(taken)
        ownWrites.wrote(keyOf(owner), taken)
      }
    })
    return [...owned, ...adopted]
  }

  async function carryOut(
    scope: Scope,
    owner: T,
    reference: OwnerReference,
    active: readonly core.Pod[],
  ): Promise<{ readonly deed: 'FailedCreate' | 'FailedDelete'; readonly error: unknown } | undefined> {
    const key = keyOf(owner)
    const plan = planReplicas(owner.spec?.replicas ?? 1, active, relatedPods(owner), scope.clock.now())
    if ('create' in plan) {
      const { template } = owner.spec ?? {}
      if (template === undefined || plan.create === 0) return undefined
      const pod = podFromTemplate(owner, reference, template)
      const { failure } = await slowStart(plan.create, WIDTH, async () => ownWrites.wrote(key, await control.create(scope, owner, pod)))
      return failure === undefined || isNamespaceEnding(failure) ? undefined : { deed: 'FailedCreate', error: failure }
    }
    try {
      await inParallel(plan.remove, WIDTH, async (pod) => {
        if (await control.remove(scope, owner, pod, plan.down.has(pod))) ownWrites.deleted(key, keyOf(pod), pod.metadata?.uid ?? '')
      })
      return undefined
    } catch (error) {
      return { deed: 'FailedDelete', error }
    }
  }

  return async (scope, key) => {
    const owner = owners.get(key)
    if (owner === undefined) {
      for (const one of [ownWrites, ownStatus, told]) one.forget(key)
      return done
    }
    // What was done in an earlier round has not all come by yet: its last event brings the key back. Asked before the pods are looked at, with nothing
    // waited for in between: asked afterwards, the last event could come between the look and the question, and be counted as seen.
    // The same for the last status: a round on an older one would be refused at its end.
    const waiting = untilSettled(key, ownStatus, ownWrites)
    if (waiting !== undefined) return waiting
    const reference = controllerReference(owner, kind.ref)
    const managed = await takeOverAndLetGo(scope, owner, reference)
    const isEnding = owner.metadata?.deletionTimestamp !== undefined
    const failure = isEnding ? undefined : await carryOut(scope, owner, reference, managed.filter(isActive))
    scope.check()
    // Counts would be old before they are written.
    const written = failure === undefined ? untilSettled(key, ownWrites) : undefined
    if (written !== undefined) return written

    const nowMs = scope.clock.now()
    const minReadySeconds = owner.spec?.minReadySeconds ?? 0
    const status = replicaStatus(owner.status, {
      generation: owner.metadata?.generation ?? 0,
      wanted: owner.spec?.replicas ?? 1,
      minReadySeconds,
      templateLabels: owner.spec?.template?.metadata?.labels ?? {},
      pods: managed,
      countsTerminating: kind.countsTerminating,
      failure: failure === undefined ? undefined : { reason: failure.deed, message: messageOf(failure.error) },
      nowMs,
    })
    if (!sameOnWire(owner.status, status)) {
      const isOnItsWay = failure === undefined && (status.readyReplicas ?? 0) < (owner.spec?.replicas ?? 1)
      const later = isOnItsWay ? told.putOff(key) : undefined
      if (later !== undefined) return later
      told.forget(key)
      ownStatus.wrote(key, await ownerClient.update(scope, { ...owner, status }, { subresource: 'status' }))
    }
    if (failure !== undefined) throw failure.error
    const availableInMs = nextAvailableInMs(managed.filter(isActive), minReadySeconds, nowMs)
    return availableInMs === undefined ? done : after(availableInMs)
  }
}
