import type { KubeObject } from '#api'
import { labelsText } from './stored/wire.ts'

export type Labels = Readonly<Record<string, string>>
const NO_LABELS: Labels = Object.freeze(Object.create(null) as Record<string, string>)

/**
 * One stored object at one revision. Never changed after it has been made (what is computed on demand is remembered), so
 * lists, watches and snapshots share it.
 */
export class Entry {
  /** `namespace/name`, or `name`. */
  readonly key: string
  /** As sent to clients, resourceVersion included. */
  readonly bytes: Buffer
  readonly revision: number
  readonly labels: Labels
  /** Values of the resource's selectable fields; undefined until a selector asks for them. */
  fields: readonly string[] | undefined
  parsed: KubeObject | undefined

  constructor(key: string, bytes: Buffer, revision: number, labels: Labels, parsed: KubeObject | undefined) {
    this.key = key
    this.bytes = bytes
    this.revision = revision
    this.labels = labels
    this.parsed = parsed
    this.fields = undefined
  }
  get namespace(): string {
    const slash = this.key.indexOf('/')
    return slash === -1 ? '' : this.key.slice(0, slash)
  }
  get name(): string {
    return this.key.slice(this.key.indexOf('/') + 1)
  }
}

/** Equal label maps are one map: pods of a workload differ in their names, not in their labels. */
export class LabelPool {
  readonly #pool = new Map<string, Labels>()
  readonly #limit: number
  constructor(limit = 20_000) {
    this.#limit = limit
  }
  of(bytes: Uint8Array): Labels {
    const text = labelsText(bytes)
    if (text === '' || text === '{}') return NO_LABELS
    const known = this.#pool.get(text)
    if (known !== undefined) return known
    const labels = Object.freeze(Object.assign(Object.create(null) as Record<string, string>, JSON.parse(text) as Record<string, string>))
    if (this.#pool.size >= this.#limit) this.#pool.clear()
    this.#pool.set(text, labels)
    return labels
  }
}
