import type { resource } from '#api'
import { deviceKey } from './device-view.ts'

/** What is given away already. */
export interface UsedDevices {
  readonly whole: ReadonlySet<string>
  /** By device: what its shares take. */
  readonly shares: ReadonlyMap<string, readonly Readonly<Record<string, string>>[]>
}

/** Administrators look at devices without taking them. */
export function usedDevices(allocations: Iterable<resource.AllocationResult | undefined>): UsedDevices {
  const whole = new Set<string>()
  const shares = new Map<string, Readonly<Record<string, string>>[]>()
  for (const allocation of allocations) {
    for (const result of allocation?.devices?.results ?? []) {
      if (result.adminAccess === true) continue
      const key = deviceKey(result)
      if (result.shareID === undefined) whole.add(key)
      else shares.set(key, [...(shares.get(key) ?? []), result.consumedCapacity ?? {}])
    }
  }
  return { whole, shares }
}
