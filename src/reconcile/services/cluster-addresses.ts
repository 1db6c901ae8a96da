import { type core, plainAddress } from '#api'

/** One of each family that the Service has, in their one form; none of a headless Service. */
export function clusterAddresses({ spec }: core.Service): readonly string[] {
  const first = plainAddress(spec?.clusterIP ?? '')
  return first === undefined ? [] : [first, ...(spec?.clusterIPs ?? []).slice(1).flatMap((address) => plainAddress(address) ?? [])]
}
