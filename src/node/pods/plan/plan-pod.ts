import type { core } from '#api'
import {
  ANNOTATIONS,
  type AnyContainer,
  containerHash,
  ephemeralContainersOf,
  fullNameOf,
  graceOf,
  initContainersOf,
  isSidecar,
  mainContainersOf,
  specOf,
  toldStatusOf,
} from '../pod-facts.ts'
import { planResize } from '../resize/plan-resize.ts'
import type { Action, Plan } from './action.ts'
import { endedAt, goDuration, restartAt } from './backoff.ts'
import { endingOf } from './ending.ts'
import { planEnd } from './plan-end.ts'
import { restartsAfter } from './restart.ts'
import { awaitsRestartOfAll, isRestartingAll, planRestartAll } from './restart-all.ts'
import { type ContainerView, type PodSnapshot, newestRun } from './snapshot.ts'

/** The next steps of a pod. What is under way already may be named again: the executor knows. */
export function planPod(snapshot: PodSnapshot): Plan {
  const ending = endingOf(snapshot)
  return ending === undefined ? new RunPlan(snapshot).make() : planEnd(snapshot, ending)
}

/** Brings a pod up and keeps it up. */
class RunPlan {
  readonly #snapshot: PodSnapshot
  readonly #pod: core.Pod
  readonly #actions: Action[] = []
  readonly #waiting = new Map<string, { reason: string; message: string }>()
  #wakeAtMs: number | undefined

  constructor(snapshot: PodSnapshot) {
    this.#snapshot = snapshot
    this.#pod = snapshot.pod
    const { activeDeadlineSeconds } = specOf(snapshot.pod)
    if (activeDeadlineSeconds !== undefined) this.#wakeAt(snapshot.memory.startedAtMs + activeDeadlineSeconds * 1000)
  }

  make(): Plan {
    const [sandbox, ...older] = this.#snapshot.sandboxes
    for (const { id } of older)
      if (!this.#snapshot.containers.some(({ sandboxId }) => sandboxId === id)) this.#actions.push({ type: 'remove-sandbox', id })
    const restartsAll = sandbox?.ready === true && isRestartingAll(this.#snapshot)
    if (restartsAll) this.#actions.push(...planRestartAll(this.#snapshot))
    else {
      this.#removeOldContainers()
      if (sandbox?.ready === true) {
        this.#planContainers(sandbox.id)
        this.#planResize()
      } else this.#planSandbox()
    }
    return { actions: this.#actions, waiting: this.#waiting, wakeAtMs: this.#wakeAtMs, ...(restartsAll ? { restartsAll } : {}) }
  }

  #wakeAt(atMs: number): void {
    if (atMs > this.#snapshot.now && (this.#wakeAtMs === undefined || atMs < this.#wakeAtMs)) this.#wakeAtMs = atMs
  }

  #planResize(): void {
    const { updates, restarts, whole } = planResize(this.#snapshot)
    for (const { id, name } of restarts) this.#kill(id, name, `Container ${name} resize requires restart`, undefined)
    const { retryAtMs = 0 } = this.#snapshot.memory.resize.inProgress ?? {}
    if (updates.length === 0 && !whole) return
    if (retryAtMs > this.#snapshot.now) this.#wakeAt(retryAtMs)
    else this.#actions.push({ type: 'resize', containers: updates })
  }

  #planSandbox(): void {
    const { sandboxes, containers, memory, now } = this.#snapshot
    const running = containers.filter(({ state }) => state === 'running')
    for (const { id, name } of running) this.#kill(id, name, `Stopping container ${name}`, undefined)
    for (const { id, ready } of sandboxes) if (!ready && !memory.stoppedSandboxes.has(id)) this.#actions.push({ type: 'stop-sandbox', id })
    if (running.length > 0) return
    const failure = memory.sandboxFailure
    if (failure !== undefined && failure.retryAtMs > now) return this.#wakeAt(failure.retryAtMs)
    this.#actions.push({ type: 'run-sandbox', attempt: (sandboxes[0]?.attempt ?? -1) + 1 })
  }

  /** One dead container of each name is kept, for its log and last state. */
  #removeOldContainers(): void {
    const seen = new Map<string, number>()
    for (const container of this.#snapshot.containers) {
      if (container.state === 'running') continue
      const dead = (seen.get(container.name) ?? 0) + 1
      seen.set(container.name, dead)
      const isNewest = newestRun(this.#snapshot, container.name)?.id === container.id
      if (dead > 1 && !isNewest) this.#actions.push({ type: 'remove-container', id: container.id })
    }
  }

  #planContainers(sandboxId: string): void {
    const here = (name: string): ContainerView | undefined =>
      this.#snapshot.containers.find((container) => container.name === name && container.sandboxId === sandboxId)
    for (const container of ephemeralContainersOf(this.#pod) as readonly AnyContainer[])
      if (newestRun(this.#snapshot, container.name) === undefined) this.#start(container, sandboxId)
    // Once a main container was made in this sandbox, init containers have done their work.
    const initialized = mainContainersOf(this.#pod).some(({ name }) => here(name) !== undefined) || this.#planInit(sandboxId, here)
    if (!initialized) return
    for (const container of initContainersOf(this.#pod))
      if (isSidecar(this.#pod, container)) this.#keepRunning(container, sandboxId, here(container.name))
    for (const container of mainContainersOf(this.#pod)) this.#keepRunning(container, sandboxId, here(container.name))
  }

  /** Starts init containers in turn; true when all have ended well (or, for sidecars, are up). */
  #planInit(sandboxId: string, here: (name: string) => ContainerView | undefined): boolean {
    for (const container of initContainersOf(this.#pod)) {
      const status = here(container.name)
      if (isSidecar(this.#pod, container)) {
        this.#keepRunning(container, sandboxId, status)
        if (status === undefined || !hasStarted(this.#snapshot, container, status)) return false
      } else if (status?.state === 'exited' && status.exitCode === 0) {
        continue
      } else {
        this.#keepRunning(container, sandboxId, status)
        return false
      }
    }
    return true
  }

  #keepRunning(container: AnyContainer, sandboxId: string, status: ContainerView | undefined): void {
    const pod = this.#pod
    if (status === undefined) {
      // What ended in an earlier sandbox counts as its last run.
      const earlier = newestRun(this.#snapshot, container.name)
      if (earlier?.state === 'exited' && !initContainersOf(pod).includes(container) && !restartsAfter(pod, container, earlier.exitCode))
        return
      return this.#start(container, sandboxId)
    }
    switch (status.state) {
      case 'running':
        return this.#watchOver(container, status)
      case 'exited':
        if (restartsAfter(pod, container, status.exitCode)) this.#restart(container, sandboxId, status)
        return
      case 'created':
        // The agent went away between creating and starting it.
        if (!this.#snapshot.memory.starting.has(status.id)) this.#actions.push({ type: 'remove-container', id: status.id })
        return
      case 'unknown':
        return this.#kill(status.id, container.name, `Container ${container.name} is in an unknown state`, undefined)
      default:
        return status.state satisfies never
    }
  }

  #watchOver(container: AnyContainer, status: ContainerView): void {
    const probes = this.#snapshot.memory.probes.get(status.id)
    const again = restartsAfter(this.#pod, container, 137) ? ', will be restarted' : ''
    if (probes?.liveness === 'failure') {
      this.#kill(
        status.id,
        container.name,
        `Container ${container.name} failed liveness probe${again}`,
        container.livenessProbe?.terminationGracePeriodSeconds,
      )
    } else if (probes?.startup === 'failure') {
      this.#kill(
        status.id,
        container.name,
        `Container ${container.name} failed startup probe${again}`,
        container.startupProbe?.terminationGracePeriodSeconds,
      )
    } else if (status.annotations[ANNOTATIONS.hash] !== containerHash(container)) {
      this.#kill(status.id, container.name, `Container ${container.name} definition changed, will be restarted`, undefined)
    }
  }

  #restart(container: AnyContainer, sandboxId: string, ended: ContainerView): void {
    const backoff = this.#snapshot.memory.backoffs.get(container.name)
    const { now, setBackMs } = this.#snapshot
    const atMs = restartAt(backoff, endedAt(ended.finishedAtMs, now, setBackMs))
    if (atMs <= now) return this.#start(container, sandboxId)
    const delay = goDuration(backoff?.delayMs ?? 0)
    this.#waiting.set(container.name, {
      reason: 'CrashLoopBackOff',
      message: `back-off ${delay} restarting failed container=${container.name} pod=${fullNameOf(this.#pod)}`,
    })
    this.#wakeAt(atMs)
  }

  #start(container: AnyContainer, sandboxId: string): void {
    const { memory, now } = this.#snapshot
    const failure = memory.failures.get(container.name)
    if (failure !== undefined && failure.retryAtMs > now) {
      const shown = shownFailure(failure, now, container.image ?? '')
      this.#waiting.set(container.name, shown.waiting)
      if (shown.changesAtMs !== undefined) this.#wakeAt(shown.changesAtMs)
      return this.#wakeAt(failure.retryAtMs)
    }
    const previous = newestRun(this.#snapshot, container.name)
    const attempt = previous === undefined ? restartCountFromApi(this.#snapshot, container.name) : previous.attempt + 1
    this.#actions.push({
      type: 'start-container',
      name: container.name,
      sandboxId,
      attempt,
      restartOf: previous?.state === 'exited' ? previous : undefined,
    })
  }

  #kill(id: string, name: string, message: string, graceSeconds: number | undefined): void {
    this.#actions.push({ type: 'kill-container', id, name, graceSeconds: graceSeconds ?? graceOf(this.#pod), message })
  }
}

const SHOW_PULL_ERROR_MS = 1000
/** A failed pull is shown as what went wrong first, then as waiting for the next try. */
function shownFailure(
  failure: { reason: string; message: string; atMs: number },
  now: number,
  image: string,
): { waiting: { reason: string; message: string }; changesAtMs?: number } {
  if (failure.reason !== 'ErrImagePull') return { waiting: failure }
  const changesAtMs = failure.atMs + SHOW_PULL_ERROR_MS
  if (now < changesAtMs) return { waiting: failure, changesAtMs }
  return { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: ${failure.message}` } }
}

/** When the runtime has forgotten every run of a container, the API still knows how many there were. */
function restartCountFromApi(snapshot: PodSnapshot, name: string): number {
  const known = toldStatusOf(snapshot.pod, name)
  if (awaitsRestartOfAll(snapshot, name)) return known?.restartCount ?? 0
  if (known?.containerID === undefined) return 0
  // One that was made and never started is no run: whoever was to start it went away.
  const { running, terminated } = known.state ?? {}
  const ran = running !== undefined || terminated !== undefined || known.lastState?.terminated?.containerID === known.containerID
  return ran ? known.restartCount + 1 : known.restartCount
}

/** Running, its postStart hook done, its startup probe passed. */
export function hasStarted(snapshot: PodSnapshot, container: AnyContainer, status: ContainerView): boolean {
  if (status.state !== 'running' || snapshot.memory.starting.has(status.id)) return false
  return container.startupProbe === undefined || snapshot.memory.probes.get(status.id)?.startup === 'success'
}
