import { messageOf, rfc3339 } from '#base'
import { type CustomResources, type KubeObject, type Resource, customResources, deepClone, isNotFound, refs } from '#api'
import type { Core } from '../registry/core.ts'
import { deleteObject } from '../registry/delete/delete.ts'
import { metaOf } from '../registry/write/object-rules.ts'
import type { View } from '../registry/view.ts'
import { ownRequest, ownUpdate } from '../registry/write/writer.ts'
import type { CacheEvent } from '../watchcache/ring.ts'
import type { Entry } from '../watchcache/entry.ts'
import { EVERYTHING } from '../watchcache/lists/selection.ts'
import { CLEANUP_FINALIZER, type Definition, conditionOf, isTrue, withCondition } from './definition.ts'
import { GroupNames, NOTHING_TAKEN } from './group-names.ts'
import { type Names, type Taken, isSameStatus, planStatus } from './names.ts'

/** A definition as it was last seen. Its bytes are shared with the cache; what is made of it, with the catalog. */
interface Known {
  readonly entry: Entry
  readonly group: string
  readonly accepted: Names | undefined
  readonly isAccepted: boolean
  readonly isTerminating: boolean
  /** Says the same as long as the same resources are served. */
  readonly state: string
  readonly resources: CustomResources | undefined
}

type OwnNames = Pick<Known, 'group' | 'accepted'>

const RETRY_MS = 1000
const DELETE_OPTIONS = {
  dryRun: false,
  gracePeriodSeconds: undefined,
  orphanDependents: undefined,
  propagationPolicy: undefined,
  uid: undefined,
  resourceVersion: undefined,
}

/**
 * Serves the kinds of CustomResourceDefinitions. Follows the cache of definitions: what is established is in the catalog before the
 * write that established it is answered, and gone from it with the definition. Names, conditions and the end of a definition are
 * brought forward by one worker, one definition after the other, each time from what is stored.
 */
export class CustomDefinitions {
  readonly #core: Core
  readonly #view: View
  readonly #known = new Map<string, Known>()
  readonly #names = new Map<string, GroupNames>()
  readonly #due = new Set<string>()
  /** Definitions that are ending and wait for their objects to go. */
  readonly #emptying = new Set<string>()
  #isWorking = false

  private constructor(core: Core, definitions: Resource) {
    this.#core = core
    this.#view = core.views.of(definitions)
  }

  /** Undefined when definitions are not served here. Resolves when all that are stored are served. */
  static async start(core: Core): Promise<CustomDefinitions | undefined> {
    const { group, version, plural } = refs.customresourcedefinitions
    const definitions = core.catalog.find(group, version, plural)
    if (definitions === undefined) return undefined
    const made = new CustomDefinitions(core, definitions)
    await made.#follow()
    return made
  }

  /** By `widgets.example.com`. */
  isTerminating(name: string): boolean {
    return this.#known.get(name)?.isTerminating ?? false
  }

  async #follow(): Promise<void> {
    const { cache } = this.#view
    await cache.ready()
    cache.listen({
      onEvent: (event) => this.#onEvent(event),
      // The watch on the store has a hole: what is there now is read again.
      onReset: () => void this.#reread(),
    })
    for (const entry of cache.select(EVERYTHING)) this.#take(entry.name, entry)
  }

  async #reread(): Promise<void> {
    const { cache } = this.#view
    await cache.ready()
    for (const name of Array.from(this.#known.keys())) if (cache.get(name) === undefined) this.#forget(name)
    for (const entry of cache.select(EVERYTHING)) this.#take(entry.name, entry)
  }

  #onEvent(event: CacheEvent): void {
    if (event.entry === undefined) this.#forget(event.key)
    else this.#take(event.key, event.entry)
  }

  #definitionOf(entry: Entry): Definition {
    return this.#view.object(entry) as Definition
  }

  /** A definition that cannot be served must not end the watch that all caches live on. */
  #take(name: string, entry: Entry): void {
    try {
      this.#takeIn(name, entry)
    } catch (error) {
      this.#core.scope.log.error('a definition cannot be served', { definition: name, error })
    }
  }

  #takeIn(name: string, entry: Entry): void {
    const definition = this.#definitionOf(entry)
    const before = this.#known.get(name)
    const isEstablished = isTrue(definition, 'Established')
    const accepted = definition.status?.acceptedNames
    const { uid = '', generation = 0 } = definition.metadata ?? {}
    const state = isEstablished ? `${uid} ${generation} ${JSON.stringify(accepted)}` : ''
    const isSame = before !== undefined && before.state === state
    const resources = !isEstablished ? undefined : isSame ? before.resources : this.#resourcesOf(definition, entry)
    this.#replaceNames(name, before, { group: definition.spec.group, accepted })
    this.#known.set(name, {
      entry,
      group: definition.spec.group,
      accepted,
      isAccepted: isTrue(definition, 'NamesAccepted'),
      isTerminating: definition.metadata?.deletionTimestamp !== undefined,
      state,
      resources,
    })
    if (!isSame) this.#serve(before?.resources, resources)
    this.#schedule(name)
  }

  #resourcesOf(definition: Definition, entry: Entry): CustomResources {
    return customResources(definition, () => this.#definitionOf(entry), this.#core.metrics.rules)
  }

  #forget(name: string): void {
    const before = this.#known.get(name)
    if (before === undefined) return
    this.#known.delete(name)
    this.#replaceNames(name, before, undefined)
    this.#emptying.delete(name)
    this.#serve(before.resources, undefined)
    // Its names may be what others of the group have been waiting for.
    for (const [other, { group, isAccepted }] of this.#known) if (group === before.group && !isAccepted) this.#schedule(other)
  }

  /** In one turn, so that nobody sees a version of one state beside a version of the other. */
  #serve(before: CustomResources | undefined, next: CustomResources | undefined): void {
    const { catalog, caches } = this.#core
    for (const { group, version, plural } of before?.served ?? []) {
      if (!(next?.served ?? []).some((resource) => resource.version === version)) catalog.remove(group, version, plural)
    }
    for (const resource of next?.served ?? []) catalog.replace(resource)
    // Watches of the former schema end; clients begin again and see the new one.
    const prefix = before?.stored.storage?.prefix
    if (prefix !== undefined) caches.drop(prefix)
  }

  #schedule(name: string): void {
    this.#due.add(name)
    if (this.#isWorking) return
    this.#isWorking = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const { scope } = this.#core
    // The event that brings work comes in the midst of a write.
    await Promise.resolve()
    try {
      for (const name of this.#due) {
        this.#due.delete(name)
        try {
          await this.#advance(name)
        } catch (error) {
          if (scope.signal.aborted) return
          scope.log.warn('a custom resource definition could not be brought forward', { name, error: messageOf(error) })
          void this.#retry(name)
        }
      }
    } finally {
      this.#isWorking = false
    }
    if (this.#due.size > 0) this.#schedule([...this.#due][0] ?? '')
  }

  async #retry(name: string): Promise<void> {
    try {
      await this.#core.scope.sleep(RETRY_MS)
    } catch {
      return
    }
    if (this.#known.has(name)) this.#schedule(name)
  }

  async #advance(name: string): Promise<void> {
    const entry = this.#view.cache.get(name)
    if (entry === undefined) return
    const definition = this.#definitionOf(entry)
    if (definition.metadata?.deletionTimestamp !== undefined) return this.#end(name, definition)
    const next = planStatus(definition, this.#takenFor(name, definition.spec.group), this.#now())
    if (isSameStatus(definition.status, next)) return
    await this.#update(name, 'status', (draft) => {
      draft.status = { ...planStatus(draft, this.#takenFor(name, draft.spec.group), this.#now()) }
    })
  }

  #takenFor(name: string, group: string): Taken {
    return this.#names.get(group)?.takenFor(name) ?? NOTHING_TAKEN
  }

  #replaceNames(name: string, before: OwnNames | undefined, next: OwnNames | undefined): void {
    if (before?.accepted !== undefined) {
      const names = this.#names.get(before.group)
      names?.remove(name, before.accepted)
      if (names?.isEmpty === true) this.#names.delete(before.group)
    }
    if (next?.accepted === undefined) return
    const names = this.#names.get(next.group) ?? new GroupNames()
    this.#names.set(next.group, names)
    names.add(name, next.accepted)
  }

  /** Deletes the objects, and lets the definition go when there are none left. */
  async #end(name: string, definition: Definition): Promise<void> {
    if (!(definition.metadata?.finalizers ?? []).includes(CLEANUP_FINALIZER)) return
    const objects = this.#objectsOf(name, definition)
    if (objects !== undefined) {
      if (conditionOf(definition, 'Terminating')?.reason !== 'InstanceDeletionInProgress') {
        await this.#noteDeletion(name)
      }
      await objects.cache.ready()
      await this.#deleteAll(objects)
      if (objects.cache.size > 0) return this.#waitUntilEmpty(name, objects)
    }
    await this.#update(name, '', (draft) => {
      const meta = metaOf(draft)
      meta.finalizers = (meta.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER)
    })
  }

  /** Undefined for a definition that was never established: it has no objects. */
  #objectsOf(name: string, definition: Definition): View | undefined {
    const known = this.#known.get(name)
    if (known?.resources === undefined) return undefined
    const [served] = known.resources.served
    if (served !== undefined) return this.#core.views.of(served)
    const asServed: Definition = deepClone(definition) as Definition
    for (const version of asServed.spec.versions) version.served = version.storage
    const [resource] = customResources(asServed, () => asServed).served
    return resource === undefined ? undefined : this.#core.views.of(resource)
  }

  async #deleteAll(objects: View): Promise<void> {
    const { scope } = this.#core
    for (const { namespace, name } of objects.cache.select(EVERYTHING)) {
      await deleteObject(ownRequest(scope, this.#core), { view: objects, namespace, name, options: DELETE_OPTIONS }).catch(
        (error: unknown) => {
          if (!isNotFound(error)) throw error
        },
      )
    }
  }

  /** Objects with finalizers go when somebody has done what these stand for. */
  #waitUntilEmpty(name: string, { cache }: View): void {
    if (this.#emptying.has(name)) return
    this.#emptying.add(name)
    const done = (): void => {
      cache.unlisten(listener)
      if (this.#emptying.delete(name)) this.#schedule(name)
    }
    const listener = {
      onEvent: () => {
        if (cache.size === 0) done()
      },
      onReset: done,
    }
    cache.listen(listener)
  }

  async #noteDeletion(name: string): Promise<void> {
    const deleting = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionInProgress',
      message: 'CustomResource deletion is in progress',
    } as const
    await this.#update(name, 'status', (draft) => {
      const conditions = withCondition(draft.status?.conditions ?? [], deleting, this.#now())
      draft.status = { ...draft.status, conditions }
    })
  }

  async #update(name: string, subresource: '' | 'status', change: (draft: Definition) => void): Promise<void> {
    const { scope } = this.#core
    await ownUpdate(ownRequest(scope, this.#core), this.#view, { name, subresource, manager: 'kube-apiserver' }, (draft: KubeObject) =>
      change(draft as Definition),
    ).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }

  #now(): string {
    return rfc3339(this.#core.scope.clock.now())
  }
}
