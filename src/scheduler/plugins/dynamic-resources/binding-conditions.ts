import type { resource } from '#api'

/** Whether the devices of a claim may be bound to: some must be attached to the node first, which their driver tells in the claim. */
export function readiness(claim: resource.ResourceClaim, nowMs: number, timeoutMs: number): 'ready' | 'waiting' | 'failed' | 'late' {
  const { allocation, devices = [] } = claim.status ?? {}
  let isWaiting = false
  for (const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [], shareID } of allocation?.devices?.results ??
    []) {
    if (bindingConditions.length === 0) continue
    const status = devices.find((one) => one.driver === driver && one.pool === pool && one.device === device && one.shareID === shareID)
    const isTrue = (type: string): boolean => (status?.conditions ?? []).some((one) => one.type === type && one.status === 'True')
    if (bindingFailureConditions.some(isTrue)) return 'failed'
    if (!bindingConditions.every(isTrue)) isWaiting = true
  }
  if (!isWaiting) return 'ready'
  const since = allocation?.allocationTimestamp === undefined ? nowMs : Date.parse(allocation.allocationTimestamp)
  return nowMs - since > timeoutMs ? 'late' : 'waiting'
}
