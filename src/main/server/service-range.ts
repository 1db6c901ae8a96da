import { UserError } from '#base'
import { type Cidr, cidrText, ipOf, parseCidr } from '#api'

/** The addresses of one family that Services get. */
export interface ServiceRange {
  readonly cidr: string
  /** The API's own Service. */
  readonly first: string
}

/** As many as the network of one address family may have, in bits: it is kube-apiserver's limit, too. */
const MOST_BITS = 20
const FEWEST_BITS = 2

/** One range, or one of each family, separated by a comma: the first one is that of Services that say nothing. Throws `UserError`. */
export function serviceRanges(text: string): readonly ServiceRange[] {
  const ranges = text.split(',').map((cidr) => {
    const parsed = parseCidr(cidr)
    if (parsed === undefined || !isUsual(parsed))
      throw new UserError(
        `not a range of addresses for Services: ${cidr}`,
        'use for example 10.96.0.0/16 (a prefix from 12 to 30) or fd00:10:96::/112 (from 108 to 126)',
      )
    return parsed
  })
  if (ranges.length > 2 || new Set(ranges.map(({ network }) => network.family)).size < ranges.length)
    throw new UserError(`not one range of each address family: ${text}`, 'use for example 10.96.0.0/16,fd00:10:96::/112')
  return ranges.map((range) => ({ cidr: cidrText(range), first: addressAt(range, 1) }))
}

function isUsual({ network, prefix }: Cidr): boolean {
  const bits = (network.family === 4 ? 32 : 128) - prefix
  return bits >= FEWEST_BITS && bits <= MOST_BITS
}

export const addressAt = ({ network: { family, value } }: Cidr, offset: number): string => ipOf(family, value + BigInt(offset)).text
