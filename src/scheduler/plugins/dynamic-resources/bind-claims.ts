import { type Scope, SampanError, rfc3339 } from '#base'
import { CLAIM_FINALIZER, consumerOf, isConflict, isNotFound, isReservedFor, refs, type resource } from '#api'
import type { Client } from '#client'
import { readiness } from './binding-conditions.ts'
import type { Reservation } from './dynamic-resources.ts'

/** Somebody else was faster, or a device did not become ready: the pod is tried again. */
export class ClaimNotBound extends SampanError {
  readonly code = 'CLAIM_NOT_BOUND'
}

const MOST_CONFLICTS = 5
const LOOK_AGAIN_MS = 1000

/** Writes devices and their user into the pod's claims; `wrote` is told of each claim that has got its devices. Idempotent. Throws `ClaimNotBound`. */
export async function bindClaims(
  scope: Scope,
  client: Client,
  { pod, claims, extended }: Reservation,
  wrote: (uid: string) => void,
): Promise<readonly resource.ResourceClaim[]> {
  const bound: resource.ResourceClaim[] = []
  for (const { claim, allocation } of claims) {
    if (allocation === undefined && isReservedFor(pod.pod, claim)) {
      bound.push(claim)
      continue
    }
    bound.push(await bindClaim(scope, client, pod.pod, claim, allocation))
    wrote(claim.metadata?.uid ?? '')
  }
  if (extended !== undefined) {
    const { namespace, name } = pod
    const made = await client.resource(refs.resourceclaims).create(scope, extended.claim)
    bound.push(await bindClaim(scope, client, pod.pod, made, extended.allocation))
    wrote(pod.uid)
    const status = {
      extendedResourceClaimStatus: { resourceClaimName: made.metadata?.name ?? '', requestMappings: extended.mappings },
    }
    await client.resource(refs.pods).patch(scope, { namespace, name }, { type: 'strategic', body: { status } }, { subresource: 'status' })
  }
  return bound
}

async function bindClaim(
  scope: Scope,
  client: Client,
  pod: Reservation['pod']['pod'],
  known: resource.ResourceClaim,
  allocation: resource.AllocationResult | undefined,
): Promise<resource.ResourceClaim> {
  const api = client.resource(refs.resourceclaims)
  const at = { namespace: known.metadata?.namespace, name: known.metadata?.name ?? '' }
  let claim = known
  for (let conflicts = 0; ; conflicts++) {
    try {
      const words = `claim ${at.namespace ?? ''}/${at.name}`
      if (claim.metadata?.uid !== known.metadata?.uid || claim.metadata?.deletionTimestamp !== undefined)
        throw new ClaimNotBound(`${words} got deleted in the meantime`)
      if (allocation !== undefined && claim.status?.allocation !== undefined)
        throw new ClaimNotBound(`${words} got allocated elsewhere in the meantime`)
      if (allocation === undefined && claim.status?.allocation === undefined)
        throw new ClaimNotBound(`${words} got deallocated elsewhere in the meantime`)
      if (allocation !== undefined && claim.metadata?.finalizers?.includes(CLAIM_FINALIZER) !== true) {
        const finalizers = [...(claim.metadata?.finalizers ?? []), CLAIM_FINALIZER]
        claim = await api.update(scope, { ...claim, metadata: { ...claim.metadata, finalizers } })
      }
      const given = allocation ?? claim.status?.allocation ?? {}
      const status = {
        ...claim.status,
        allocation: { ...given, allocationTimestamp: given.allocationTimestamp ?? rfc3339(scope.clock.now()) },
        reservedFor: [...(claim.status?.reservedFor ?? []), consumerOf(pod)],
      }
      return await api.update(scope, { ...claim, status }, { subresource: 'status' })
    } catch (error) {
      if (isNotFound(error)) throw new ClaimNotBound(`claim ${at.namespace ?? ''}/${at.name} got deleted in the meantime`)
      if (!isConflict(error) || conflicts >= MOST_CONFLICTS) throw error
      claim = await api.get(scope, at)
    }
  }
}

/** Whether devices of these claims have to be attached to the node before the pod can be bound. */
export const mustWait = (claims: readonly resource.ResourceClaim[], nowMs: number): boolean =>
  claims.some((claim) => readiness(claim, nowMs, 0) !== 'ready')

/** Resolves once all devices are ready. Throws `ClaimNotBound`, at the latest when they have been given for `timeoutMs`. */
export async function whenReady(
  scope: Scope,
  claims: readonly resource.ResourceClaim[],
  latest: (claim: resource.ResourceClaim) => resource.ResourceClaim | undefined,
  timeoutMs: number,
): Promise<void> {
  for (;;) {
    const states = claims.map((claim) => {
      const now = latest(claim)
      if (now === undefined) throw new ClaimNotBound(`claim ${claim.metadata?.name ?? ''} got deleted in the meantime`)
      return readiness(now.status?.allocation === undefined ? claim : now, scope.clock.now(), timeoutMs)
    })
    if (states.includes('failed')) throw new ClaimNotBound('device binding failed: a binding failure condition is true')
    if (states.includes('late')) throw new ClaimNotBound('device binding timeout')
    if (!states.includes('waiting')) return
    await scope.sleep(LOOK_AGAIN_MS)
  }
}

/** Takes the pod out of claims that it was written into, when it is not bound after all. */
export async function unreserve(scope: Scope, client: Client, claims: readonly resource.ResourceClaim[], podUid: string): Promise<void> {
  const api = client.resource(refs.resourceclaims)
  for (const { metadata } of claims) {
    const body = { metadata: { uid: metadata?.uid }, status: { reservedFor: [{ $patch: 'delete', uid: podUid }] } }
    const at = { namespace: metadata?.namespace, name: metadata?.name ?? '' }
    await api.patch(scope, at, { type: 'strategic', body }, { subresource: 'status' })
  }
}

/** Gives the devices of a claim back that only this pod was to use. */
export async function giveBack(scope: Scope, client: Client, claim: resource.ResourceClaim): Promise<void> {
  const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status ?? {}
  await client.resource(refs.resourceclaims).update(scope, { ...claim, status }, { subresource: 'status' })
}
