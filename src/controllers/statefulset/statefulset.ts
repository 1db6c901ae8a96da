import type { Scope } from '#base'
import { type apps, type core, isNotFound, keyOf, refs } from '#api'
import {
  adoptPatch,
  after,
  type Change,
  claim,
  type ControllerContext,
  type ControllerDefinition,
  controllerOf,
  controllerReference,
  deleteRevision,
  done,
  indexOwners,
  type Informer,
  isNamespaceEnding,
  matcherOf,
  nextAvailableInMs,
  OwnWrites,
  hashOf,
  planHistory,
  planRevision,
  type Reconcile,
  releasePatch,
  RevisionCollision,
  sameOnWire,
  slowStart,
  writeRevision,
  untilSettled,
} from '#reconcile'
import { claimTemplates } from './claims.ts'
import { type PodRevision, revisionOf } from './identity.ts'
import { isMember, parsePodName } from './ordinals.ts'
import { type SetPlan, planSet, statusOf } from './plan-statefulset.ts'
import { setWrites } from './set-writes.ts'

const WIDTH = 64
const REVISION_LABEL = 'controller.kubernetes.io/hash'

export const statefulSetController: ControllerDefinition = { name: 'statefulset-controller', workers: 5, setup }

/** The sets that a changed pod concerns: its managers, whoever might adopt it, and the one whose ordinal has its name. */
function setsOfPod(sets: Informer<apps.StatefulSet>, { old, now }: Change<core.Pod>): readonly string[] {
  const keys = new Set<string>()
  for (const pod of [old, now]) {
    if (pod === undefined) continue
    const { namespace = '', name = '', labels = {} } = pod.metadata ?? {}
    const owner = controllerOf(pod)
    if (owner?.kind === 'StatefulSet') keys.add(`${namespace}/${owner.name}`)
    const named = parsePodName(name)
    if (named === undefined) continue
    const set = sets.get(`${namespace}/${named.parent}`)
    if (set !== undefined && (now === undefined || (owner === undefined && matcherOf(set.spec?.selector)(labels)))) keys.add(keyOf(set))
  }
  return [...keys]
}

function setsOfClaim(sets: Informer<apps.StatefulSet>, claimObject: core.PersistentVolumeClaim): readonly string[] {
  const { namespace = '', name = '' } = claimObject.metadata ?? {}
  return sets
    .list(namespace)
    .filter((set) =>
      claimTemplates(set).some((template) => name.startsWith(`${template.metadata?.name ?? ''}-${set.metadata?.name ?? ''}-`)),
    )
    .map(keyOf)
}

function setup(context: ControllerContext): Reconcile {
  const { client } = context
  const sets = context.watch(refs.statefulsets, ({ key }) => [key])
  const pods = indexOwners(context.watch(refs.pods, (change) => setsOfPod(sets, change)))
  const claims = context.watch(refs.persistentvolumeclaims, ({ old, now }) => setsOfClaim(sets, now ?? old ?? {}))
  const revisions = indexOwners(
    context.watch(refs.controllerrevisions, ({ old, now }) => {
      const owner = controllerOf(now ?? old ?? {})
      return owner?.kind === 'StatefulSet' ? [`${(now ?? old)?.metadata?.namespace ?? ''}/${owner.name}`] : []
    }),
  )
  const clock = (): number => context.scope.clock.monotonic()
  const own = {
    pods: new OwnWrites(pods, clock),
    claims: new OwnWrites(claims, clock),
    revisions: new OwnWrites(revisions, clock),
    sets: new OwnWrites(sets, clock),
  }
  const setClient = client.resource(refs.statefulsets)
  const podClient = client.resource(refs.pods)
  const revisionClient = client.resource(refs.controllerrevisions)
  const carryOut = setWrites(context, claims, own)

  async function takeOverAndLetGo(scope: Scope, set: apps.StatefulSet): Promise<readonly core.Pod[]> {
    const found = claim(pods, set, matcherOf(set.spec?.selector), (pod) => isMember(set, pod))
    const members = found.owned.filter((pod) => isMember(set, pod))
    const isEnding = set.metadata?.deletionTimestamp !== undefined
    const strangers = isEnding ? [] : found.owned.filter((pod) => !isMember(set, pod))
    const patch = async (pod: core.Pod, body: object): Promise<core.Pod[]> => {
      try {
        const at = { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' }
        const answer = await podClient.patch(scope, at, { type: 'merge', body })
        own.pods.wrote(keyOf(set), answer)
        return [answer]
      } catch (error) {
        if (isNotFound(error)) return []
        throw error
      }
    }
    for (const pod of [...found.release, ...strangers]) await patch(pod, releasePatch(pod, set.metadata?.uid ?? ''))
    for (const pod of found.adopt) members.push(...(await patch(pod, adoptPatch(pod, controllerReference(set, refs.statefulsets)))))
    return members
  }

  async function historyOf(scope: Scope, set: apps.StatefulSet): Promise<readonly apps.ControllerRevision[]> {
    const { owned, adopt } = claim(revisions, set, matcherOf(set.spec?.selector))
    const history = [...owned]
    for (const revision of adopt) {
      const at = { namespace: revision.metadata?.namespace, name: revision.metadata?.name ?? '' }
      const body = adoptPatch(revision, controllerReference(set, refs.statefulsets))
      const answer = await revisionClient.patch(scope, at, { type: 'merge', body })
      own.revisions.wrote(keyOf(set), answer)
      history.push(answer)
    }
    return history
  }

  /** The revision of the present template; undefined when its name was taken, so that the next round takes another. */
  async function updateRevision(
    scope: Scope,
    set: apps.StatefulSet,
    template: core.PodTemplateSpec,
    history: readonly apps.ControllerRevision[],
  ): Promise<apps.ControllerRevision | undefined> {
    const collisionCount = set.status?.collisionCount ?? 0
    const owner = {
      namespace: set.metadata?.namespace ?? '',
      name: set.metadata?.name ?? '',
      reference: controllerReference(set, refs.statefulsets),
      template,
      hash: (data: unknown) => hashOf(data, collisionCount),
      annotations: set.metadata?.annotations,
      hashLabel: REVISION_LABEL,
    }
    try {
      const written = await writeRevision(scope, client, owner, planRevision(template, history))
      own.revisions.wrote(keyOf(set), written)
      return written
    } catch (error) {
      if (!(error instanceof RevisionCollision)) throw error
      await writeStatus(scope, set, { replicas: 0, ...set.status, collisionCount: collisionCount + 1 })
      return undefined
    }
  }

  async function writeStatus(scope: Scope, set: apps.StatefulSet, status: apps.StatefulSetStatus): Promise<void> {
    if (sameOnWire(status, set.status)) return
    own.sets.wrote(keyOf(set), await setClient.update(scope, { ...set, status }, { subresource: 'status' }))
  }

  async function perform(scope: Scope, set: apps.StatefulSet, { stages }: SetPlan): Promise<Error | undefined> {
    const width = set.spec?.podManagementPolicy === 'Parallel' ? WIDTH : 1
    for (const deeds of stages) {
      const { failure } = await slowStart(deeds.length, width, async (i) => {
        const deed = deeds[i]
        if (deed !== undefined) await carryOut(scope, set, deed)
      })
      if (failure !== undefined) return isNamespaceEnding(failure) ? undefined : failure
    }
    return undefined
  }

  return async (scope, key) => {
    const set = sets.get(key)
    const template = set?.spec?.template
    if (set === undefined || template === undefined) {
      for (const writes of Object.values(own)) writes.forget(key)
      return done
    }
    const waiting = untilSettled(key, ...Object.values(own))
    if (waiting !== undefined) return waiting
    const history = await historyOf(scope, set)
    const members = await takeOverAndLetGo(scope, set)
    const latest = await updateRevision(scope, set, template, history)
    if (latest === undefined) return done
    const before = history.find(({ metadata }) => metadata?.name === set.status?.currentRevision)
    const update: PodRevision = { name: latest.metadata?.name ?? '', template }
    const current = before === undefined ? update : { name: before.metadata?.name ?? '', template: templateIn(before) }
    const namespace = set.metadata?.namespace ?? ''
    const nowMs = scope.clock.now()
    const view = { set, pods: members, claim: (name: string) => claims.get(`${namespace}/${name}`), current, update, nowMs }

    const failure = await perform(scope, set, planSet(view))
    scope.check()
    await writeStatus(scope, set, statusOf(view, set.status?.collisionCount ?? 0))
    const used = new Set([current.name, update.name, ...members.map(revisionOf)])
    for (const revision of planHistory(history, used, set.spec?.revisionHistoryLimit ?? 10, ({ metadata }) => metadata?.name ?? '')) {
      await deleteRevision(scope, client, revision)
      own.revisions.deleted(key, keyOf(revision), revision.metadata?.uid ?? '')
    }
    if (failure !== undefined) throw failure
    const availableInMs = nextAvailableInMs(members, set.spec?.minReadySeconds ?? 0, nowMs)
    return availableInMs === undefined ? done : after(availableInMs)
  }
}

/** What a revision holds is the patch that brings the template back. */
function templateIn(revision: apps.ControllerRevision): core.PodTemplateSpec {
  const data = revision.data as { readonly spec?: { readonly template?: core.PodTemplateSpec & { $patch?: string } } } | undefined
  const { $patch: _, ...template } = data?.spec?.template ?? {}
  return template
}
