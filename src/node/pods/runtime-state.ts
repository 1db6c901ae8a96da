import type { Scope } from '#base'
import { type ContainerRuntime, type RuntimeEvent, type SandboxStatus, isRuntimeNotFound } from '../cri/runtime.ts'
import { ANNOTATIONS } from './pod-facts.ts'
import { terminationMessageOf } from './termination-message.ts'
import type { ContainerView } from './plan/snapshot.ts'

const FIRST_SETTLE_MS = 1
const LONGEST_SETTLE_MS = 500
/** Of a process that was killed: the stop's own kill, or one for want of memory. */
const KILLED = 137
/** Past it the full look that is made now and then is to find out. */
const SETTLED_WITHIN_MS = 60_000

/** What the runtime has of one pod, kept up to date by events, by the worker's own actions and by the occasional full look. */
export class RuntimeState {
  readonly #runtime: ContainerRuntime
  readonly #sandboxes = new Map<string, SandboxStatus>()
  readonly #containers = new Map<string, ContainerView>()
  /** Made and not yet started: container → sandbox. */
  readonly #expected = new Map<string, string>()
  /** As events tell of their ends, until the runtime has put them down. */
  readonly #ended = new Map<string, ContainerView>()
  readonly #shortOfMemory = new Set<string>()

  constructor(runtime: ContainerRuntime) {
    this.#runtime = runtime
  }

  get sandboxes(): SandboxStatus[] {
    return [...this.#sandboxes.values()].sort(newestFirst)
  }
  get containers(): ContainerView[] {
    return [...this.#containers.values()].sort(newestFirst)
  }
  /** With those as ended that events say have: what they write last may not have reached their logs yet. */
  get containersByEvents(): ContainerView[] {
    return this.containers.map((container) => this.#ended.get(container.id) ?? container)
  }
  get empty(): boolean {
    return this.#sandboxes.size === 0 && this.#containers.size === 0
  }
  has(id: string): boolean {
    return this.#sandboxes.has(id) || this.#containers.has(id) || this.#expected.has(id)
  }

  async readSandbox(scope: Scope, id: string): Promise<SandboxStatus | undefined> {
    const status = await this.#runtime.podSandboxStatus(scope, id).catch(unlessGone)
    if (status === undefined) this.#sandboxes.delete(id)
    else this.#sandboxes.set(id, status)
    return status
  }

  async readContainer(scope: Scope, id: string, sandboxId: string): Promise<ContainerView | undefined> {
    // What is known of an ended container does not change any more, and its message may have been cleaned away.
    const before = this.#containers.get(id)
    if (before?.state === 'exited') return before
    const wasKnown = this.has(id)
    const status = await this.#runtime.containerStatus(scope, id).catch(unlessGone)
    if (status === undefined) {
      this.#containers.delete(id)
      return undefined
    }
    // Answers may overtake each other.
    const known = this.#containers.get(id)
    if (known?.state === 'exited') return known
    const message = status.state === 'exited' ? await terminationMessageOf(status) : ''
    // Nor does an answer bring back what was removed meanwhile.
    if (wasKnown && !this.has(id)) return undefined
    const view = { ...status, sandboxId, ...(message === '' ? {} : { message }) }
    this.#containers.set(id, view)
    this.#expected.delete(id)
    if (status.state === 'exited') this.#ended.delete(id)
    return view
  }

  /** What was known and is not listed: it may be gone, or newer than the list. */
  async readAgain(scope: Scope, id: string): Promise<void> {
    const container = this.#containers.get(id)
    if (container === undefined) await this.readSandbox(scope, id)
    else if ((await this.#runtime.containerStatus(scope, id).catch(unlessGone)) === undefined) this.removed(id)
    else await this.readContainer(scope, id, container.sandboxId)
  }

  /** A process of the container was killed for want of memory: what it ends with is the runtime's to say. */
  noteShortage(id: string): void {
    this.#shortOfMemory.add(id)
  }

  /** Takes the word of an event for how a container has ended, where the runtime would have nothing to add. */
  async noteEnd({ containerId, exitCode, atMs }: Extract<RuntimeEvent, { type: 'exit' }>): Promise<void> {
    const running = this.#containers.get(containerId)
    if (running?.state !== 'running' || running.reason !== '' || exitCode === KILLED || this.#shortOfMemory.has(containerId)) return
    if (exitCode !== 0 && running.annotations[ANNOTATIONS.terminationMessagePolicy] === 'FallbackToLogsOnError') return
    const ended = { ...running, state: 'exited', exitCode, finishedAtMs: atMs, reason: exitCode === 0 ? 'Completed' : 'Error' } as const
    const message = await terminationMessageOf(ended)
    if (this.#containers.get(containerId)?.state === 'running') this.#ended.set(containerId, message === '' ? ended : { ...ended, message })
  }

  /** After an exit: the runtime's own records follow its event, by a few milliseconds on an idle machine and by seconds on a busy one. */
  async readAfterExit(scope: Scope, id: string): Promise<void> {
    const sandboxId = this.#containers.get(id)?.sandboxId ?? this.#expected.get(id)
    const deadline = scope.clock.monotonic() + SETTLED_WITHIN_MS
    for (let delayMs = FIRST_SETTLE_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_SETTLE_MS)) {
      const ended = sandboxId === undefined ? await this.#sandboxEnded(scope, id) : await this.#containerEnded(scope, id, sandboxId)
      if (ended || scope.clock.monotonic() >= deadline) return
      await scope.sleep(delayMs)
    }
  }

  async #sandboxEnded(scope: Scope, id: string): Promise<boolean> {
    return (await this.readSandbox(scope, id))?.ready !== true
  }

  /** One that ends at once can still be told as created. */
  async #containerEnded(scope: Scope, id: string, sandboxId: string): Promise<boolean> {
    const state = (await this.readContainer(scope, id, sandboxId))?.state
    return state !== 'running' && state !== 'created'
  }

  /** A container that has just been made: its end is noticed from here on, however soon it comes. */
  expect(id: string, sandboxId: string): void {
    this.#expected.set(id, sandboxId)
  }

  removed(id: string): void {
    this.#sandboxes.delete(id)
    this.#containers.delete(id)
    this.#expected.delete(id)
    this.#ended.delete(id)
    this.#shortOfMemory.delete(id)
  }
}

/** By their count first: when the clock was set back, what was made later has the earlier time. */
function newestFirst(a: { attempt: number; createdAtMs: number }, b: { attempt: number; createdAtMs: number }): number {
  return b.attempt - a.attempt || b.createdAtMs - a.createdAtMs
}

function unlessGone(error: unknown): undefined {
  if (!isRuntimeNotFound(error)) throw error
}
