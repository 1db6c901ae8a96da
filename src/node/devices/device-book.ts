import { SavedFile } from '../saved-file.ts'
import type { ContainerAllocation } from './device-plugin-api.ts'

/** What one container has of one resource. */
export interface HeldDevices {
  readonly podUid: string
  readonly container: string
  readonly resource: string
  readonly ids: readonly string[]
  readonly given: ContainerAllocation
}

interface Saved {
  readonly held: readonly HeldDevices[]
  readonly resources: readonly string[]
}

/** Who has which devices. It outlives the agent: containers that run go on with what they have. */
export class DeviceBook {
  readonly #file: SavedFile<Saved>
  #held: HeldDevices[] = []
  #resources = new Set<string>()

  constructor(path: string) {
    this.#file = new SavedFile(path)
  }

  async load(): Promise<void> {
    const saved = await this.#file.load()
    if (saved === undefined) return
    this.#held = [...saved.held]
    this.#resources = new Set(saved.resources)
  }

  save(): Promise<void> {
    return this.#file.save(() => ({ held: this.#held, resources: [...this.#resources] }))
  }

  /** Names that plugins have had, also those that have gone. */
  get resources(): ReadonlySet<string> {
    return this.#resources
  }
  know(resource: string): void {
    this.#resources.add(resource)
  }

  of(podUid: string, container?: string): readonly HeldDevices[] {
    return this.#held.filter((one) => one.podUid === podUid && (container === undefined || one.container === container))
  }
  inUse(resource: string): ReadonlySet<string> {
    return new Set(this.#held.flatMap((one) => (one.resource === resource ? one.ids : [])))
  }
  add(held: HeldDevices): void {
    this.#held.push(held)
  }
  /** True when there was something. */
  release(podUid: string): boolean {
    const before = this.#held.length
    this.#held = this.#held.filter((one) => one.podUid !== podUid)
    return this.#held.length !== before
  }
  get pods(): ReadonlySet<string> {
    return new Set(this.#held.map(({ podUid }) => podUid))
  }
  /** Pods that have one of these devices. */
  holders(resource: string): readonly string[] {
    return [...new Set(this.#held.flatMap((one) => (one.resource === resource ? [one.podUid] : [])))]
  }
}
