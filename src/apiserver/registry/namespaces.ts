import type { KubeObject } from '#api'
import type { RegistryHook } from './core.ts'
import { metaOf } from './write/object-rules.ts'

interface NamespaceObject extends KubeObject {
  spec?: { finalizers?: readonly string[] }
  status?: { phase?: string }
}

/** A namespace ends in its own way: it is Terminating until whoever empties it has taken its name out of `spec.finalizers`. */
export const namespaceHook: RegistryHook = {
  deletion: {
    begin(draft: NamespaceObject, now) {
      metaOf(draft).deletionTimestamp = now
      draft.status = { ...draft.status, phase: 'Terminating' }
    },
    done: (object: NamespaceObject) => (object.spec?.finalizers ?? []).length === 0 && (metaOf(object).finalizers ?? []).length === 0,
  },
}
