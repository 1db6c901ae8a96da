import type { Scope } from '#base'
import {
  type Container,
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerStatus,
  type ExecResult,
  type FileView,
  type Image,
  type LinuxResources,
  RuntimeError,
  type RuntimeEvent,
  type SandboxSpec,
  type SandboxStatus,
} from '../runtime.ts'

interface MemorySandbox {
  readonly spec: SandboxSpec
  status: SandboxStatus
}
interface MemoryContainer {
  readonly spec: ContainerSpec
  readonly sandboxId: string
  status: ContainerStatus
  /** Cancels the planned end of its process. */
  cancel?: () => void
}

/** How a container's process behaves, by image name. */
export interface MemoryProcess {
  /** Ends by itself after so long. Without it, it runs until it is stopped. */
  readonly exitsAfterMs?: number
  readonly exitCode?: number
  /** How long it takes to obey the stop signal; longer than the grace, it is killed. Default 0. */
  readonly stopsAfterMs?: number
}

/** A runtime without processes: the states, exits and delays of a real one, by the scope's clock. For tests and simulated nodes. */
export class MemoryRuntime implements ContainerRuntime {
  readonly processes = new Map<string, MemoryProcess>()
  readonly images = new Map<string, Image>()
  /** Throws what the next call of this method is to fail with, once. */
  readonly failures = new Map<keyof ContainerRuntime, Error>()
  /** Answers of `execSync`, by the command's words. */
  readonly execs = new Map<string, ExecResult>()
  /** Every change of a container's limits, in order. */
  readonly updates: { readonly id: string; readonly resources: LinuxResources }[] = []
  readonly #sandboxes = new Map<string, MemorySandbox>()
  readonly #containers = new Map<string, MemoryContainer>()
  readonly #watchers = new Set<(event: RuntimeEvent) => void>()
  #made = 0
  #addresses = 1

  addImage(name: string, image: Partial<Image> = {}): void {
    this.images.set(name, {
      id: `sha256:${name}`,
      tags: [name],
      digests: [],
      sizeBytes: 1000,
      uid: undefined,
      username: '',
      pinned: false,
      ...image,
    })
  }

  async version() {
    return { name: 'memory', version: '1', apiVersion: 'v1' }
  }
  async status() {
    return { ready: true, networkReady: true, message: '', handlers: [], features: undefined }
  }

  async runPodSandbox(scope: Scope, spec: SandboxSpec): Promise<string> {
    this.#failWhenAsked('runPodSandbox')
    const id = this.#newId('sandbox')
    const ips = spec.namespaces.network === 'node' ? [] : [`10.0.0.${++this.#addresses}`]
    const { name, namespace, uid, attempt, labels, annotations, handler } = spec
    this.#sandboxes.set(id, {
      spec,
      status: { id, name, namespace, uid, attempt, labels, annotations, handler, ready: true, createdAtMs: this.#now(scope), ips },
    })
    return id
  }
  async stopPodSandbox(scope: Scope, id: string): Promise<void> {
    this.#failWhenAsked('stopPodSandbox')
    for (const container of this.#containers.values()) if (container.sandboxId === id) this.#exit(scope, container, 137)
    const sandbox = this.#sandboxes.get(id)
    if (sandbox !== undefined) sandbox.status = { ...sandbox.status, ready: false, ips: [] }
  }
  async removePodSandbox(scope: Scope, id: string): Promise<void> {
    await this.stopPodSandbox(scope, id)
    for (const [containerId, container] of this.#containers) if (container.sandboxId === id) this.#containers.delete(containerId)
    this.#sandboxes.delete(id)
  }
  async podSandboxStatus(_scope: Scope, id: string): Promise<SandboxStatus> {
    return this.#found(this.#sandboxes, id).status
  }
  async listPodSandboxes(): Promise<SandboxStatus[]> {
    return [...this.#sandboxes.values()].map(({ status }) => status)
  }

  async createContainer(scope: Scope, sandboxId: string, spec: ContainerSpec): Promise<string> {
    this.#failWhenAsked('createContainer')
    this.#found(this.#sandboxes, sandboxId)
    const id = this.#newId('container')
    const { name, attempt, labels, annotations } = spec
    const none = { startedAtMs: 0, finishedAtMs: 0, exitCode: 0, reason: '', message: '', logPath: '' }
    const status: ContainerStatus = {
      ...none,
      id,
      name,
      attempt,
      labels,
      annotations,
      state: 'created',
      createdAtMs: this.#now(scope),
      image: spec.userImage,
      imageRef: spec.image,
      imageId: spec.image,
    }
    this.#containers.set(id, { spec, sandboxId, status })
    return id
  }
  async startContainer(scope: Scope, id: string): Promise<void> {
    this.#failWhenAsked('startContainer')
    const container = this.#found(this.#containers, id)
    container.status = { ...container.status, state: 'running', startedAtMs: scope.clock.now() }
    const { exitsAfterMs, exitCode = 0 } = this.processes.get(container.spec.userImage) ?? {}
    if (exitsAfterMs === undefined) return
    const timer = scope.clock.after(exitsAfterMs, () => this.#exit(scope, container, exitCode))
    container.cancel = () => timer.cancel()
  }
  async stopContainer(scope: Scope, id: string, graceSeconds: number): Promise<void> {
    const container = this.#containers.get(id)
    if (container === undefined) return
    const { stopsAfterMs = 0 } = this.processes.get(container.spec.userImage) ?? {}
    const obeys = stopsAfterMs <= graceSeconds * 1000 && graceSeconds > 0
    const waitMs = obeys ? stopsAfterMs : graceSeconds * 1000
    if (waitMs > 0) await scope.sleep(waitMs)
    this.#exit(scope, container, obeys ? 0 : 137)
  }
  async removeContainer(_scope: Scope, id: string): Promise<void> {
    this.#containers.get(id)?.cancel?.()
    this.#containers.delete(id)
  }
  async containerStatus(_scope: Scope, id: string): Promise<ContainerStatus> {
    return this.#found(this.#containers, id).status
  }
  async listContainers(): Promise<Container[]> {
    return [...this.#containers.values()].map(({ status, sandboxId }) => ({ ...status, sandboxId }))
  }
  async updateContainerResources(_scope: Scope, id: string, resources: LinuxResources): Promise<void> {
    this.#failWhenAsked('updateContainerResources')
    this.updates.push({ id, resources })
  }
  async reopenContainerLog(): Promise<void> {}

  async execSync(_scope: Scope, id: string, command: readonly string[]): Promise<ExecResult> {
    if (this.#found(this.#containers, id).status.state !== 'running')
      throw new RuntimeError('failed', 'rpc error: code = Unknown desc = container is not running')
    return this.execs.get(command.join(' ')) ?? { exitCode: 0, stdout: new Uint8Array(), stderr: new Uint8Array() }
  }
  async exec(): Promise<string> {
    throw new RuntimeError('unimplemented', 'the memory runtime has no streams')
  }
  async attach(): Promise<string> {
    throw new RuntimeError('unimplemented', 'the memory runtime has no streams')
  }
  async portForward(): Promise<string> {
    throw new RuntimeError('unimplemented', 'the memory runtime has no streams')
  }

  async imageStatus(_scope: Scope, name: string): Promise<Image | undefined> {
    return this.images.get(name) ?? [...this.images.values()].find(({ id }) => id === name)
  }
  async listImages(): Promise<Image[]> {
    return [...this.images.values()]
  }
  async pullImage(_scope: Scope, name: string): Promise<string> {
    this.#failWhenAsked('pullImage')
    const image = this.images.get(name)
    if (image === undefined)
      throw new RuntimeError('not-found', `rpc error: code = NotFound desc = failed to pull and unpack image "${name}": not found`)
    return image.id
  }
  async removeImage(_scope: Scope, id: string): Promise<void> {
    for (const [name, image] of this.images) if (image.id === id || name === id) this.images.delete(name)
  }
  async imageFsInfo() {
    return []
  }
  async viewImage(): Promise<FileView> {
    return { type: 'tmpfs', source: 'tmpfs', options: [] }
  }
  async dropImageView(): Promise<void> {}

  async listContainerStats() {
    return []
  }

  watch(scope: Scope, notice: (event: RuntimeEvent) => void, reset: () => void): Promise<void> {
    this.#watchers.add(notice)
    reset()
    return new Promise((resolve) => {
      scope.signal.addEventListener('abort', () => {
        this.#watchers.delete(notice)
        resolve()
      })
    })
  }

  /** Ends the process of a running container, as if by itself. */
  exit(scope: Scope, id: string, exitCode: number, reason = ''): void {
    this.#exit(scope, this.#found(this.#containers, id), exitCode, reason)
  }
  /** The sandbox dies with all that runs in it. */
  killSandbox(scope: Scope, id: string): void {
    for (const container of this.#containers.values()) if (container.sandboxId === id) this.#exit(scope, container, 255)
    const sandbox = this.#found(this.#sandboxes, id)
    sandbox.status = { ...sandbox.status, ready: false, ips: [] }
    this.#tell({ type: 'exit', containerId: id, sandboxId: id, exitCode: 255, atMs: scope.clock.now() })
  }

  #exit(scope: Scope, container: MemoryContainer, exitCode: number, reason = ''): void {
    if (container.status.state === 'exited') return
    container.cancel?.()
    const finishedAtMs = scope.clock.now()
    container.status = {
      ...container.status,
      state: 'exited',
      finishedAtMs,
      exitCode,
      reason: reason === '' ? (exitCode === 0 ? 'Completed' : 'Error') : reason,
    }
    this.#tell({ type: 'exit', containerId: container.status.id, sandboxId: container.sandboxId, exitCode, atMs: finishedAtMs })
  }
  #tell(event: RuntimeEvent): void {
    for (const notice of this.#watchers) notice(event)
  }
  #failWhenAsked(method: keyof ContainerRuntime): void {
    const failure = this.failures.get(method)
    this.failures.delete(method)
    if (failure !== undefined) throw failure
  }
  #found<T>(map: ReadonlyMap<string, T>, id: string): T {
    const found = map.get(id)
    if (found === undefined)
      throw new RuntimeError('not-found', `rpc error: code = NotFound desc = an error occurred when try to find "${id}": not found`)
    return found
  }
  #newId(kind: string): string {
    return `${kind}-${++this.#made}`
  }
  /** Order survives within one millisecond. */
  #now(scope: Scope): number {
    return scope.clock.now() + this.#made / 1000
  }
}
