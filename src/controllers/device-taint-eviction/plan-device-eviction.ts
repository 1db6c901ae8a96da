import { type core, claimNameOf, isClaimOfPod, isReservedFor, type resource, toleratesDeviceTaint } from '#api'

const EXECUTE = 'NoExecute'

/** The taints of a device, as its driver tells them now. */
export type TaintsOf = (driver: string, pool: string, device: string) => readonly resource.DeviceTaint[]

/** By the name of a device: those that make pods go. What a pool has told before its newest generation no longer holds. */
export function evictingTaints(slices: readonly resource.ResourceSlice[]): ReadonlyMap<string, readonly resource.DeviceTaint[]> {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation))
  const found = new Map<string, readonly resource.DeviceTaint[]>()
  for (const { spec } of slices) {
    if (spec.pool.generation !== newest) continue
    for (const { name, taints = [] } of spec.devices ?? []) {
      const evicting = taints.filter(({ effect }) => effect === EXECUTE)
      if (evicting.length > 0) found.set(name, evicting)
    }
  }
  return found
}

/** When the pods that use a claim have to go: the earliest of all taints of its devices, each with the shortest time for which it is put up with. Undefined: they may stay. */
export function claimDueMs(claim: resource.ResourceClaim, taintsOf: TaintsOf): number | undefined {
  let dueMs: number | undefined
  for (const { driver, pool, device, tolerations = [] } of claim.status?.allocation?.devices?.results ?? []) {
    for (const taint of taintsOf(driver, pool, device)) {
      if (taint.timeAdded === undefined) continue
      const used = tolerations.filter((one) => one.effect === EXECUTE && toleratesDeviceTaint(one, taint))
      if (used.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) continue
      const seconds = used.length === 0 ? 0 : Math.min(...used.map(({ tolerationSeconds = 0 }) => Math.max(tolerationSeconds, 0)))
      const atMs = Date.parse(taint.timeAdded) + seconds * 1000
      if (dueMs === undefined || atMs < dueMs) dueMs = atMs
    }
  }
  return dueMs
}

/** When a pod has to go, by the claims that it uses and that are its. */
export function podDueMs(
  pod: core.Pod,
  claimOf: (name: string) => resource.ResourceClaim | undefined,
  taintsOf: TaintsOf,
): number | undefined {
  if (!pod.spec?.nodeName) return undefined
  let dueMs: number | undefined
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const known = claimNameOf(pod, podClaim)
    const claim = known === undefined || known === 'unneeded' ? undefined : claimOf(known.name)
    if (claim === undefined || known === undefined || known === 'unneeded') continue
    if ((known.isGenerated && !isClaimOfPod(pod, claim)) || !isReservedFor(pod, claim)) continue
    const atMs = claimDueMs(claim, taintsOf)
    if (atMs !== undefined && (dueMs === undefined || atMs < dueMs)) dueMs = atMs
  }
  return dueMs
}
