import { type CancellableScope, type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import type { Container, RuntimeEvent, Sandbox } from '../cri/runtime.ts'
import { withPodLimits } from '../containers/resources.ts'
import { PodRejected } from '../refusal.ts'
import { type Action, type Plan, START, keyOfAction } from './plan/action.ts'
import { planPod } from './plan/plan-pod.ts'
import { type Ended, type PodSnapshot, newestRun } from './plan/snapshot.ts'
import { endingOf, isDone } from './plan/ending.ts'
import { needsSandboxStopped } from './plan/needs-sandbox.ts'
import { carryOut } from './actions.ts'
import { ClockJumps, moveTimes } from './clock-jumps.ts'
import { followProbes } from './follow-probes.ts'
import { findContainer, namespaceOf, nameOf, specOf, uidOf } from './pod-facts.ts'
import type { PodSubject, WorkingMemory } from './pod-subject.ts'
import { toldAllocationOf } from './resize/allocation.ts'
import { ResizeGrants } from './resize/resize-grants.ts'
import { isResized } from './resize/plan-resize.ts'
import { RuntimeState } from './runtime-state.ts'
import type { PodServices } from './services.ts'
import { withStatus } from './status/conditions.ts'
import { podStatus } from './status/pod-status.ts'
import { VolumeUpkeep } from './volume-upkeep.ts'

/** What a list of the runtime has of a pod. */
interface FoundOfPod {
  readonly sandboxes: readonly string[]
  readonly containers: readonly { readonly id: string; readonly sandboxId: string }[]
}

/** After an action failed for a reason that is not the container's own. */
const RETRY_MS = 1000

/**
 * One pod's loop: take a snapshot, plan, tell the API, begin the actions that are not under way yet; again whenever something has
 * changed. Owns everything that is done for the pod. Ends when nothing of the pod is left on the node.
 */
export class PodWorker implements PodSubject {
  readonly scope: Scope
  readonly services: PodServices
  readonly state: RuntimeState
  readonly #grants: ResizeGrants
  readonly memory: WorkingMemory
  #vanished = false
  /** What the API was told last; the informer may be behind. */
  #reported: core.PodStatus | undefined
  #admitted: boolean
  readonly #underWay = new Map<string, Action>()
  readonly #onGone: () => void
  /** Cancelled once the pod is to end, or all its containers are to be started anew. */
  #startScope: CancellableScope
  #queued = false
  /** Nothing is done for the pod before it is known what there is of it. */
  #unseen: boolean
  #gone = false
  /** Listed while something was being started: to be looked at when that has ended. */
  #later: FoundOfPod | undefined
  #timer: { cancel(): void } | undefined
  readonly #announcedBackoffs = new Map<string, string>()
  readonly #adopted = new Set<string>()
  readonly #jumps: ClockJumps
  readonly upkeep: VolumeUpkeep

  /** `isFound`: there may be something of it already, and it waits for its first `look`. */
  constructor(scope: Scope, services: PodServices, pod: core.Pod, { isFound }: { readonly isFound: boolean }, onGone: () => void) {
    this.scope = scope.child({ log: { pod: `${namespaceOf(pod)}/${nameOf(pod)}` } })
    this.services = services
    this.#jumps = new ClockJumps(scope.clock)
    this.#grants = new ResizeGrants(pod)
    this.state = new RuntimeState(services.runtime)
    this.#onGone = onGone
    this.#unseen = isFound
    // Whatever has a start time was admitted by this node before.
    this.#admitted = pod.status?.startTime !== undefined
    const told = pod.status?.startTime === undefined ? Number.NaN : Date.parse(pod.status.startTime)
    this.memory = {
      startedAtMs: Number.isNaN(told) ? scope.clock.now() : told,
      ended: undefined,
      probes: new Map(),
      starting: new Set(),
      killing: new Set(),
      exiting: new Set(),
      failures: new Map(),
      backoffs: new Map(),
      sandboxFailure: undefined,
      stoppedSandboxes: new Set(),
      volumesReleased: false,
      cgroupRemoved: false,
      deletionConfirmed: false,
      actuated: new Map(),
      actuatedPod: undefined,
      resize: {},
      replacing: new Set(),
      endingSinceMs: undefined,
    }
    this.#startScope = this.scope.child()
    this.upkeep = new VolumeUpkeep(
      this.scope,
      (own) => services.volumes.refresh(own, this.pod, this.podIps),
      () => this.state.sandboxes[0]?.ready === true,
      (failure) => (failure === undefined ? this.wake() : this.#notAnswered(failure)),
    )
  }

  /** With the resources that the node has granted. */
  get pod(): core.Pod {
    return this.#grants.pod
  }

  /**
   * What it asks for is not to be had by others. A pod that has succeeded or failed, as far as anybody was told, asks for nothing; nor does one
   * that was deleted without grace: the API has it no more, and the scheduler has given its place away.
   */
  get holdsPlace(): boolean {
    return !isDone((this.#reported ?? this.pod.status)?.phase) && !this.#vanished
  }

  get podIps(): readonly string[] {
    const sandbox = this.state.sandboxes[0]
    return specOf(this.pod).hostNetwork === true ? this.services.settings.nodeIps : (sandbox?.ips ?? [])
  }

  /** The pod as the API has it now. */
  update(pod: core.Pod): void {
    const specChanged =
      JSON.stringify(pod.metadata?.annotations) !== JSON.stringify(this.pod.metadata?.annotations) ||
      JSON.stringify(pod.metadata?.labels) !== JSON.stringify(this.pod.metadata?.labels)
    this.#grants.update(pod)
    if (specChanged) this.upkeep.refresh()
    this.wake()
  }

  /** The API has it no more. */
  vanish(): void {
    this.#vanished = true
    this.wake()
  }

  /** Ends the pod before its time (eviction, a full disk). The first reason stays. */
  end(ended: Ended): void {
    this.memory.ended ??= ended
    this.wake()
  }

  noteEvent(event: RuntimeEvent): void {
    if (event.type === 'oom') return this.state.noteShortage(event.containerId)
    // The end of a sandbox that is being stopped is the stopping's own affair.
    if (this.#underWay.has(`stop-sandbox ${event.containerId}`)) return
    // So is the end of a container that is being killed: the runtime answers when it has seen to it. What comes after need not wait for that.
    if (this.memory.killing.has(event.containerId)) {
      this.memory.exiting.add(event.containerId)
      this.wake()
      return this.#detach(this.state.noteEnd(event))
    }
    this.#detach(this.state.readAfterExit(this.scope, event.containerId))
  }

  /**
   * Looks again at what is known of the pod, and at what was listed of it. The list may be older than what is known: each is asked for by its id. What is not
   * known while something is being started may be just that: it is looked at when the start has ended, well or not.
   */
  async look(found: FoundOfPod, first: boolean): Promise<void> {
    const listed = new Set([...found.sandboxes, ...found.containers.map(({ id }) => id)])
    const known = [...this.state.sandboxes, ...this.state.containers].filter(({ id }) => !listed.has(id) || this.isStarting)
    if (this.isStarting) this.#later = found
    await Promise.all([
      ...known.map(({ id }) => this.state.readAgain(this.scope, id)),
      ...(this.isStarting ? [] : [this.#read(found, first)]),
    ])
    this.#unseen = false
    this.wake()
  }

  async #read({ sandboxes, containers }: FoundOfPod, first: boolean): Promise<void> {
    await Promise.all([
      ...sandboxes.map((id) => this.state.readSandbox(this.scope, id)),
      ...containers.map(async ({ id, sandboxId }) => {
        const container = await this.state.readContainer(this.scope, id, sandboxId)
        if (!first || container?.state !== 'running') return
        this.#adopted.add(id)
        this.services.cgroups.ensure(this.pod)
        const told = toldAllocationOf(this.#grants.asked).get(container.name)
        if (told !== undefined) this.memory.actuated.set(id, withPodLimits(told, this.#grants.ofWholePod))
        this.memory.actuatedPod = this.#grants.ofWholePod ?? {}
      }),
    ])
  }

  /** What was listed while a start was under way. A runtime that was killed in the middle of it keeps what it had made, under the name that the next start wants. */
  async #readLater(): Promise<void> {
    const found = this.#later
    this.#later = undefined
    try {
      if (found !== undefined) await this.#read(found, false)
    } catch (error) {
      this.#later ??= found
      this.#notAnswered(error)
    }
  }

  #notAnswered(error: unknown): void {
    if (!isCancelled(error)) this.scope.log.warn('the runtime could not be asked', { error: messageOf(error) })
  }

  /** Whether what the runtime lists is what the worker believes. */
  sees(sandboxes: readonly Sandbox[], containers: readonly Container[]): boolean {
    const mine = [
      ...this.state.sandboxes.map(({ id, ready }) => `${id} ${ready}`),
      ...this.state.containers.map(({ id, state }) => `${id} ${state}`),
    ]
    const there = [...sandboxes.map(({ id, ready }) => `${id} ${ready}`), ...containers.map(({ id, state }) => `${id} ${state}`)]
    return mine.toSorted().join() === there.toSorted().join()
  }

  /** A ConfigMap or Secret of the pod changed: volumes follow, and what waited for it is tried at once. */
  objectsChanged(): void {
    this.memory.sandboxFailure = undefined
    for (const [name, { reason }] of this.memory.failures) if (reason === 'CreateContainerConfigError') this.memory.failures.delete(name)
    this.upkeep.refresh()
    this.wake()
  }

  /** Plans anew soon; calls within one turn are one. */
  wake(): void {
    if (this.#queued || this.#gone || this.#unseen) return
    this.#queued = true
    queueMicrotask(() => {
      this.#queued = false
      if (!this.#gone && !this.scope.signal.aborted) this.#step()
    })
  }

  now(): number {
    moveTimes(this.memory, this.#jumps.take())
    return this.scope.clock.now()
  }

  snapshot(): PodSnapshot {
    const waits = this.isStarting || needsSandboxStopped(this.pod, this.services.settings)
    return {
      pod: withStatus(this.pod, this.#reported),
      vanished: this.#vanished,
      now: this.now(),
      setBackMs: this.#jumps.setBackMs,
      sandboxes: this.state.sandboxes,
      containers: waits || this.memory.endingSinceMs === undefined ? this.state.containers : this.state.containersByEvents,
      needsSandboxStopped: waits,
      isStarting: this.isStarting,
      memory: this.memory,
    }
  }

  #step(): void {
    this.#admit()
    if (this.memory.endingSinceMs === undefined && !this.#vanished)
      this.#grants.settle(this.services, this.memory, () => isResized(this.snapshot()))
    const snapshot = this.snapshot()
    const ending = endingOf(snapshot)
    if (ending !== undefined && ending.kind !== 'finished' && this.memory.endingSinceMs === undefined) {
      this.memory.endingSinceMs = snapshot.now
      if (ending.reason === 'DeadlineExceeded') this.services.events.record(this.pod, 'Normal', 'DeadlineExceeded', ending.message ?? '')
      this.#startScope.cancel()
    }
    const plan = planPod(snapshot)
    followProbes(this, snapshot.containers, this.#adopted, () => this.wake())
    this.#announceBackoffs(snapshot, plan)
    if (!this.#vanished) {
      const reported = podStatus(snapshot, plan, {
        ips: this.services.settings.nodeIps,
        healthOf: (container) => this.services.resources.healthOf(this.pod, container),
        recursiveReadOnlyMounts: this.services.featuresOf(this.state.sandboxes[0]?.handler ?? '').recursiveReadOnlyMounts,
      })
      this.services.starts.ended(snapshot.pod.status, reported)
      this.#reported = reported
      this.services.api.report(this.pod, reported, this.#passes(plan))
    }
    if (plan.restartsAll === true) this.#breakOffStart()
    for (const action of plan.actions) this.#begin(action)
    this.#timer?.cancel()
    if (plan.wakeAtMs !== undefined)
      this.#timer = this.scope.clock.after(plan.wakeAtMs - snapshot.now, () => this.wake(), { background: true })
    if (this.#vanished && this.state.empty && this.memory.cgroupRemoved && this.#underWay.size === 0) this.#finish()
  }

  get isStarting(): boolean {
    return this.#underWay.has(START)
  }

  /** What is being started would come up beside those that are started anew. */
  #breakOffStart(): void {
    if (!this.isStarting) return
    this.#startScope.cancel()
    this.#startScope = this.scope.child()
  }

  /** Something has become free on the node. */
  roomChanged(): void {
    if (this.memory.resize.pending !== undefined) this.wake()
  }

  /** A container is being ended to be started anew, or is just being started anew. */
  #passes(plan: Plan): boolean {
    const { replacing, killing, starting } = this.memory
    if (replacing.size === 0 || plan.waiting.size > 0 || plan.restartsAll === true) return false
    const again = new Set(plan.actions.flatMap((action) => (action.type === 'start-container' ? (action.restartOf?.id ?? []) : [])))
    return starting.size > 0 || [...replacing].some((id) => killing.has(id) || again.has(id))
  }

  #admit(): void {
    if (this.#admitted || this.#vanished || this.pod.metadata?.deletionTimestamp !== undefined) return
    this.#admitted = true
    try {
      this.services.admit(this.pod)
    } catch (error) {
      if (!(error instanceof PodRejected)) throw error
      this.services.events.record(this.pod, 'Warning', error.reason, error.message)
      this.memory.ended = { reason: error.reason, message: error.message, graceSeconds: 0 }
    }
  }

  #begin(action: Action): void {
    const key = keyOfAction(action)
    if (this.#underWay.has(key)) return
    this.#underWay.set(key, action)
    const scope = action.type === 'start-container' || action.type === 'run-sandbox' ? this.#startScope : this.scope
    void this.#carryOut(scope, action)
      .then(() => (key === START ? this.#readLater() : undefined))
      .finally(() => {
        this.#underWay.delete(key)
        this.wake()
      })
  }

  /** Never rejects: what an action learns is in state and memory, and the next plan follows from that. */
  async #carryOut(scope: Scope, action: Action): Promise<void> {
    try {
      await carryOut(scope, this, action)
    } catch (error) {
      if (isCancelled(error)) return
      this.scope.log.warn('an action failed', { action: action.type, error: messageOf(error) })
      await this.scope.sleep(RETRY_MS).catch(() => undefined)
    }
  }

  #detach(work: Promise<unknown>): void {
    work.then(
      () => this.wake(),
      (error: unknown) => this.#notAnswered(error),
    )
  }

  #announceBackoffs(snapshot: PodSnapshot, plan: Plan): void {
    for (const [name, { reason }] of plan.waiting) {
      const run = newestRun(snapshot, name)
      const occasion = `${reason} ${run?.id ?? ''} ${this.memory.failures.get(name)?.atMs ?? ''}`
      if (this.#announcedBackoffs.get(name) === occasion) continue
      if (reason === 'CrashLoopBackOff')
        this.services.events.record(
          this.pod,
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${name} in pod ${nameOf(this.pod)}_${namespaceOf(this.pod)}(${uidOf(this.pod)})`,
          name,
        )
      else if (reason === 'ImagePullBackOff')
        this.services.events.record(
          this.pod,
          'Normal',
          'BackOff',
          `Back-off pulling image "${findContainer(this.pod, name)?.image ?? ''}"`,
          name,
        )
      else continue
      if (reason === 'ImagePullBackOff') this.services.events.record(this.pod, 'Warning', 'Failed', 'Error: ImagePullBackOff', name)
      this.#announcedBackoffs.set(name, occasion)
    }
  }

  #finish(): void {
    this.#gone = true
    this.#timer?.cancel()
    this.upkeep[Symbol.dispose]()
    for (const id of this.memory.probes.keys()) this.services.probes.stop(id)
    this.services.objects.release(uidOf(this.pod))
    this.services.api.forget(uidOf(this.pod))
    this.#onGone()
  }
}
