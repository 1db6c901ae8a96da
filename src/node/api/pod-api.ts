import { type Scope, isCancelled, messageOf } from '#base'
import { type core, isConflict, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { compareVersions } from '#reconcile'
import { nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { PodApi } from '../pods/services.ts'
import { statusPatch } from './status-patch.ts'

/** Fields that disappear from the API when the node no longer has a value for them. */
const OWNED = new Set(['reason', 'message', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'])
/** What only says that a pod is on its way, or is being started anew, or that its deletion was seen, waits this long: mostly the next status overtakes it. */
const PASSES_MS = 1000
/** Of all pods at the same time: each request under way has a connection, and 500 of them cost both ends more than what they carry. */
const MOST_AT_ONCE = 8
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 10_000

interface Reported {
  pod: core.Pod
  /** What the API has, as far as known. */
  told: core.PodStatus
  /** The version of the pod that it is known from. */
  version: string
  wanted: core.PodStatus
  writing: Promise<void> | undefined
  waiting: { cancel(): void } | undefined
}

/** Writes pod statuses: one request at a time per pod, and what came meanwhile as one more. */
export function podApi(scope: Scope, client: Client): PodApi {
  const pods = client.resource(refs.pods)
  const reported = new Map<string, Reported>()
  const waiting: (() => void)[] = []
  let free = MOST_AT_ONCE

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }

  async function write(entry: Reported): Promise<void> {
    let failures = 0
    for (;;) {
      const { pod } = entry
      try {
        if (!(await inTurn(() => writeNow(entry)))) return
        failures = 0
      } catch (error) {
        // The pod is gone, or another one has its name: nobody is left to tell.
        if (isCancelled(error) || isNotFound(error) || isConflict(error)) return
        failures++
        scope.log.warn('a pod status was not written', { pod: `${namespaceOf(pod)}/${nameOf(pod)}`, error: messageOf(error) })
        await scope.sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS)).catch(() => undefined)
        if (scope.signal.aborted) return
      }
    }
  }

  /** False when there is nothing to tell. */
  async function writeNow(entry: Reported): Promise<boolean> {
    const { pod, wanted } = entry
    const patch = statusPatch(entry.told, wanted, OWNED)
    if (patch === undefined) return false
    const answer = await pods.patch(
      scope,
      { namespace: namespaceOf(pod), name: nameOf(pod) },
      { type: 'strategic', body: { metadata: { uid: uidOf(pod) }, status: patch } },
      { subresource: 'status' },
    )
    // What was asked for, not what came back: a server that leaves something out is not asked for it again and again.
    Object.assign(entry, { told: wanted, version: answer.metadata?.resourceVersion ?? entry.version })
    return true
  }

  async function flush(entry: Reported): Promise<void> {
    entry.waiting?.cancel()
    entry.waiting = undefined
    while (entry.writing !== undefined) await entry.writing
    entry.writing = write(entry)
    await entry.writing
    entry.writing = undefined
  }

  return {
    report(pod, status, passes) {
      const uid = uidOf(pod)
      const entry = reported.get(uid) ?? { pod, told: {}, version: '0', wanted: status, writing: undefined, waiting: undefined }
      reported.set(uid, entry)
      entry.pod = pod
      entry.wanted = status
      const version = pod.metadata?.resourceVersion ?? '0'
      // The informer may be behind the answers to writes.
      if (compareVersions(version, entry.version) > 0) Object.assign(entry, { told: pod.status ?? {}, version })
      if (entry.writing !== undefined) return
      if (!passes && !isOnItsWay(status) && !onlySees(pod, entry.told, status)) void flush(entry)
      else entry.waiting ??= scope.clock.after(PASSES_MS, () => void flush(entry), { background: true })
    },
    async confirmDeletion(own, pod) {
      const entry = reported.get(uidOf(pod))
      if (entry !== undefined) await flush(entry)
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } }
        await inTurn(() => pods.delete(own, { namespace: namespaceOf(pod), name: nameOf(pod) }, options))
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
      reported.delete(uidOf(pod))
    },
    forget(uid) {
      reported.get(uid)?.waiting?.cancel()
      reported.delete(uid)
    },
  }
}

/** Of a pod that is to end: nothing has changed but which generation the node has seen. */
function onlySees(pod: core.Pod, told: core.PodStatus, wanted: core.PodStatus): boolean {
  return pod.metadata?.deletionTimestamp !== undefined && statusPatch(ofNoGeneration(told), ofNoGeneration(wanted), OWNED) === undefined
}

const ofNoGeneration = ({ observedGeneration: _, conditions, ...rest }: core.PodStatus): core.PodStatus => ({
  ...rest,
  ...(conditions === undefined ? {} : { conditions: conditions.map(({ observedGeneration: __, ...condition }) => condition) }),
})

/** Pending, and nothing has gone wrong or ended yet. */
function isOnItsWay({ phase, reason, initContainerStatuses = [], containerStatuses = [] }: core.PodStatus): boolean {
  return (
    phase === 'Pending' &&
    reason === undefined &&
    initContainerStatuses.every(({ state, lastState }) => isStarting(state) && lastState?.terminated === undefined) &&
    containerStatuses.every(({ state, lastState }) => isStarting(state) && lastState?.terminated === undefined)
  )
}

const isStarting = (state: core.ContainerState | undefined): boolean =>
  state?.waiting?.reason === 'ContainerCreating' || state?.waiting?.reason === 'PodInitializing'
