import { readFile, rename, writeFile } from 'node:fs/promises'
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
  readonly #path: string
  #held: HeldDevices[] = []
  #resources = new Set<string>()
  /** Writes follow each other; the last one holds everything. */
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** What was saved; a file that cannot be read is as good as none, and says so. */
  async load(): Promise<void> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch {
      return
    }
    const { held, resources } = JSON.parse(text) as Saved
    this.#held = [...held]
    this.#resources = new Set(resources)
  }

  save(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const saved: Saved = { held: this.#held, resources: [...this.#resources] }
        await writeFile(`${this.#path}.new`, JSON.stringify(saved), { mode: 0o600 })
        await rename(`${this.#path}.new`, this.#path)
      })
    return this.#writing
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
