import type { resource } from '#api'

/** A request names so many alternatives at most. */
const MOST_ALTERNATIVES = 8

export const hasAlternatives = ({ spec }: resource.ResourceClaim): boolean =>
  (spec.devices?.requests ?? []).some(({ firstAvailable = [] }) => firstAvailable.length > 0)

/** How good the alternatives are that a claim got: 8 for each first one, 7 for each second. */
export function worthOf({ spec }: resource.ResourceClaim, allocation: resource.AllocationResult | undefined): number {
  const given = new Set((allocation?.devices?.results ?? []).map(({ request }) => request))
  let worth = 0
  for (const { name, firstAvailable = [] } of spec.devices?.requests ?? [])
    for (const [at, alternative] of firstAvailable.entries()) if (given.has(`${name}/${alternative.name}`)) worth += MOST_ALTERNATIVES - at
  return worth
}
