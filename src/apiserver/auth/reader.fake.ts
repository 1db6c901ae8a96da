import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, statusError } from '#api'
import type { ObjectReader, ObjectWriter } from '../contract.ts'

/** The objects of a server in memory, for tests. */
export interface FakeObjects extends ObjectReader, ObjectWriter {
  put<T extends KubeObject>(ref: ResourceRef<T>, ...objects: readonly T[]): void
  remove(ref: ResourceRef, namespace: string, name: string): void
}

export function fakeObjects(): FakeObjects {
  const kinds = new Map<string, { version: number; readonly objects: Map<string, KubeObject> }>()
  const byRef = new WeakMap<ResourceRef, { version: number; readonly objects: Map<string, KubeObject> }>()
  const kindOf = (ref: ResourceRef): { version: number; readonly objects: Map<string, KubeObject> } => {
    const known = byRef.get(ref)
    if (known !== undefined) return known
    const key = `${ref.group}/${ref.plural}`
    let kind = kinds.get(key)
    if (kind === undefined) kinds.set(key, (kind = { version: 0, objects: new Map() }))
    byRef.set(ref, kind)
    return kind
  }
  const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`
  const store = (ref: ResourceRef, object: KubeObject): void => {
    const kind = kindOf(ref)
    kind.version++
    const { namespace = '', name = '' } = object.metadata ?? {}
    kind.objects.set(keyOf(ref.namespaced ? namespace : '', name), structuredClone(object))
  }
  const remove = (ref: ResourceRef, namespace: string, name: string): void => {
    const kind = kindOf(ref)
    kind.version++
    kind.objects.delete(keyOf(namespace, name))
  }
  return {
    get: <T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string) =>
      kindOf(ref).objects.get(keyOf(namespace, name)) as T | undefined,
    list: <T extends KubeObject>(ref: ResourceRef<T>, namespace = '') =>
      [...kindOf(ref).objects.values()].filter((object) => namespace === '' || object.metadata?.namespace === namespace) as T[],
    version: (ref) => kindOf(ref).version,
    put: (ref, ...objects) => objects.forEach((object) => store(ref, object)),
    remove,
    create: async (_scope, ref, object) => {
      const { namespace = '', name = '' } = object.metadata ?? {}
      if (kindOf(ref).objects.has(keyOf(namespace, name))) throw statusError.alreadyExists(ref, name)
      store(ref, object)
      return object
    },
    update: async (_scope, ref, object) => {
      store(ref, object)
      return object
    },
    changeStatus: async <T extends KubeObject>(
      _scope: Scope,
      ref: ResourceRef<T>,
      namespace: string,
      name: string,
      change: (draft: T) => void,
    ) => {
      const draft = structuredClone(kindOf(ref).objects.get(keyOf(namespace, name)))
      if (draft === undefined) throw statusError.notFound(ref, name)
      change(draft as T)
      store(ref, draft)
    },
    applyStatus: async (_scope, ref, name, _manager, status) => {
      const stored = kindOf(ref).objects.get(keyOf('', name))
      if (stored === undefined) throw statusError.notFound(ref, name)
      const { status: before } = stored as { readonly status?: object }
      store(ref, { ...stored, status: { ...before, ...status } } as typeof stored)
    },
    delete: async (_scope, ref, namespace, name) => remove(ref, namespace, name),
  }
}
