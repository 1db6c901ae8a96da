import type { Scope } from '#base'
import type { KubeObject, ResourceRef } from '#api'
import { type Client, SharedSpecs } from '#client'
import type { Informer, Informers, Selection } from './contract.ts'
import { InformerCache } from './informer.ts'
import { reflect } from './reflector.ts'

export interface InformersOptions {
  /** Objects are frozen, all the way down: a reader that changes one throws. For tests. */
  readonly freeze?: boolean
  /** Objects are kept without the notes of who set which field, which are half of most: for readers that never look at them nor write whole objects back. */
  readonly withoutManagedFields?: boolean
}

export function createInformers(client: Client, options: InformersOptions = {}): Informers {
  const asked = new Map<string, { readonly start: (scope: Scope) => Promise<void>; readonly informer: unknown }>()
  const waiting: ((scope: Scope) => Promise<void>)[] = []

  const idOf = (ref: ResourceRef, selection: Selection): string =>
    JSON.stringify([ref.group, ref.version, ref.plural, selection.namespace, selection.labelSelector, selection.fieldSelector])

  // One entry per resource: the type parameter is the resource's, so what was stored under the id has it.
  const known = <T extends KubeObject>(ref: ResourceRef<T>, selection: Selection = {}): Informer<T> | undefined =>
    asked.get(idOf(ref, selection))?.informer as Informer<T> | undefined

  function informer<T extends KubeObject>(ref: ResourceRef<T>, selection: Selection = {}): Informer<T> {
    const there = known(ref, selection)
    if (there !== undefined) return there
    const id = idOf(ref, selection)
    const cache = new InformerCache<T>(ref, options.freeze ? deepFreeze : options.withoutManagedFields ? dropManagedFields : undefined)
    const start = (scope: Scope): Promise<void> => {
      void reflect(scope, client.resource(ref), selection, cache, hasTemplates(ref) ? new SharedSpecs(scope) : undefined)
      return cache.waitForSync(scope)
    }
    asked.set(id, { start, informer: cache })
    waiting.push(start)
    return cache
  }

  return {
    informer,
    known: (ref) => known(ref),
    async start(scope) {
      await Promise.all(waiting.splice(0).map((start) => start(scope)))
    },
  }
}

/** Pods come in great numbers, each from a template. */
const hasTemplates = ({ group, plural }: ResourceRef): boolean => group === '' && plural === 'pods'

/** The object came from the wire for this cache alone. */
function dropManagedFields<T extends KubeObject>(object: T): T {
  const { metadata } = object
  if (metadata !== undefined) delete (metadata as { managedFields?: unknown }).managedFields
  return object
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
