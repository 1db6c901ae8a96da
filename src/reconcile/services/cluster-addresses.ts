import { isIPv4 } from 'node:net'
import { type core, parseIp } from '#api'

/** The one form of an address; undefined for what is none. */
export const plainAddress = (text: string): string | undefined => (isIPv4(text) ? text : parseIp(text)?.text)

/** One of each family that the Service has, in their one form; none of a headless Service. */
export function clusterAddresses({ spec }: core.Service): readonly string[] {
  const first = plainAddress(spec?.clusterIP ?? '')
  return first === undefined ? [] : [first, ...(spec?.clusterIPs ?? []).slice(1).flatMap((address) => plainAddress(address) ?? [])]
}
