import { type KubeObject, type Resource, encodeObject, withResourceVersion } from '#api'
import type { ResourceCache } from '../watchcache/cache.ts'
import type { Entry } from '../watchcache/entry.ts'
import { asBuffer } from '../watchcache/wire.ts'

/** A served version of what lies in a cache. The stored version is sent as it lies there; others are converted and remembered. */
export class View {
  readonly resource: Resource
  readonly cache: ResourceCache
  readonly #converted = new WeakMap<Entry, { readonly object: KubeObject; bytes: Buffer | undefined }>()

  constructor(resource: Resource, cache: ResourceCache) {
    this.resource = resource
    this.cache = cache
  }

  /** The object as it is sent. */
  bytes(entry: Entry): Buffer {
    if (this.resource.conversion === undefined) return entry.bytes
    const converted = this.#convert(entry)
    converted.bytes ??= asBuffer(encodeObject(this.resource.schema, converted.object, { keepResourceVersion: true }).bytes)
    return converted.bytes
  }

  /** The object in this version: shared and read only. */
  object(entry: Entry): KubeObject {
    return this.resource.conversion === undefined ? this.cache.parsed(entry) : this.#convert(entry).object
  }

  /** A copy that may be changed. */
  draft(entry: Entry): KubeObject {
    const { bytes } = entry
    const parsed = JSON.parse(bytes.toString()) as KubeObject
    return this.resource.conversion?.fromStored(parsed) ?? parsed
  }

  /** The bytes to be stored for an object of this version. */
  encode(object: KubeObject): Uint8Array {
    const { conversion } = this.resource
    return encodeObject(this.cache.resource.schema, conversion === undefined ? object : conversion.toStored(object)).bytes
  }

  /** What is sent for an object that is not, or not yet, in the cache. */
  render(object: KubeObject): Buffer {
    return asBuffer(encodeObject(this.resource.schema, object, { keepResourceVersion: true }).bytes)
  }
  /** The same for bytes that have just been stored at `revision`. */
  stored(bytes: Uint8Array, revision: number): Buffer {
    return asBuffer(withResourceVersion(bytes, revision))
  }

  #convert(entry: Entry): { readonly object: KubeObject; bytes: Buffer | undefined } {
    const known = this.#converted.get(entry)
    if (known !== undefined) return known
    const stored = this.cache.parsed(entry)
    const made = { object: this.resource.conversion?.fromStored(stored) ?? stored, bytes: undefined }
    this.#converted.set(entry, made)
    return made
  }
}
