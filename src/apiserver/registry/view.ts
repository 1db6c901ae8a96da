import { type Scope, unreadableKey } from '#base'
import {
  type ConversionWebhook,
  type KubeObject,
  type ObjectMeta,
  type Resource,
  apiVersionOf,
  encodeObject,
  statusError,
  storedForm,
} from '#api'
import type { ResourceCache } from '../watchcache/cache.ts'
import type { Entry } from '../watchcache/entry.ts'
import { asBuffer, withRevision } from '../watchcache/stored/wire.ts'

/** Bytes that a resourceVersion takes beside its digits. */
const VERSION_TEXT = '"resourceVersion":"",'.length

/** `object` is undefined where the stored form is this version's form: then it is not kept twice. */
interface Converted {
  readonly object: KubeObject | undefined
  bytes: Buffer | undefined
}

/** Has a webhook turn objects into another version. Throws `StatusError` 500. */
export type ConvertBatch = (
  scope: Scope,
  webhook: ConversionWebhook,
  objects: readonly KubeObject[],
  apiVersion: string,
) => Promise<readonly KubeObject[]>

/** A served version of what lies in a cache. The stored version is sent as it lies there; others are converted and remembered. */
export class View {
  readonly resource: Resource
  readonly cache: ResourceCache
  readonly #converted = new WeakMap<Entry, Converted>()

  readonly #known: WeakMap<Uint8Array, KubeObject>
  readonly #convertBatch: ConvertBatch
  /** What webhooks have made of objects that are about to be stored. */
  readonly #prepared = new WeakMap<KubeObject, KubeObject>()

  /** `known` is where caches look for what bytes stand for. */
  constructor(resource: Resource, cache: ResourceCache, known: WeakMap<Uint8Array, KubeObject>, convertBatch: ConvertBatch) {
    this.resource = resource
    this.cache = cache
    this.#known = known
    this.#convertBatch = convertBatch
  }

  /**
   * Has a webhook convert entries that need it, before anything else is asked about them. Undefined when there is nothing to wait for,
   * which is always so without a conversion webhook.
   */
  prepare(scope: Scope, entries: readonly Entry[]): Promise<void> | undefined {
    if (this.resource.conversion?.webhook === undefined) return undefined
    const needed = entries.filter((entry) => !this.#converted.has(entry) && this.#isForeign(this.cache.parsed(entry)))
    return needed.length === 0 ? undefined : this.#prepareEntries(scope, needed, this.resource.conversion.webhook())
  }

  async #prepareEntries(scope: Scope, entries: readonly Entry[], webhook: ConversionWebhook): Promise<void> {
    const objects = entries.map((entry) => this.cache.parsed(entry))
    const made = await this.#convertBatch(scope, webhook, objects, apiVersionOf(this.resource))
    entries.forEach((entry, at) => {
      const one = made[at]
      if (one !== undefined) this.#converted.set(entry, { object: this.resource.conversion?.fromStored(one) ?? one, bytes: undefined })
    })
  }

  /** The same for an object that is about to be encoded. */
  async prepareWrite(scope: Scope, object: KubeObject): Promise<void> {
    const { conversion, storage, version } = this.resource
    if (conversion?.webhook === undefined || storage === undefined || storage.version === version) return
    const sent = { ...object, kind: this.resource.kind, apiVersion: apiVersionOf(this.resource) }
    const [made] = await this.#convertBatch(scope, conversion.webhook(), [sent], apiVersionOf(storage))
    if (made !== undefined) this.#prepared.set(object, made)
  }

  /** Whether the stored object is in another version than this one. */
  #isForeign(stored: KubeObject): boolean {
    return stored.apiVersion !== apiVersionOf(this.resource)
  }

  /** The object as it is sent. */
  bytes(entry: Entry): Buffer {
    if (this.resource.conversion === undefined) return entry.bytes
    const converted = this.#convert(entry)
    if (converted.object === undefined) return entry.bytes
    converted.bytes ??= asBuffer(encodeObject(this.resource.schema, converted.object, { keepResourceVersion: true }).bytes)
    return converted.bytes
  }

  /** The object in this version: shared and read only. */
  object(entry: Entry): KubeObject {
    return this.resource.conversion === undefined ? this.cache.parsed(entry) : (this.#convert(entry).object ?? this.cache.parsed(entry))
  }

  /** A copy that may be changed, but for the field sets of its managers, which never are. */
  draft(entry: Entry): KubeObject {
    const { metadata, ...others } = this.object(entry)
    const copy: KubeObject = clone(others)
    if (metadata !== undefined) copy.metadata = metadataDraft(metadata)
    return copy
  }

  /** A draft for an update of the status. What such an update cannot change is shared with the object, and stays so until `unshare`. */
  statusDraft(entry: Entry): KubeObject {
    const object: KubeObject & { readonly status?: unknown } = this.object(entry)
    const { status, metadata } = object
    const draft = { ...object, ...(status === undefined ? {} : { status: clone(status) }) }
    if (metadata !== undefined) draft.metadata = metadataDraft(metadata)
    return draft
  }

  /** Makes a draft's own what it shares with the object. */
  unshare(draft: KubeObject, entry: Entry): void {
    const own = draft as Record<string, unknown>
    const shared = this.object(entry) as Readonly<Record<string, unknown>>
    for (const name of Object.keys(own)) if (own[name] === shared[name]) own[name] = clone(own[name])
  }

  /**
   * The bytes to be stored for an object of this version, which must not be changed afterwards: caches keep parts of it. Throws `StatusError` 400 for what
   * could not be read again.
   */
  encode(object: KubeObject): Uint8Array {
    const { conversion } = this.resource
    const { value, text } = storedForm(
      this.cache.resource.schema,
      conversion === undefined ? object : conversion.toStored(this.#prepared.get(object) ?? object),
    )
    const key = unreadableKey(text)
    if (key !== undefined) throw statusError.badRequest(`a key of one character that JSON writes with a backslash cannot be kept: ${key}`)
    const bytes = Buffer.from(text)
    this.#known.set(bytes, value as KubeObject)
    return bytes
  }

  /** Whether storing these bytes would change nothing. */
  isSame(encoded: Uint8Array, entry: Entry): boolean {
    const added = VERSION_TEXT + String(entry.revision).length
    return encoded.length + added === entry.bytes.length && this.stored(encoded, entry.revision).equals(entry.bytes)
  }

  /** What is sent for an object that is not, or not yet, in the cache. */
  render(object: KubeObject): Buffer {
    return asBuffer(encodeObject(this.resource.schema, object, { keepResourceVersion: true }).bytes)
  }
  /** The same for bytes that have just been stored at `revision`. */
  stored(bytes: Uint8Array, revision: number): Buffer {
    return withRevision(bytes, revision)
  }

  #convert(entry: Entry): Converted {
    const known = this.#converted.get(entry)
    if (known !== undefined) return known
    const stored = this.cache.parsed(entry)
    if (this.resource.conversion?.webhook !== undefined && this.#isForeign(stored))
      throw statusError.internal(`${this.resource.plural} were asked for before they were converted`)
    const object = this.resource.conversion?.fromStored(stored)
    const made: Converted = { object: object === stored ? undefined : object, bytes: undefined }
    this.#converted.set(entry, made)
    return made
  }
}

function metadataDraft(metadata: ObjectMeta): ObjectMeta {
  const { managedFields, ...others } = metadata
  const copy = clone(others)
  return managedFields === undefined ? copy : { ...copy, managedFields: managedFields.map((manager) => ({ ...manager })) }
}

/** A deep copy of an object whose keys the schema knows or a map holds. */
function clone<T>(value: T): T {
  return cloneValue(value) as T
}

function cloneValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(cloneValue)
  const source = value as Readonly<Record<string, unknown>>
  const copy: Record<string, unknown> = {}
  for (const key in source) {
    const child = source[key]
    const copied = typeof child === 'object' && child !== null ? cloneValue(child) : child
    // An ordinary key like any other, but assignment would set the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: copied, writable: true, enumerable: true, configurable: true })
    else copy[key] = copied
  }
  return copy
}
