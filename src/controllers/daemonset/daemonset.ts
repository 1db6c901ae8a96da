import type { Scope } from '#base'
import { type OwnerReference, type apps, type core, isNotFound, keyOf, refs } from '#api'
import {
  adoptPatch,
  after,
  claim,
  type ControllerDefinition,
  controllerOf,
  controllerReference,
  deleteRevision,
  done,
  hashOfRevision,
  indexOwners,
  inParallel,
  isNamespaceEnding,
  matcherOf,
  nextAvailableInMs,
  OwnWrites,
  planHistory,
  planRevision,
  podControl,
  podTemplateHash,
  releasePatch,
  REVISION_HASH,
  RevisionCollision,
  sameOnWire,
  slowStart,
  writeRevision,
  untilSettled,
} from '#reconcile'
import { daemonPod, targetNode } from './daemon-pod.ts'
import { type DaemonPlan, type DaemonView, eligibility, planDaemonStatus, planPlacement, planUpdate } from './plan-daemons.ts'

const WIDTH = 64
const BURST = 250
/** A daemon that keeps ending is replaced more and more slowly. */
const ENDED_BACK_OFF = { firstMs: 1000, maxMs: 900_000 }

export const daemonSetController: ControllerDefinition = {
  name: 'daemonset-controller',
  workers: 2,
  setup(context) {
    const { client, events } = context
    const sets = context.watch(refs.daemonsets, ({ key }) => [key])
    const pods = indexOwners(
      context.watch(refs.pods, ({ old, now }) => {
        const keys = new Set<string>()
        for (const pod of [old, now]) {
          const owner = pod === undefined ? undefined : controllerOf(pod)
          if (owner?.kind === 'DaemonSet') keys.add(`${pod?.metadata?.namespace ?? ''}/${owner.name}`)
        }
        if (now !== undefined && controllerOf(now) === undefined) {
          for (const set of sets.list(now.metadata?.namespace ?? ''))
            if (matcherOf(set.spec?.selector)(now.metadata?.labels ?? {})) keys.add(keyOf(set))
        }
        return [...keys]
      }),
    )
    // A node that goes takes its pods along in its own time; one that changes matters when a pod has to come or to go.
    const nodes = context.watch(refs.nodes, ({ now }) => {
      if (now === undefined) return []
      return sets
        .list()
        .filter((set) => {
          const { shouldRun, mayStay } = eligibility(set, now)
          const hasPod = pods.byIndex('controller-uid', set.metadata?.uid ?? '').some((pod) => targetNode(pod) === now.metadata?.name)
          return hasPod ? !mayStay : shouldRun
        })
        .map(keyOf)
    })
    const revisions = indexOwners(
      context.watch(refs.controllerrevisions, ({ old, now }) => {
        const owner = controllerOf(now ?? old ?? {})
        return owner?.kind === 'DaemonSet' ? [`${(now ?? old)?.metadata?.namespace ?? ''}/${owner.name}`] : []
      }),
    )
    const control = podControl(client, events)
    const ownWrites = new OwnWrites(pods, () => context.scope.clock.monotonic())
    const ownStatus = new OwnWrites(sets, () => context.scope.clock.monotonic())
    const ownRevisions = new OwnWrites(revisions, () => context.scope.clock.monotonic())
    const setClient = client.resource(refs.daemonsets)
    const podClient = client.resource(refs.pods)
    const endings = new Map<string, { count: number; lastMs: number }>()

    async function claimPods(scope: Scope, set: apps.DaemonSet, reference: OwnerReference): Promise<readonly core.Pod[]> {
      const { owned, adopt, release } = claim(pods, set, matcherOf(set.spec?.selector))
      const patch = async (pod: core.Pod, body: object): Promise<core.Pod[]> => {
        try {
          return [
            await podClient.patch(scope, { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' }, { type: 'merge', body }),
          ]
        } catch (error) {
          if (isNotFound(error)) return []
          throw error
        }
      }
      await inParallel(release, WIDTH, async (pod) => void (await patch(pod, releasePatch(pod, reference.uid))))
      const adopted: core.Pod[] = []
      await inParallel(adopt, WIDTH, async (pod) => void adopted.push(...(await patch(pod, adoptPatch(pod, reference)))))
      return [...owned, ...adopted]
    }

    /** Those of a set of before that was deleted without them are taken over with its pods. */
    async function historyOf(scope: Scope, set: apps.DaemonSet, reference: OwnerReference): Promise<readonly apps.ControllerRevision[]> {
      const { owned, adopt } = claim(revisions, set, matcherOf(set.spec?.selector))
      const history = [...owned]
      for (const revision of adopt) {
        const at = { namespace: revision.metadata?.namespace, name: revision.metadata?.name ?? '' }
        const body = adoptPatch(revision, reference)
        const answer = await client.resource(refs.controllerrevisions).patch(scope, at, { type: 'merge', body })
        ownRevisions.wrote(keyOf(set), answer)
        history.push(answer)
      }
      return history
    }

    /** Undefined: the name was taken, the next round takes another. */
    async function currentHash(
      scope: Scope,
      set: apps.DaemonSet,
      template: core.PodTemplateSpec,
      reference: OwnerReference,
    ): Promise<string | undefined> {
      const history = await historyOf(scope, set, reference)
      const owner = {
        namespace: set.metadata?.namespace ?? '',
        name: set.metadata?.name ?? '',
        reference,
        template,
        hash: () => podTemplateHash(template, set.status?.collisionCount),
        annotations: set.metadata?.annotations,
        hashLabel: REVISION_HASH,
      }
      try {
        const written = await writeRevision(scope, client, owner, planRevision(template, history))
        ownRevisions.wrote(keyOf(set), written)
        return hashOfRevision(written)
      } catch (error) {
        if (!(error instanceof RevisionCollision)) throw error
        const status = set.status ?? planDaemonStatus({ set, nodes: [], pods: [], hash: '', nowMs: 0 })
        await writeStatus(scope, set, { ...status, collisionCount: (set.status?.collisionCount ?? 0) + 1 })
        return undefined
      }
    }

    async function writeStatus(scope: Scope, set: apps.DaemonSet, status: apps.DaemonSetStatus): Promise<void> {
      ownStatus.wrote(keyOf(set), await setClient.update(scope, { ...set, status }, { subresource: 'status' }))
    }

    /** Milliseconds that ended pods of this node still have to wait for their removal. */
    function endedWaitMs(key: string, nodeName: string, nowMs: number): number {
      const id = `${key} ${nodeName}`
      const known = endings.get(id) ?? { count: 0, lastMs: Number.NEGATIVE_INFINITY }
      const backOffMs = known.count === 0 ? 0 : Math.min(ENDED_BACK_OFF.firstMs * 2 ** (known.count - 1), ENDED_BACK_OFF.maxMs)
      const leftMs = known.lastMs + backOffMs - nowMs
      if (leftMs > 0) return leftMs
      endings.set(id, { count: nowMs - known.lastMs > 2 * ENDED_BACK_OFF.maxMs ? 1 : known.count + 1, lastMs: nowMs })
      return 0
    }

    async function carryOut(
      scope: Scope,
      view: DaemonView,
      template: core.PodTemplateSpec,
      reference: OwnerReference,
      plan: DaemonPlan,
    ): Promise<number | undefined> {
      const key = keyOf(view.set)
      let againInMs: number | undefined
      const removed = plan.remove.filter((pod) => {
        if (!plan.ended.includes(pod)) return true
        const waitMs = endedWaitMs(key, pod.spec?.nodeName ?? '', scope.clock.monotonic())
        if (waitMs > 0) {
          againInMs = Math.min(againInMs ?? waitMs, waitMs)
          return false
        }
        const { namespace = '', name = '' } = pod.metadata ?? {}
        const isFailed = pod.status?.phase === 'Failed'
        const words = isFailed
          ? `Found failed daemon pod ${namespace}/${name} on node ${pod.spec?.nodeName ?? ''}, will try to kill it`
          : `Found succeeded daemon pod ${namespace}/${name} on node ${pod.spec?.nodeName ?? ''}, will try to delete it`
        events.event(view.set, isFailed ? 'Warning' : 'Normal', isFailed ? 'FailedDaemonPod' : 'SucceededDaemonPod', words)
        return true
      })
      const create = plan.create.slice(0, BURST)
      const { failure } = await slowStart(create.length, WIDTH, async (i) =>
        ownWrites.wrote(key, await control.create(scope, view.set, daemonPod(view.set, template, reference, view.hash, create[i] ?? ''))),
      )
      await inParallel(removed.slice(0, BURST), WIDTH, async (pod) => {
        if (await control.remove(scope, view.set, pod, plan.down.includes(pod))) ownWrites.deleted(key, keyOf(pod), pod.metadata?.uid ?? '')
      })
      if (failure !== undefined && !isNamespaceEnding(failure)) throw failure
      return againInMs
    }

    async function cleanUp(scope: Scope, view: DaemonView, reference: OwnerReference): Promise<void> {
      const used = new Set(view.pods.map((pod) => pod.metadata?.labels?.[REVISION_HASH] ?? '')).add(view.hash)
      for (const revision of planHistory(
        revisions.byIndex('controller-uid', reference.uid),
        used,
        view.set.spec?.revisionHistoryLimit ?? 10,
      )) {
        await deleteRevision(scope, client, revision)
        ownRevisions.deleted(keyOf(view.set), keyOf(revision), revision.metadata?.uid ?? '')
      }
    }

    return async (scope, key) => {
      const set = sets.get(key)
      const template = set?.spec?.template
      if (set === undefined || template === undefined) {
        ownWrites.forget(key)
        ownRevisions.forget(key)
        ownStatus.forget(key)
        return done
      }
      if (set.metadata?.deletionTimestamp !== undefined) return done
      const waiting = untilSettled(key, ownRevisions, ownStatus)
      if (waiting !== undefined) return waiting
      const reference = controllerReference(set, refs.daemonsets)
      // Asked before the pods are looked at: afterwards, an event between the two would count as seen.
      const missingForMs = ownWrites.leftMs(key)
      const managed = await claimPods(scope, set, reference)
      const hash = await currentHash(scope, set, template, reference)
      if (hash === undefined) return done
      const view: DaemonView = { set, nodes: nodes.list(), pods: managed, hash, nowMs: scope.clock.now() }
      let againInMs: number | undefined
      let failure: Error | undefined
      if (missingForMs === undefined) {
        const placement = planPlacement(view)
        const isPlaced = placement.create.length + placement.remove.length - placement.ended.length === 0
        try {
          againInMs = await carryOut(scope, view, template, reference, placement)
          if (isPlaced) await carryOut(scope, view, template, reference, planUpdate(view))
        } catch (error) {
          failure = error instanceof Error ? error : new Error(String(error))
        }
        await cleanUp(scope, view, reference)
      }
      const status = planDaemonStatus(view)
      if (!sameOnWire(status, set.status)) await writeStatus(scope, set, status)
      if (failure !== undefined) throw failure
      const availableInMs = nextAvailableInMs(managed, set.spec?.minReadySeconds ?? 0, view.nowMs)
      const next = [againInMs, availableInMs, missingForMs].filter((ms) => ms !== undefined)
      return next.length === 0 ? done : after(Math.min(...next))
    }
  },
}
