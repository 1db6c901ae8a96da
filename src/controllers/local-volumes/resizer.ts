import { type Scope, messageOf, rfc3339 } from '#base'
import { compareQuantities, type core, quantityValue, refs } from '#api'
import { type ControllerContext, type ControllerDefinition, type Reconcile, after, done } from '#reconcile'
import { LOCAL_DRIVER, isFinal, lacksRoom, nodeStorage } from './node-storage.ts'
import { handleOf, isOurs, nodeOfVolume, quantityOf } from './plan-provision.ts'

const AGAIN_MS = 30_000

/** Lets volumes grow with their claims: the node makes image and file system larger at once, used or not. */
export const localResizer: ControllerDefinition = { name: 'local-volume-resizer', eventSource: LOCAL_DRIVER, setup }

const wantedOf = ({ spec }: core.PersistentVolumeClaim): string => spec?.resources?.requests?.['storage'] ?? '0'
const capacityOf = ({ status }: core.PersistentVolumeClaim): string => status?.capacity?.['storage'] ?? '0'
const mayGrow = (claim: core.PersistentVolumeClaim): boolean =>
  claim.status?.phase === 'Bound' && compareQuantities(wantedOf(claim), capacityOf(claim)) > 0

function setup(context: ControllerContext): Reconcile {
  const { client, events, informers } = context
  const storage = nodeStorage(client)
  const claims = context.watch(refs.persistentvolumeclaims, ({ key, now }) => (now !== undefined && mayGrow(now) ? [key] : []))
  const volumes = informers.informer(refs.persistentvolumes)

  async function tellStatus(
    scope: Scope,
    claim: core.PersistentVolumeClaim,
    status: core.PersistentVolumeClaimStatus,
  ): Promise<core.PersistentVolumeClaim> {
    return client
      .resource(refs.persistentvolumeclaims)
      .update(scope, { ...claim, status: { ...claim.status, ...status } }, { subresource: 'status' })
  }

  return async (scope, key) => {
    const claim = claims.get(key)
    if (claim === undefined || !mayGrow(claim)) return done
    const volume = volumes.get(claim.spec?.volumeName ?? '')
    if (volume === undefined || !isOurs(volume) || volume.spec?.claimRef?.uid !== claim.metadata?.uid) return done
    const wanted = wantedOf(claim)
    const restMs = restAfterRefusal(claim, wanted, scope.clock.now())
    if (restMs > 0) return after(restMs)
    const others = (claim.status?.conditions ?? []).filter(({ type }) => type !== 'Resizing' && type !== 'ControllerResizeError')
    const at = rfc3339(scope.clock.now())
    let current = claim
    if (claim.status?.allocatedResourceStatuses?.['storage'] !== 'ControllerResizeInProgress') {
      current = await tellStatus(scope, claim, {
        conditions: [...others, { type: 'Resizing', status: 'True', lastTransitionTime: at }],
        allocatedResources: { ...claim.status?.allocatedResources, storage: wanted },
        allocatedResourceStatuses: { ...claim.status?.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
      })
      events.event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata?.name ?? ''}`)
    }
    try {
      const { sizeBytes } = await storage.expandVolume(scope, nodeOfVolume(volume), handleOf(volume), quantityValue(wanted))
      const capacity = { storage: quantityOf(sizeBytes) }
      if (compareQuantities(volume.spec?.capacity?.['storage'] ?? '0', capacity.storage) !== 0)
        await client
          .resource(refs.persistentvolumes)
          .patch(scope, { name: volume.metadata?.name ?? '' }, { type: 'merge', body: { spec: { capacity } } })
      const { storage: _, ...statuses } = claim.status?.allocatedResourceStatuses ?? {}
      await tellStatus(scope, current, {
        capacity: { ...claim.status?.capacity, ...capacity },
        conditions: others,
        allocatedResourceStatuses: statuses,
      })
      events.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')
      return done
    } catch (error) {
      scope.check()
      const message = `resize volume "${volume.metadata?.name ?? ''}" by resizer "${LOCAL_DRIVER}" failed: ${messageOf(error)}`
      if (!lacksRoom(error) && !isFinal(error)) throw error
      events.event(claim, 'Warning', 'VolumeResizeFailed', message)
      await tellStatus(scope, current, {
        conditions: [...others, { type: 'ControllerResizeError', status: 'True', lastTransitionTime: at, message }],
        allocatedResourceStatuses: { ...claim.status?.allocatedResourceStatuses, storage: 'ControllerResizeInfeasible' },
      })
      return after(AGAIN_MS)
    }
  }
}

/** How long a claim that was refused what it wants is still left alone: telling it so is a change of it, which comes by here. */
function restAfterRefusal({ status }: core.PersistentVolumeClaim, wanted: string, nowMs: number): number {
  if (status?.allocatedResourceStatuses?.['storage'] !== 'ControllerResizeInfeasible') return 0
  if (compareQuantities(status.allocatedResources?.['storage'] ?? '0', wanted) !== 0) return 0
  const told = status.conditions?.find(({ type }) => type === 'ControllerResizeError')?.lastTransitionTime
  return typeof told !== 'string' ? 0 : Date.parse(told) + AGAIN_MS - nowMs
}
