import type { Engine, KeyValue, RangeResult, StoreEvent } from '#store'
import type { KubeObject, Resource } from '#api'
import { Entry, LabelPool } from './entry.ts'
import type { ChangeHub, HubSubscriber } from './hub.ts'
import { OrderedIndex, type Snapshot } from './lists/ordered-index.ts'
import { Postings } from './lists/postings.ts'
import type { ParsedPool } from './stored/parsed-pool.ts'
import { type CacheEvent, EventRing } from './ring.ts'
import { type Selection, keyRange, matches, needsFields } from './lists/selection.ts'
import { withRevision } from './stored/wire.ts'

/** Objects read from the store at a time while a cache is filled. */
const LOAD_PAGE = 1000

export interface CacheListener {
  /** One change, in revision order. Must not throw. */
  onEvent(event: CacheEvent): void
  /** There is a hole in the changes: what has been seen is no longer continued. */
  onReset(): void
}

export interface CacheOptions {
  readonly ringBytes: number
  /** What the bytes that this server has just written say: equal to what parsing them would give, and never changed any more. */
  readonly known: WeakMap<Uint8Array, KubeObject>
  readonly parsed: ParsedPool
}

/**
 * Everything stored under one prefix, as bytes ready to be sent. Filled when it is first asked for; from then on the hub's
 * changes keep it, and it is never behind the hub.
 */
export class ResourceCache implements HubSubscriber {
  readonly resource: Resource
  readonly prefix: string
  readonly #engine: Engine
  readonly #hub: ChangeHub
  readonly #options: CacheOptions
  readonly #selectable: readonly ((object: KubeObject) => string)[]
  readonly #selectablePaths: readonly string[]
  readonly #pool = new LabelPool()
  readonly #listeners = new Set<CacheListener>()
  #entries = new Map<string, Entry>()
  #bytes = 0
  #index = new OrderedIndex()
  #byLabel = new Postings()
  #byField = new Postings()
  #ring: EventRing
  #snapshot: Snapshot | undefined
  /** Revision of the newest change of one of these objects, or of the read that filled the cache. */
  #changed = 0
  #startRevision = 0
  #loading: Promise<void> | undefined
  #loaded = false
  #indexesFields = false
  /** What happens while the cache is being filled. */
  #early: { readonly events: readonly StoreEvent[]; readonly revision: number }[] = []

  constructor(resource: Resource, prefix: string, engine: Engine, hub: ChangeHub, options: CacheOptions) {
    this.resource = resource
    this.prefix = `${prefix}/`
    this.#engine = engine
    this.#hub = hub
    this.#options = options
    this.#selectablePaths = Object.keys(resource.selectable)
    this.#selectable = Object.values(resource.selectable)
    this.#ring = new EventRing(0, options.ringBytes)
  }

  /** Undefined when the cache is filled, which an engine that answers at once makes true by the asking. */
  ready(): Promise<void> | undefined {
    if (this.#loaded) return undefined
    if (this.#loading !== undefined) return this.#loading
    const loading = this.#load()
    if (loading === undefined) return undefined
    this.#loading = loading.finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Whether the engine answers without a wait, so that a cache is filled in the moment in which it is first used. */
  get loadsAtOnce(): boolean {
    return !(this.#engine.get(this.prefix) instanceof Promise)
  }

  get isReady(): boolean {
    return this.#loaded
  }
  /** No change up to this revision is missing here. */
  get revision(): number {
    return Math.max(this.#hub.revision, this.#startRevision)
  }
  get lastChange(): number {
    return this.#changed
  }
  get size(): number {
    return this.#entries.size
  }
  /** Of the objects as they are stored. */
  get bytes(): number {
    return this.#bytes
  }
  /** Since the start. */
  readonly counts = { received: 0, fills: 0 }
  get ring(): EventRing {
    return this.#ring
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** One object as it is now. A cache that is not filled stays so: it is read from the store. Only where that answers at once, or the cache is filled. */
  peek(key: string): Entry | undefined {
    if (this.#loaded) return this.#entries.get(key)
    const stored = this.#engine.get(this.prefix + key)
    if (stored instanceof Promise) throw new TypeError(`the ${this.resource.plural} have not been read from the store yet`)
    return stored === undefined ? undefined : this.#entryOf(stored)
  }

  /** The place of a selectable field among an entry's values; undefined when the resource has no such field. */
  fieldSlot(path: string): number | undefined {
    const slot = this.#selectablePaths.indexOf(path)
    return slot === -1 ? undefined : slot
  }
  get selectablePaths(): readonly string[] {
    return this.#selectablePaths
  }

  snapshot(): Snapshot {
    this.#snapshot ??= this.#index.snapshot()
    return this.#snapshot
  }

  parsed(entry: Entry): KubeObject {
    return this.#options.parsed.of(entry, this.resource)
  }

  /** What the selection holds now, in key order. */
  select(selection: Selection): readonly Entry[] {
    const { from, to } = keyRange(selection, this.resource.namespaced)
    if (selection.name !== '' && (selection.namespace !== '' || !this.resource.namespaced)) {
      const one = this.#entries.get(from)
      if (needsFields(selection)) this.wantFields()
      return one !== undefined && matches(selection, one) ? [one] : []
    }
    if (selection.labels === undefined && selection.fields.length === 0 && selection.name === '') return this.snapshot().slice(from, to)
    if (needsFields(selection)) this.wantFields()
    const few = this.#fewest(selection)
    if (few !== undefined) {
      const found: Entry[] = []
      for (const key of few) {
        const entry = this.#entries.get(key)
        if (entry !== undefined && matches(selection, entry)) found.push(entry)
      }
      return found.sort((a, b) => (a.key < b.key ? -1 : 1))
    }
    return this.snapshot()
      .slice(from, to)
      .filter((entry) => matches(selection, entry))
  }

  /** The keys with the rarest required value; undefined when a walk through all is cheaper. */
  #fewest(selection: Selection): Iterable<string> | undefined {
    let best: Iterable<string> | undefined
    let bestCount = this.#entries.size / 8
    const offer = (postings: Postings, name: string, value: string): void => {
      const count = postings.count(name, value)
      if (count >= bestCount) return
      best = postings.of(name, value)
      bestCount = count
    }
    for (const { key, operator, values } of selection.labels?.requirements ?? []) {
      if (operator === '=' || operator === '==' || (operator === 'in' && values.length === 1)) offer(this.#byLabel, key, values[0] ?? '')
    }
    for (const { equal, slot, path, value } of selection.fields) if (equal && slot >= 0) offer(this.#byField, path, value)
    return best
  }

  listen(listener: CacheListener): void {
    this.#listeners.add(listener)
  }
  unlisten(listener: CacheListener): void {
    this.#listeners.delete(listener)
  }

  /** From now on each entry knows its selectable fields: a selector on one has been used. */
  wantFields(): void {
    if (this.#indexesFields) return
    this.#indexesFields = true
    for (const entry of this.#entries.values()) {
      entry.fields = this.#fieldsOf(this.#options.parsed.peek(entry))
      this.#listFields(entry, undefined)
    }
    // Whoever watches from some time ago is told of objects as they were, and of those that are gone.
    for (const { entry, previous } of this.#ring)
      for (const one of [entry, previous]) if (one !== undefined) one.fields ??= this.#fieldsOf(this.#options.parsed.peek(one))
  }

  /** The selectable fields of an entry that is not part of this cache, such as one from the store's history. */
  fieldsOf(entry: Entry): readonly string[] {
    return this.#fieldsOf(this.#options.parsed.peek(entry))
  }

  #fieldsOf(object: KubeObject): readonly string[] {
    return this.#selectable.map((read) => read(object))
  }

  #load(): Promise<void> | undefined {
    this.#hub.subscribe(this)
    const first = this.#engine.range({ prefix: this.prefix, limit: LOAD_PAGE })
    return first instanceof Promise ? first.then((page) => this.#fill(page)) : this.#fill(first)
  }

  /** Page by page, so that the store's copies of the values are not all in memory at once. */
  #fill(first: RangeResult): Promise<void> | undefined {
    const { revision } = first
    this.#entries = new Map()
    this.#bytes = 0
    this.#index = new OrderedIndex()
    this.#byLabel = new Postings()
    this.#byField = new Postings()
    this.#snapshot = undefined
    this.#ring = new EventRing(revision, this.#options.ringBytes)
    for (let page = first; ; ) {
      for (const item of page.items) this.#put(this.#entryOf(item))
      const last = page.items[page.items.length - 1]
      if (!page.more || last === undefined) break
      const next = this.#engine.range({ prefix: this.prefix, limit: LOAD_PAGE, after: last.key, atRevision: revision })
      if (next instanceof Promise) return this.#fillRest(next, revision)
      page = next
    }
    this.#filled(revision)
    return undefined
  }

  async #fillRest(next: Promise<RangeResult>, revision: number): Promise<void> {
    for (let page = await next; ; ) {
      for (const item of page.items) this.#put(this.#entryOf(item))
      const last = page.items[page.items.length - 1]
      if (!page.more || last === undefined) break
      page = await this.#engine.range({ prefix: this.prefix, limit: LOAD_PAGE, after: last.key, atRevision: revision })
    }
    this.#filled(revision)
  }

  #filled(revision: number): void {
    this.#startRevision = revision
    this.#changed = revision
    this.#loaded = true
    this.counts.fills++
    const early = this.#early
    this.#early = []
    for (const { events, revision: at } of early) this.onEvents(events, at)
  }

  onEvents(events: readonly StoreEvent[], revision: number): void {
    if (!this.#loaded) {
      this.#early.push({ events, revision })
      return
    }
    if (revision <= this.#startRevision) return
    this.#snapshot = undefined
    this.#changed = revision
    this.counts.received += events.length
    for (const event of events) {
      const key = event.key.slice(this.prefix.length)
      const entry = event.kind === 'put' ? this.#entryOf(event.current) : undefined
      const previous = entry === undefined ? this.#remove(key) : this.#put(entry)
      if (entry === undefined && previous === undefined) continue
      const change = this.#ring.add(revision, key, entry, previous)
      for (const listener of this.#listeners) listener.onEvent(change)
    }
  }

  onReset(): void {
    this.#loaded = false
    this.#early = []
    this.#hub.unsubscribe(this)
    for (const listener of this.#listeners) listener.onReset()
  }

  #entryOf(stored: KeyValue): Entry {
    const bytes = withRevision(stored.value, stored.modRevision)
    const entry = new Entry(stored.key.slice(this.prefix.length), bytes, stored.modRevision, this.#pool.of(bytes), undefined)
    const known = this.#options.known.get(stored.value)
    if (known !== undefined) this.#options.parsed.keep(entry, atRevision(known, stored.modRevision))
    if (this.#indexesFields) entry.fields = this.#fieldsOf(this.#options.parsed.peek(entry))
    return entry
  }

  #put(entry: Entry): Entry | undefined {
    const previous = this.#entries.get(entry.key)
    this.#entries.set(entry.key, entry)
    this.#bytes += entry.bytes.length - (previous?.bytes.length ?? 0)
    this.#index.set(entry)
    // Equal label maps are the same map, and most changes leave the labels alone.
    if (previous?.labels !== entry.labels) {
      if (previous !== undefined) this.#unlistLabels(previous)
      for (const name in entry.labels) this.#byLabel.add(name, entry.labels[name] ?? '', entry.key)
    }
    if (this.#indexesFields) this.#listFields(entry, previous)
    return previous
  }

  #remove(key: string): Entry | undefined {
    const previous = this.#entries.get(key)
    if (previous === undefined) return undefined
    this.#entries.delete(key)
    this.#bytes -= previous.bytes.length
    this.#index.delete(key)
    this.#unlistLabels(previous)
    if (this.#indexesFields) this.#selectablePaths.forEach((path, slot) => this.#byField.remove(path, previous.fields?.[slot] ?? '', key))
    return previous
  }

  #unlistLabels(entry: Entry): void {
    for (const name in entry.labels) this.#byLabel.remove(name, entry.labels[name] ?? '', entry.key)
  }

  #listFields(entry: Entry, previous: Entry | undefined): void {
    for (let slot = 0; slot < this.#selectablePaths.length; slot++) {
      const path = this.#selectablePaths[slot] ?? ''
      const value = entry.fields?.[slot] ?? ''
      const before = previous?.fields?.[slot]
      if (before === value) continue
      if (before !== undefined) this.#byField.remove(path, before, entry.key)
      this.#byField.add(path, value, entry.key)
    }
  }
}

/** The stored form does not say its own revision. */
function atRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
