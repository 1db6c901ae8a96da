import { type Scope, messageOf } from '#base'
import { type KubeObject, type apps, type core, isAlreadyExists, isNotFound, keyOf, refs } from '#api'
import type { ControllerContext, Informer, OwnWrites } from '#reconcile'
import { claimOwners, claimsOfPod } from './claims.ts'
import { type IdentityFlaws, repaired } from './identity.ts'
import type { Deed } from './plan-statefulset.ts'

export interface WriteMemory {
  readonly pods: OwnWrites<core.Pod>
  readonly claims: OwnWrites<core.PersistentVolumeClaim>
}

/** Carries out deeds and tells of them in Events of the set, in Kubernetes' words. */
export function setWrites(context: ControllerContext, claims: Informer<core.PersistentVolumeClaim>, memory: WriteMemory) {
  const { client, events } = context
  const podClient = client.resource(refs.pods)
  const claimClient = client.resource(refs.persistentvolumeclaims)

  function tell(verb: 'Create' | 'Update' | 'Delete', set: apps.StatefulSet, pod: core.Pod, failure?: unknown): void {
    const text = `${verb} Pod ${pod.metadata?.name ?? ''} in StatefulSet ${set.metadata?.name ?? ''}`
    if (failure === undefined) events.event(set, 'Normal', `Successful${verb}`, `${text} successful`)
    else events.event(set, 'Warning', `Failed${verb}`, `${text} failed error: ${messageOf(failure)}`)
  }

  /** Throws one error for all claims that cannot be there. */
  async function makeClaims(scope: Scope, set: apps.StatefulSet, pod: core.Pod): Promise<void> {
    const failures: string[] = []
    for (const claim of claimsOfPod(set, pod).values()) {
      const name = claim.metadata?.name ?? ''
      const present = claims.get(keyOf(claim))
      if (present?.metadata?.deletionTimestamp !== undefined) failures.push(`pvc ${name} is being deleted`)
      if (present !== undefined) continue
      const about = `Pod ${pod.metadata?.name ?? ''} in StatefulSet ${set.metadata?.name ?? ''}`
      try {
        memory.claims.wrote(keyOf(set), await claimClient.create(scope, claim))
        events.event(set, 'Normal', 'SuccessfulCreate', `Create Claim ${name} ${about} success`)
      } catch (error) {
        scope.check()
        failures.push(`failed to create PVC ${name}: ${messageOf(error)}`)
        if (!isAlreadyExists(error))
          events.event(set, 'Warning', 'FailedCreate', `Create Claim ${name} for ${about} failed error: ${messageOf(error)}`)
      }
    }
    const [first] = failures
    if (first !== undefined) throw new Error(failures.length === 1 ? first : `[${failures.join(', ')}]`)
  }

  async function ownClaims(scope: Scope, set: apps.StatefulSet, pod: core.Pod): Promise<void> {
    for (const { metadata } of claimsOfPod(set, pod).values()) {
      const claim = claims.get(`${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`)
      if (claim === undefined) continue
      const { owners, isForeign } = claimOwners(set, pod, claim)
      const name = claim.metadata?.name ?? ''
      if (isForeign)
        events.event(
          set,
          'Warning',
          'ConflictingController',
          `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`,
        )
      if (owners === undefined) continue
      try {
        memory.claims.wrote(
          keyOf(set),
          await claimClient.update(scope, { ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } }),
        )
      } catch (error) {
        scope.check()
        throw new Error(`could not update claim ${name} for delete policy ownerRefs: ${messageOf(error)}`, { cause: error })
      }
    }
  }

  async function create(scope: Scope, set: apps.StatefulSet, pod: core.Pod): Promise<void> {
    let made: core.Pod
    try {
      await makeClaims(scope, set, pod)
      made = await podClient.create(scope, pod)
      memory.pods.wrote(keyOf(set), made)
    } catch (error) {
      scope.check()
      // Somebody else's pod has the name. It is not ours to complain about each time we look.
      if (!isAlreadyExists(error)) tell('Create', set, pod, error)
      throw error
    }
    await claim(scope, set, made, false)
    tell('Create', set, pod)
  }

  async function remove(scope: Scope, set: apps.StatefulSet, pod: core.Pod): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata ?? {}
    try {
      await podClient.delete(scope, { namespace, name }, uid === undefined ? {} : { preconditions: { uid } })
    } catch (error) {
      scope.check()
      if (!isNotFound(error)) {
        tell('Delete', set, pod, error)
        throw error
      }
    }
    memory.pods.deleted(keyOf(set), keyOf(pod), uid ?? '')
    tell('Delete', set, pod)
  }

  async function claim(scope: Scope, set: apps.StatefulSet, pod: core.Pod, makes: boolean): Promise<void> {
    if (makes) await makeClaims(scope, set, pod)
    try {
      await ownClaims(scope, set, pod)
    } catch (error) {
      scope.check()
      tell('Update', set, pod, error)
      throw error
    }
  }

  async function repair(scope: Scope, set: apps.StatefulSet, pod: core.Pod, flaws: IdentityFlaws): Promise<void> {
    await claim(scope, set, pod, flaws.storage)
    try {
      if (flaws.identity || flaws.storage)
        memory.pods.wrote(keyOf(set), await podClient.update(scope, repaired(set, pod, flaws) as core.Pod & KubeObject))
    } catch (error) {
      scope.check()
      tell('Update', set, pod, error)
      throw error
    }
    tell('Update', set, pod)
  }

  return async (scope: Scope, set: apps.StatefulSet, deed: Deed): Promise<void> => {
    switch (deed.do) {
      case 'create':
        return create(scope, set, deed.pod)
      case 'remove':
        return remove(scope, set, deed.pod)
      case 'claim':
        return claim(scope, set, deed.pod, deed.makes)
      case 'repair':
        return repair(scope, set, deed.pod, deed.flaws)
      default:
        return deed satisfies never
    }
  }
}
