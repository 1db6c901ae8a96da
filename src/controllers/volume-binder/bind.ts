import type { Scope } from '#base'
import { compareQuantities, type core, refs } from '#api'
import type { Client } from '#client'
import { sameOnWire } from '#reconcile'
import { BEFORE_RESIZE, BIND_COMPLETED, BOUND_BY_CONTROLLER, hasAnnotation } from './annotations.ts'
import { isReservedFor } from './match-volume.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

/**
 * Writes down that the two belong together: on the volume first, whose version decides between claims that want it at once. Each step
 * is left out when it has been done, so that whoever comes after a crash goes on where it ended.
 */
export async function bind(scope: Scope, client: Client, volume: Volume, claim: Claim): Promise<void> {
  const volumes = client.resource(refs.persistentvolumes)
  const claims = client.resource(refs.persistentvolumeclaims)
  const reserved = withClaim(volume, claim)
  const held = reserved === volume ? volume : await volumes.update(scope, reserved)
  await writePhase(scope, client, held, 'Bound')
  const named = withVolume(claim, volume.metadata?.name ?? '')
  const owner = named === claim ? claim : await claims.update(scope, named)
  await writeClaimStatus(scope, client, owner, 'Bound', held)
}

/** The same object when it says so already. */
function withClaim(volume: Volume, claim: Claim): Volume {
  const { namespace, name, uid, resourceVersion } = claim.metadata ?? {}
  const claimRef = volume.spec?.claimRef
  const isMarked = isReservedFor(volume, claim) || hasAnnotation(volume, BOUND_BY_CONTROLLER)
  if (claimRef?.uid === uid && claimRef?.name === name && claimRef?.namespace === namespace && isMarked) return volume
  return {
    ...volume,
    metadata: isMarked ? volume.metadata : annotated(volume.metadata, BOUND_BY_CONTROLLER),
    spec: {
      ...volume.spec,
      claimRef: { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion },
    },
  }
}

function withVolume(claim: Claim, volumeName: string): Claim {
  const isNamed = claim.spec?.volumeName === volumeName
  if (isNamed && hasAnnotation(claim, BIND_COMPLETED)) return claim
  const metadata = isNamed ? claim.metadata : annotated(claim.metadata, BOUND_BY_CONTROLLER)
  return { ...claim, metadata: annotated(metadata, BIND_COMPLETED), spec: { ...claim.spec, volumeName } }
}

function annotated(metadata: Claim['metadata'], name: string): NonNullable<Claim['metadata']> {
  return { ...metadata, annotations: { [name]: 'yes', ...metadata?.annotations } }
}

export async function writePhase(scope: Scope, client: Client, volume: Volume, phase: string, message?: string): Promise<Volume> {
  if (volume.status?.phase === phase) return volume
  const { message: _, ...status } = volume.status ?? {}
  const next = { ...volume, status: { ...status, phase, ...(message === undefined ? {} : { message }) } }
  return client.resource(refs.persistentvolumes).update(scope, next, { subresource: 'status' })
}

/** `volume`: whose size and modes the claim has now. A claim that is bound already may show another size: it is being resized. */
export async function writeClaimStatus(scope: Scope, client: Client, claim: Claim, phase: string, volume?: Volume): Promise<void> {
  const { accessModes: _, capacity, currentVolumeAttributesClassName: attributes, ...status } = claim.status ?? {}
  const isNew = claim.status?.phase !== phase
  const wasPending = claim.status?.phase === 'Pending'
  const next: core.PersistentVolumeClaimStatus = { ...status, phase }
  if (volume !== undefined) {
    const { accessModes, volumeAttributesClassName } = volume.spec ?? {}
    if (accessModes !== undefined) next.accessModes = [...accessModes]
    const size = isNew ? sizeFor(claim, volume) : capacity
    if (size !== undefined) next.capacity = size
    const current = wasPending && phase === 'Bound' ? volumeAttributesClassName : attributes
    if (current !== undefined) next.currentVolumeAttributesClassName = current
  }
  if (sameOnWire(claim.status, next)) return
  await client.resource(refs.persistentvolumeclaims).update(scope, { ...claim, status: next }, { subresource: 'status' })
}

function sizeFor({ status }: Claim, { metadata, spec }: Volume): Record<string, string> | undefined {
  const before = metadata?.annotations?.[BEFORE_RESIZE]
  if (before !== undefined) return { ...status?.capacity, storage: before }
  const [now, known] = [spec?.capacity?.['storage'], status?.capacity?.['storage']]
  const isSame = now !== undefined && known !== undefined && compareQuantities(now, known) === 0
  return isSame || spec?.capacity === undefined ? status?.capacity : { ...spec.capacity }
}
