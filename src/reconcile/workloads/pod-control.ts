import { type Scope, messageOf } from '#base'
import { type KubeObject, type OwnerReference, StatusError, type core, isNotFound, refs } from '#api'
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
  /** A pod that is gone already counts as deleted. */
  remove(scope: Scope, owner: KubeObject, pod: core.Pod): Promise<void>
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
    async remove(scope, owner, pod) {
      const { namespace, name = '', uid } = pod.metadata ?? {}
      try {
        await pods.delete(scope, { namespace, name }, uid === undefined ? {} : { preconditions: { uid } })
        events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
      } catch (error) {
        if (isNotFound(error)) return
        scope.check()
        events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
        throw error
      }
    },
  }
}
