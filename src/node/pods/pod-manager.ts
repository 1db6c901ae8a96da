import { readdirSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import { inParallel } from '#reconcile'
import type { Container, RuntimeEvent, Sandbox } from '../cri/runtime.ts'
import { logDirectoryOf } from '../sandbox/sandbox-spec.ts'
import { ANNOTATIONS, LABELS, nameOf, uidOf } from './pod-facts.ts'
import type { Ended } from './plan/snapshot.ts'
import { PodWorker } from './pod-worker.ts'
import type { PodServices } from './services.ts'

/** Events tell of everything; this only finds what was lost. */
const RELIST_MS = 60_000
/** Pods whose sandbox and containers are read at the same time: of 500 at once a runtime answers the last ones too late. */
const ADOPTED_AT_ONCE = 16

interface Found {
  readonly sandboxes: Sandbox[]
  readonly containers: Container[]
}

/** One worker per pod. Finds what runs already, gives runtime events to whom they concern, and takes down what nobody wants. */
export class PodManager {
  readonly #scope: Scope
  readonly #services: PodServices
  readonly #workers = new Map<string, PodWorker>()
  /** Set once the runtime has been looked at; pods that come before wait. */
  #open = false
  readonly #early = new Map<string, core.Pod>()
  readonly #returned: (() => void)[] = []

  constructor(scope: Scope, services: PodServices) {
    this.#scope = scope
    this.#services = services
  }

  /** Adopts what runs. `pods` are all pods of this node: whatever else is found is taken down. */
  async start(pods: readonly core.Pod[]): Promise<void> {
    for (const pod of pods) if (!this.#early.has(uidOf(pod))) this.#early.set(uidOf(pod), pod)
    const found = await this.#list()
    this.#open = true
    for (const uid of await this.#leftDirectories()) if (!found.has(uid)) found.set(uid, { sandboxes: [], containers: [] })
    // All of them are known before the first does anything: each counts for the admission of the others.
    const workers = [...this.#early.values()].map((pod) => this.#workerOf(pod, { isFound: true }))
    await inParallel(workers, ADOPTED_AT_ONCE, (worker) => this.#adopt(worker, found.get(uidOf(worker.pod))))
    await this.#takeDownOrphans(found)
    this.#removeLogs((owner) => !this.#workers.has(owner))
    this.#early.clear()
    void this.#services.runtime.watch(
      this.#scope,
      (event) => this.#note(event),
      () => {
        for (const listener of this.#returned) listener()
        void this.#relist()
      },
    )
    void this.#relistForever()
  }

  /** The pod as the API has it; the same again is fine. */
  set(pod: core.Pod): void {
    if (!this.#open) return void this.#early.set(uidOf(pod), pod)
    const known = this.#workers.get(uidOf(pod))
    if (known !== undefined) known.update(pod)
    else this.#workerOf(pod, { isFound: false }).wake()
  }

  /** The API has it no more. */
  remove(uid: string): void {
    this.#early.delete(uid)
    this.#workers.get(uid)?.vanish()
  }

  /** Runs `listener` each time that the runtime has come (back). */
  onReturn(listener: () => void): void {
    this.#returned.push(listener)
  }
  /** Whether a sandbox or container is being made. */
  get isStarting(): boolean {
    return [...this.#workers.values()].some((worker) => worker.isStarting)
  }

  /** Pods that wait for more resources look again. */
  roomChanged(): void {
    for (const worker of this.#workers.values()) worker.roomChanged()
  }

  end(uid: string, ended: Ended): void {
    this.#workers.get(uid)?.end(ended)
  }

  /** Every pod that uses room on the node, the ones being taken down included. */
  get workers(): readonly PodWorker[] {
    return [...this.#workers.values()]
  }
  /** Containers that run, or are about to. */
  get live(): readonly { readonly id: string; readonly podUid: string; readonly name: string }[] {
    return this.workers.flatMap(({ pod, state }) =>
      state.containers.flatMap(({ id, name, state: now }) =>
        now === 'running' || now === 'created' ? [{ id, podUid: uidOf(pod), name }] : [],
      ),
    )
  }
  byUid(uid: string): PodWorker | undefined {
    return this.#workers.get(uid)
  }
  byName(namespace: string, name: string): PodWorker | undefined {
    return this.workers.findLast(({ pod }) => pod.metadata?.namespace === namespace && pod.metadata.name === name)
  }

  #workerOf(pod: core.Pod, about: { readonly isFound: boolean }): PodWorker {
    const uid = uidOf(pod)
    const worker = new PodWorker(this.#scope, this.#services, pod, about, () => {
      this.#workers.delete(uid)
      this.#removeLogs((owner) => owner === uid, nameOf(pod) === '' ? undefined : [basename(logDirectoryOf(this.#services.settings, pod))])
      this.roomChanged()
    })
    this.#workers.set(uid, worker)
    this.#services.objects.onChange(uid, () => worker.objectsChanged())
    return worker
  }

  async #adopt(worker: PodWorker, found: Found | undefined): Promise<void> {
    await worker.look({ sandboxes: found?.sandboxes.map(({ id }) => id) ?? [], containers: found?.containers ?? [] }, true)
    if (found !== undefined) worker.objectsChanged()
  }

  async #list(): Promise<Map<string, Found>> {
    const [sandboxes, containers] = await Promise.all([
      this.#services.runtime.listPodSandboxes(this.#scope),
      this.#services.runtime.listContainers(this.#scope),
    ])
    const found = new Map<string, Found>()
    const of = (uid: string): Found => {
      const there = found.get(uid) ?? { sandboxes: [], containers: [] }
      found.set(uid, there)
      return there
    }
    for (const sandbox of sandboxes) of(sandbox.uid).sandboxes.push(sandbox)
    for (const container of containers) of(container.labels[LABELS.podUid] ?? '').containers.push(container)
    return found
  }

  /** Pods of which only volumes are left. */
  async #leftDirectories(): Promise<string[]> {
    return readdir(this.#services.settings.podsDir).catch(() => [])
  }

  /** Logs stay as long as the API has the pod: then nobody can ask for them any more. Those of a pod whose name is known need not be looked for. */
  #removeLogs(isOver: (uid: string) => boolean, names?: readonly string[]): void {
    const { logsDir } = this.#services.settings
    try {
      for (const name of names ?? readdirSync(logsDir))
        if (isOver(name.slice(name.lastIndexOf('_') + 1))) rmSync(join(logsDir, name), { recursive: true, force: true })
    } catch (error) {
      this.#scope.log.warn('logs of pods that are gone could not be removed', { error: messageOf(error) })
    }
  }

  async #takeDownOrphans(found: ReadonlyMap<string, Found>): Promise<void> {
    for (const [uid, of] of found) {
      if (this.#workers.has(uid) || uid === '') continue
      this.#scope.log.info('taking down what is left of a pod', { uid })
      const worker = this.#workerOf(lostPod(uid, of), { isFound: true })
      worker.vanish()
      await this.#adopt(worker, of)
    }
  }

  #note(event: RuntimeEvent): void {
    for (const worker of this.#workers.values()) if (worker.state.has(event.containerId)) return worker.noteEvent(event)
  }

  async #relistForever(): Promise<void> {
    while (!this.#scope.signal.aborted) {
      await this.#scope.sleep(RELIST_MS).catch(() => undefined)
      if (!this.#scope.signal.aborted) await this.#relist()
    }
  }

  /** Has those workers look again whose view is not what the runtime says. */
  async #relist(): Promise<void> {
    try {
      const found = await this.#list()
      for (const [uid, worker] of this.#workers) {
        const of = found.get(uid) ?? { sandboxes: [], containers: [] }
        if (!worker.sees(of.sandboxes, of.containers))
          await worker.look({ sandboxes: of.sandboxes.map(({ id }) => id), containers: of.containers }, false)
      }
      await this.#takeDownOrphans(found)
    } catch (error) {
      if (!isCancelled(error)) this.#scope.log.warn('the runtime could not be listed', { error: messageOf(error) })
    }
  }
}

/** A pod that the API no longer knows, as far as its sandbox tells. */
function lostPod(uid: string, { sandboxes, containers }: Found): core.Pod {
  const [sandbox] = sandboxes
  const labels = sandbox?.labels ?? containers[0]?.labels ?? {}
  const grace = Number(containers[0]?.annotations[ANNOTATIONS.podGracePeriod] ?? 30)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      uid,
      name: sandbox?.name ?? labels[LABELS.podName] ?? '',
      namespace: sandbox?.namespace ?? labels[LABELS.podNamespace] ?? '',
    },
    spec: { terminationGracePeriodSeconds: grace, containers: [...new Set(containers.map(({ name }) => name))].map((name) => ({ name })) },
  }
}
