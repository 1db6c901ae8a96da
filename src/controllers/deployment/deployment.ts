import { type Scope, messageOf } from '#base'
import { type apps, isAlreadyExists, isNotFound, keyOf, refs } from '#api'
import {
  adoptPatch,
  after,
  claim,
  type ControllerContext,
  type ControllerDefinition,
  controllerReference,
  done,
  indexOwners,
  isControlledBy,
  isFinished,
  isNamespaceEnding,
  matcherOf,
  OwnWrites,
  podTemplateHash,
  type Reconcile,
  releasePatch,
  type Result,
  sameOnWire,
  Unhurried,
  untilSettled,
} from '#reconcile'
import { deploymentsOfPod, deploymentsOfSet } from './affected-deployments.ts'
import { type Conditions, conditionOf, withCondition } from './conditions.ts'
import { type Resize, newSetSize, planRollingUpdate } from './plan-rollout.ts'
import { isScaling, planCleanup, planScaling } from './plan-scaling.ts'
import { hasDeadline, isComplete, planRolloutStatus, planStatus } from './plan-status.ts'
import {
  HASH_LABEL,
  REVISION,
  isRolling,
  nameOf,
  newSetAmong,
  newSetAnnotations,
  nextRevision,
  replicasOf,
  revisionOf,
  sizeAnnotations,
  sumOf,
} from './replica-sets.ts'

/** Many side by side: writes that are under way together share a commit. */
export const deploymentController: ControllerDefinition = { name: 'deployment-controller', workers: 32, setup }

/** What one round has seen so far: sizes that it has just changed are in the sets. */
interface Round {
  readonly scope: Scope
  readonly deployment: apps.Deployment
  readonly newSet: apps.ReplicaSet | undefined
  readonly old: readonly apps.ReplicaSet[]
  readonly conditions: Conditions
}

const allOf = (round: Round): readonly apps.ReplicaSet[] => (round.newSet === undefined ? round.old : [...round.old, round.newSet])

function setup(context: ControllerContext): Reconcile {
  const { client, events } = context
  const deployments = context.watch(refs.deployments, ({ key }) => [key])
  const sets = indexOwners(context.watch(refs.replicasets, (change) => deploymentsOfSet(deployments, change)))
  const pods = indexOwners(context.watch(refs.pods, (change) => deploymentsOfPod(deployments, sets, change)))
  const deploymentClient = client.resource(refs.deployments)
  const setClient = client.resource(refs.replicasets)
  const clock = (): number => context.scope.clock.monotonic()
  const ownWrites = new OwnWrites(sets, clock)
  const ownStatus = new OwnWrites(deployments, clock)
  const told = new Unhurried(context.scope.clock, context.othersWait)
  /** Conditions of statuses that are put off: what a round has found out is no news to the next one, so it would be lost. */
  const untold = new Map<string, Conditions>()

  async function claimSets(scope: Scope, deployment: apps.Deployment): Promise<readonly apps.ReplicaSet[]> {
    const { owned, adopt, release } = claim(sets, deployment, matcherOf(deployment.spec?.selector))
    const managed = [...owned]
    const patch = async (set: apps.ReplicaSet, body: object): Promise<apps.ReplicaSet | undefined> => {
      try {
        const answer = await setClient.patch(scope, { namespace: set.metadata?.namespace, name: nameOf(set) }, { type: 'merge', body })
        ownWrites.wrote(keyOf(deployment), answer)
        return answer
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }
    for (const set of release) await patch(set, releasePatch(set, deployment.metadata?.uid ?? ''))
    for (const set of adopt) {
      const taken = await patch(set, adoptPatch(set, controllerReference(deployment, refs.deployments)))
      if (taken !== undefined) managed.push(taken)
    }
    return managed
  }

  async function resize(round: Round, { set, to }: Resize): Promise<apps.ReplicaSet> {
    const { deployment, scope } = round
    const from = replicasOf(set)
    const annotations = { ...set.metadata?.annotations, ...sizeAnnotations(deployment) }
    if (from === to && sameOnWire(annotations, set.metadata?.annotations)) return set
    const answer = await setClient.update(scope, {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas: to, selector: set.spec?.selector ?? {} },
    })
    ownWrites.wrote(keyOf(deployment), answer)
    if (from !== to)
      events.event(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled ${from < to ? 'up' : 'down'} replica set ${nameOf(set)} from ${from} to ${to}`,
      )
    return answer
  }

  async function carryOut(round: Round, steps: readonly Resize[]): Promise<Round> {
    const changed = new Map<string, apps.ReplicaSet>()
    for (const { set, to } of steps) changed.set(nameOf(set), await resize(round, { set: changed.get(nameOf(set)) ?? set, to }))
    const latest = (set: apps.ReplicaSet): apps.ReplicaSet => changed.get(nameOf(set)) ?? set
    return { ...round, newSet: round.newSet === undefined ? undefined : latest(round.newSet), old: round.old.map(latest) }
  }

  /** Brings the newest ReplicaSet's annotations and both revisions up to date. */
  async function refreshNewSet(round: Round, set: apps.ReplicaSet, newRevision: bigint): Promise<Round> {
    const { scope } = round
    const annotations = newSetAnnotations(round.deployment, set.metadata?.annotations ?? {}, newRevision)
    const minReadySeconds = round.deployment.spec?.minReadySeconds
    let newSet = set
    if (!sameOnWire(annotations, set.metadata?.annotations) || (set.spec?.minReadySeconds ?? 0) !== (minReadySeconds ?? 0)) {
      newSet = await setClient.update(scope, {
        ...set,
        metadata: { ...set.metadata, annotations },
        spec: { ...set.spec, minReadySeconds, selector: set.spec?.selector ?? {} },
      })
      ownWrites.wrote(keyOf(round.deployment), newSet)
    }
    const deployment = withRevision(round.deployment, annotations[REVISION] ?? '')
    const conditions =
      hasDeadline(deployment) && conditionOf(round.conditions, 'Progressing') === undefined
        ? withCondition(
            round.conditions,
            { type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message: `Found new replica set "${nameOf(newSet)}"` },
            scope.clock.now(),
          )
        : round.conditions
    return { ...round, deployment, newSet, conditions }
  }

  async function createNewSet(round: Round, newRevision: bigint): Promise<Round> {
    const { scope, deployment } = round
    const spec = deployment.spec
    if (spec === undefined) return round
    const hash = podTemplateHash(spec.template, deployment.status?.collisionCount)
    const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash }
    const replicas = newSetSize(deployment, round.old, 0)
    const wanted: apps.ReplicaSet = {
      metadata: {
        name: `${nameOf(deployment)}-${hash}`,
        namespace: deployment.metadata?.namespace,
        labels,
        annotations: { ...newSetAnnotations(deployment, {}, newRevision), ...sizeAnnotations(deployment) },
        ownerReferences: [controllerReference(deployment, refs.deployments)],
      },
      spec: {
        replicas,
        ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
        selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
    }
    let newSet: apps.ReplicaSet
    try {
      newSet = await setClient.create(scope, wanted)
      ownWrites.wrote(keyOf(deployment), newSet)
      if (replicas > 0)
        events.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${nameOf(newSet)} from 0 to ${replicas}`)
    } catch (error) {
      if (isAlreadyExists(error)) return refreshNewSet(round, await sameSetOrCollision(round, nameOf(wanted)), newRevision)
      await creationFailed(round, nameOf(wanted), error)
      throw error
    }
    const updated = withRevision(deployment, newSet.metadata?.annotations?.[REVISION] ?? '')
    const conditions = hasDeadline(deployment)
      ? withCondition(
          round.conditions,
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message: `Created new replica set "${nameOf(newSet)}"` },
          scope.clock.now(),
        )
      : round.conditions
    return { ...round, deployment: updated, newSet, conditions }
  }

  /** The name is taken: by what we made before and have not seen yet, or by something else. Then the next name gets another hash. */
  async function sameSetOrCollision({ scope, deployment }: Round, name: string): Promise<apps.ReplicaSet> {
    const present = await setClient.get(scope, { namespace: deployment.metadata?.namespace, name })
    if (isControlledBy(present, deployment) && newSetAmong(deployment, [present]) !== undefined) return present
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    await writeStatus(scope, deployment, { ...deployment.status, collisionCount })
    throw new Error(`the name ${name} is taken by another ReplicaSet; the next one is tried`)
  }

  async function creationFailed(round: Round, name: string, error: unknown): Promise<void> {
    const { scope, deployment } = round
    scope.check()
    if (isNamespaceEnding(error)) return
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`
    if (hasDeadline(deployment)) {
      const conditions = withCondition(
        round.conditions,
        { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message },
        scope.clock.now(),
      )
      await writeStatus(scope, deployment, { ...deployment.status, conditions: [...conditions] })
    }
    events.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
  }

  async function withNewSet(round: Round, create: boolean): Promise<Round> {
    const newRevision = nextRevision(round.old)
    if (round.newSet !== undefined) return refreshNewSet(round, round.newSet, newRevision)
    return create ? createNewSet(round, newRevision) : round
  }

  function isTold(deployment: apps.Deployment, status: apps.DeploymentStatus): boolean {
    const known = deployments.get(keyOf(deployment)) ?? deployment
    return (
      sameOnWire(comparable(deployment.status), comparable(status)) &&
      known.metadata?.annotations?.[REVISION] === deployment.metadata?.annotations?.[REVISION]
    )
  }

  async function writeStatus(scope: Scope, deployment: apps.Deployment, status: apps.DeploymentStatus): Promise<void> {
    if (isTold(deployment, status)) return
    told.forget(keyOf(deployment))
    untold.delete(keyOf(deployment))
    ownStatus.wrote(keyOf(deployment), await deploymentClient.update(scope, { ...deployment, status }, { subresource: 'status' }))
  }

  async function finish(round: Round): Promise<Result> {
    const { scope, deployment } = round
    const { status, lookAgainInMs } = planRolloutStatus(deployment, allOf(round), round.newSet, round.conditions, scope.clock.now())
    if (!isTold(deployment, status)) {
      // Not the last one of its rollout, and it tells of no failure.
      const isOnItsWay = !isComplete(deployment, status) && conditionOf(status.conditions ?? [], 'ReplicaFailure') === undefined
      const later = isOnItsWay ? told.putOff(keyOf(deployment)) : undefined
      if (later !== undefined) {
        untold.set(keyOf(deployment), status.conditions ?? [])
        return later
      }
      await writeStatus(scope, deployment, status)
    }
    return lookAgainInMs === undefined ? done : after(lookAgainInMs)
  }

  async function cleanUp(round: Round): Promise<void> {
    for (const set of planCleanup(round.deployment, round.old, revisionOf)) {
      const { namespace, uid = '' } = set.metadata ?? {}
      try {
        await setClient.delete(round.scope, { namespace, name: nameOf(set) }, { preconditions: { uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
  }

  async function rollingUpdate(started: Round): Promise<Result> {
    const round = await withNewSet(started, true)
    const { deployment, newSet } = round
    if (newSet === undefined) return done
    const steps = planRollingUpdate(deployment, newSet, round.old)
    if (steps.length > 0) return finish(await carryOut(round, steps))
    if (isComplete(deployment, deployment.status ?? {})) await cleanUp(round)
    return finish(round)
  }

  async function recreate(started: Round): Promise<Result> {
    const round = await withNewSet(started, false)
    const active = round.old.filter((set) => replicasOf(set) > 0)
    if (active.length > 0)
      return finish(
        await carryOut(
          round,
          active.map((set) => ({ set, to: 0 })),
        ),
      )
    if (sumOf(round.old, (set) => set.status?.replicas) > 0 || oldPodsAreThere(round)) return finish(round)
    const made = await withNewSet(round, true)
    const { newSet } = made
    if (newSet === undefined) return done
    const scaled = await carryOut(
      made,
      replicasOf(newSet) === replicasOf(made.deployment) ? [] : [{ set: newSet, to: replicasOf(made.deployment) }],
    )
    if (isComplete(scaled.deployment, scaled.deployment.status ?? {})) await cleanUp(scaled)
    return finish(scaled)
  }

  function oldPodsAreThere(round: Round): boolean {
    return round.old.some((set) => pods.byIndex('controller-uid', set.metadata?.uid ?? '').some((pod) => !isFinished(pod)))
  }

  /** Sizes only: for a changed size, and for what is paused. */
  async function scaleOnly(started: Round, isPaused: boolean): Promise<Result> {
    const round = await withNewSet(started, false)
    const scaled = await carryOut(round, planScaling(round.deployment, round.newSet, round.old))
    if (isPaused) await cleanUp(scaled)
    await writeStatus(
      scaled.scope,
      scaled.deployment,
      planStatus(scaled.deployment, allOf(scaled), scaled.newSet, scaled.conditions, scaled.scope.clock.now()),
    )
    return done
  }

  return async (scope, key) => {
    const deployment = deployments.get(key)
    if (deployment === undefined) {
      for (const one of [ownWrites, ownStatus, told]) one.forget(key)
      untold.delete(key)
      return done
    }
    // What was written in an earlier round has not all come by yet: its last event brings the key back.
    const waiting = untilSettled(key, ownStatus, ownWrites)
    if (waiting !== undefined) return waiting
    const all = await claimSets(scope, deployment)
    const newSet = newSetAmong(deployment, all)
    const round: Round = {
      scope,
      deployment,
      newSet,
      old: all.filter((set) => set !== newSet),
      conditions: pauseConditions(deployment, untold.get(key) ?? deployment.status?.conditions ?? [], scope.clock.now()),
    }
    if (deployment.metadata?.deletionTimestamp !== undefined) {
      await writeStatus(scope, deployment, planStatus(deployment, all, newSet, round.conditions, scope.clock.now()))
      return done
    }
    if (deployment.spec?.paused) return scaleOnly(round, true)
    if (isScaling(deployment, all)) return scaleOnly(round, false)
    return isRolling(deployment) ? rollingUpdate(round) : recreate(round)
  }
}

/** The revision travels with the status: written to the main resource it would count as a change of what is wanted. */
function withRevision(deployment: apps.Deployment, revision: string): apps.Deployment {
  if (deployment.metadata?.annotations?.[REVISION] === revision) return deployment
  return { ...deployment, metadata: { ...deployment.metadata, annotations: { ...deployment.metadata?.annotations, [REVISION]: revision } } }
}

/** Pausing and resuming are told by the Progressing condition, unless the deadline has passed already. */
function pauseConditions(deployment: apps.Deployment, conditions: Conditions, nowMs: number): Conditions {
  const reason = conditionOf(conditions, 'Progressing')?.reason
  if (!hasDeadline(deployment) || reason === 'ProgressDeadlineExceeded') return conditions
  const isPaused = deployment.spec?.paused === true
  if (isPaused && reason !== 'DeploymentPaused')
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' },
      nowMs,
    )
  if (!isPaused && reason === 'DeploymentPaused')
    return withCondition(
      conditions,
      { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' },
      nowMs,
    )
  return conditions
}

/** The order of conditions says nothing. */
function comparable(status: apps.DeploymentStatus | undefined): apps.DeploymentStatus {
  return { ...status, conditions: (status?.conditions ?? []).toSorted((a, b) => (a.type < b.type ? -1 : 1)) }
}
