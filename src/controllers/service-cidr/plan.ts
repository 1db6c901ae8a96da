import { type Cidr, cidrContains, type networking, parseCidr, parseIp } from '#api'

type ServiceCIDR = networking.ServiceCIDR

const cidrsOf = ({ spec }: ServiceCIDR): readonly Cidr[] =>
  (spec?.cidrs ?? []).map(parseCidr).filter((cidr): cidr is Cidr => cidr !== undefined)

/** Whether the ranges of `other` hold all of `cidr`. */
function holds(other: ServiceCIDR, cidr: Cidr): boolean {
  return cidrsOf(other).some((one) => one.prefix <= cidr.prefix && cidrContains(one, cidr.network))
}

/**
 * Whether a range may go: when others hold all of it, or when no address that Services have is in this range alone. `all` may contain the
 * range itself.
 */
export function mayGo(range: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly networking.IPAddress[]): boolean {
  const others = all.filter(({ metadata }) => metadata?.name !== range.metadata?.name)
  const own = cidrsOf(range)
  if (own.every((cidr) => others.some((other) => holds(other, cidr)))) return true
  return !addresses.some(({ metadata }) => {
    const ip = parseIp(metadata?.name ?? '')
    if (ip === undefined || !own.some((cidr) => cidrContains(cidr, ip))) return false
    return !others.some((other) => cidrsOf(other).some((cidr) => cidrContains(cidr, ip)))
  })
}
