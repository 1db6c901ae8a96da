import { type Scope, messageOf } from '#base'
import { type KubeObject, type OwnerReference, StatusError, type core, isConflict, isNotFound, refs } from '#api'
import type { Client } from '#client'
import type { EventRecorder } from '../contract.ts'

/** A pod from a template, managed by `owner`. */
export function podFromTemplate(owner: KubeObject, reference: OwnerReference, template: core.PodTemplateSpec): core.Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    metadata: {
      generateName: `${owner.metadata?.name ?? ''}-`,
      namespace: owner.metadata?.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [reference],
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  }
}

/** The namespace is going away: nothing can be created, and nothing needs to be. */
export function isNamespaceEnding(error: unknown): boolean {
  return error instanceof StatusError && (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
}

/** Creates and deletes the pods of one owner and says so in its Events. */
export interface PodControl {
  create(scope: Scope, owner: KubeObject, pod: core.Pod): Promise<core.Pod>
  /**
   * A pod that is gone already counts as deleted. With `asSeen` it goes only if it still is as it is here: for who chose it by what may change,
   * such as not being ready. False: it has changed and stays; the event of the change brings its owner back.
   */
  remove(scope: Scope, owner: KubeObject, pod: core.Pod, asSeen?: boolean): Promise<boolean>
}

export function podControl(client: Client, events: EventRecorder): PodControl {
  const pods = client.resource(refs.pods)
  return {
    async create(scope, owner, pod) {
      try {
        const created = await pods.create(scope, pod)
        events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name ?? ''}`)
        return created
      } catch (error) {
        scope.check()
        if (!isNamespaceEnding(error)) events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
        throw error
      }
    },
    async remove(scope, owner, pod, asSeen = false) {
      const { namespace, name = '', uid, resourceVersion } = pod.metadata ?? {}
      try {
        const preconditions = {
          ...(uid === undefined ? {} : { uid }),
          ...(asSeen && resourceVersion !== undefined ? { resourceVersion } : {}),
        }
        await pods.delete(scope, { namespace, name }, { preconditions })
        events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
        return true
      } catch (error) {
        if (isNotFound(error)) return true
        if (asSeen && isConflict(error)) return false
        scope.check()
        events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
        throw error
      }
    },
  }
}
