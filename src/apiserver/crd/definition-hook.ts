import type { KubeObject } from '#api'
import type { RegistryHook } from '../registry/core.ts'
import { metaOf } from '../registry/write/object-rules.ts'
import { CLEANUP_FINALIZER, type Definition, withCondition } from './definition.ts'

/** A definition ends in its own way: it is Terminating until its objects are gone. */
export const definitionHook: RegistryHook = {
  deletion: {
    begin(draft: KubeObject, now) {
      const definition = draft as Definition
      const meta = metaOf(draft)
      meta.deletionTimestamp = now
      meta.finalizers = [...new Set([...(meta.finalizers ?? []), CLEANUP_FINALIZER])]
      const conditions = withCondition(
        definition.status?.conditions ?? [],
        {
          type: 'Terminating',
          status: 'True',
          reason: 'InstanceDeletionPending',
          message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
        },
        now,
      )
      definition.status = { ...definition.status, conditions }
    },
    done: (object) => (metaOf(object).finalizers ?? []).length === 0,
  },
}
