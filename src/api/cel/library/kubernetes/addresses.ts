import { type Ip, ipOf, parseIp } from '../../../validation/ip.ts'
import { CelError } from '../../values/error.ts'
import { Opaque, type Outcome } from '../../values/value.ts'
import type { Library } from '../../types/functions.ts'
import { goQuote } from '../../../meta/go-format.ts'

const IP = 'net.IP'
const CIDR = 'net.CIDR'
const BITS = { 4: 32, 6: 128 } as const

class IpValue extends Opaque {
  readonly typeName = IP
  readonly ip: Ip
  constructor(ip: Ip) {
    super()
    this.ip = ip
  }
  /** Costs are counted by bytes. */
  get size(): number {
    return BITS[this.ip.family] / 8
  }
  equals(other: Opaque): boolean {
    return other instanceof IpValue && other.ip.family === this.ip.family && other.ip.value === this.ip.value
  }
}

class CidrValue extends Opaque {
  readonly typeName = CIDR
  readonly ip: Ip
  readonly prefix: number
  constructor(ip: Ip, prefix: number) {
    super()
    this.ip = ip
    this.prefix = prefix
  }
  get size(): number {
    return Math.ceil(this.prefix / 8)
  }
  get text(): string {
    return `${this.ip.text}/${this.prefix}`
  }
  equals(other: Opaque): boolean {
    return other instanceof CidrValue && other.text === this.text
  }
  contains(ip: Ip): boolean {
    const host = BigInt(BITS[this.ip.family] - this.prefix)
    return ip.family === this.ip.family && ip.value >> host === this.ip.value >> host
  }
}

/** Go's netip: no leading zeros, no zones here, no IPv4 in IPv6. */
function strictIp(text: string): Ip | string {
  const why = (problem: string): string =>
    `IP Address ${goQuote(text)} parse error during conversion from string: ParseAddr(${goQuote(text)}): ${problem}`
  const [address = '', zone] = text.split('%')
  const isV6 = address.includes(':')
  const ip = parseIp(address)
  if (zone !== undefined && isV6 && ip !== undefined)
    return zone === '' ? why('zone must be a non-empty string') : `IP address ${goQuote(text)} with zone value is not allowed`
  if (!isV6 && ip === undefined) return why(ipv4Problem(address))
  if (ip === undefined || zone !== undefined) return why(isV6 ? ipv6Problem(address) : 'unexpected character')
  if (ip.family === 4 && isV6) return `IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`
  if (/(?:^|[.:])0\d/.test(isV6 ? address.slice(address.lastIndexOf(':')) : address) && address.includes('.'))
    return why('IPv4 field has octet with leading zero')
  return ip
}

function ipv4Problem(text: string): string {
  const at = text.search(/[^0-9.]/)
  if (!text.includes('.') || (at !== -1 && !text.slice(0, at).includes('.'))) return 'unable to parse IP'
  if (at !== -1) return `unexpected character (at ${goQuote(text.slice(at))})`
  const parts = text.split('.')
  if (parts.some((part) => part === ''))
    return `IPv4 field must have at least one digit (at ${goQuote(text.slice(text.search(/\.\.|\.$/)))})`
  if (parts.some((part) => /^0\d/.test(part))) return 'IPv4 field has octet with leading zero'
  if (parts.some((part) => Number(part) > 255)) return 'IPv4 field has value >255'
  return parts.length > 4 ? 'IPv4 address too long' : 'IPv4 address too short'
}
function ipv6Problem(text: string): string {
  const at = text.search(/[^0-9a-fA-F:.]/)
  if (at !== -1) return `unexpected character, want colon (at ${goQuote(text.slice(at))})`
  return text.split(':').length > 8
    ? `trailing garbage after address (at ${goQuote(text.slice(text.lastIndexOf(':')))})`
    : 'address string too short'
}

function toIp(text: string): Outcome {
  const ip = strictIp(text)
  return typeof ip === 'string' ? new CelError(ip) : new IpValue(ip)
}

const CIDR_PROBLEM = 'network address parse error during conversion from string: '

function toCidr(text: string): Outcome {
  const slash = text.lastIndexOf('/')
  const quoted = goQuote(text)
  const why = (problem: string): CelError => new CelError(`${CIDR_PROBLEM}${CIDR_PROBLEM}netip.ParsePrefix(${quoted}): ${problem}`)
  if (slash === -1) return why("no '/'")
  const address = text.slice(0, slash)
  const ip = parseIp(address)
  const problem = strictIp(address)
  if (ip === undefined || (typeof problem === 'string' && !problem.startsWith('IPv4-mapped'))) {
    const [, detail = ''] = String(problem).split(/: (ParseAddr.*)$/)
    return why(detail === '' ? String(problem) : detail)
  }
  const length = text.slice(slash + 1)
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length)) return why(`bad bits after slash: ${goQuote(length)}`)
  if (address.includes(':') && ip.family === 4) return new CelError(`${CIDR_PROBLEM}IPv4-mapped IPv6 address ${quoted} is not allowed`)
  if (Number(length) > BITS[ip.family]) return why('prefix length out of range')
  return new CidrValue(ip, Number(length))
}

function inNetwork(ip: Ip, network: string): boolean {
  const cidr = toCidr(network)
  return cidr instanceof CidrValue && cidr.contains(ip)
}
const inAny =
  (...networks: string[]) =>
  ({ ip }: IpValue): boolean =>
    networks.some((network) => inNetwork(ip, network))

const isLoopback = inAny('127.0.0.0/8', '::1/128')
const isUnspecified = inAny('0.0.0.0/32', '::/128')
const isLinkLocalUnicast = inAny('169.254.0.0/16', 'fe80::/10')
const isLinkLocalMulticast = inAny('224.0.0.0/24', 'ff02::/16')
const isMulticast = inAny('224.0.0.0/4', 'ff00::/8')
const isBroadcast = inAny('255.255.255.255/32')
const SPECIAL = [isLoopback, isUnspecified, isLinkLocalUnicast, isMulticast, isBroadcast]
const isGlobalUnicast = (ip: IpValue): boolean => !SPECIAL.some((test) => test(ip))

const masked = ({ ip, prefix }: CidrValue): Outcome => {
  const host = BigInt(BITS[ip.family] - prefix)
  return new CidrValue(ipOf(ip.family, (ip.value >> host) << host), prefix)
}

/** A text that is no address is, strangely, told as a form that is not there. */
const NO_OVERLOAD_FOR_TEXT = new CelError('no such overload')
function containsText(cidr: CidrValue, text: string): Outcome {
  const ip = toIp(text)
  return ip instanceof IpValue ? cidr.contains(ip.ip) : NO_OVERLOAD_FOR_TEXT
}
const containsCidr = (outer: CidrValue, inner: CidrValue): boolean =>
  outer.prefix <= inner.prefix && (outer.contains(inner.ip) || inner.contains(outer.ip))
function containsCidrText(outer: CidrValue, text: string): Outcome {
  const inner = toCidr(text)
  return inner instanceof CidrValue ? containsCidr(outer, inner) : inner
}

export const addresses: Library = [
  ['ip', 'string_to_ip', `(string) -> ${IP}`, toIp],
  ['family', 'ip_family', `${IP}.() -> int`, ({ ip }: IpValue) => ip.family],
  [
    'ip.isCanonical',
    'ip_is_canonical',
    '(string) -> bool',
    (text: string) => {
      const ip = toIp(text)
      return ip instanceof IpValue ? ip.ip.text === text : ip
    },
  ],
  ['isUnspecified', 'ip_is_unspecified', `${IP}.() -> bool`, isUnspecified],
  ['isLoopback', 'ip_is_loopback', `${IP}.() -> bool`, isLoopback],
  ['isLinkLocalMulticast', 'ip_is_link_local_multicast', `${IP}.() -> bool`, isLinkLocalMulticast],
  ['isLinkLocalUnicast', 'ip_is_link_local_unicast', `${IP}.() -> bool`, isLinkLocalUnicast],
  ['isGlobalUnicast', 'ip_is_global_unicast', `${IP}.() -> bool`, isGlobalUnicast],
  ['isIP', 'is_ip', '(string) -> bool', (text: string) => toIp(text) instanceof IpValue],
  ['string', 'ip_to_string', `(${IP}) -> string`, ({ ip }: IpValue) => ip.text],
  ['cidr', 'string_to_cidr', `(string) -> ${CIDR}`, toCidr],
  ['containsIP', 'cidr_contains_ip_string', `${CIDR}.(string) -> bool`, containsText],
  ['containsIP', 'cidr_contains_ip_ip', `${CIDR}.(${IP}) -> bool`, (cidr: CidrValue, { ip }: IpValue) => cidr.contains(ip)],
  ['containsCIDR', 'cidr_contains_cidr_string', `${CIDR}.(string) -> bool`, containsCidrText],
  ['containsCIDR', 'cidr_contains_cidr', `${CIDR}.(${CIDR}) -> bool`, containsCidr],
  ['ip', 'cidr_ip', `${CIDR}.() -> ${IP}`, ({ ip }: CidrValue) => new IpValue(ip)],
  ['prefixLength', 'cidr_prefix_length', `${CIDR}.() -> int`, ({ prefix }: CidrValue) => prefix],
  ['masked', 'cidr_masked', `${CIDR}.() -> ${CIDR}`, masked],
  ['isCIDR', 'is_cidr', '(string) -> bool', (text: string) => toCidr(text) instanceof CidrValue],
  ['string', 'cidr_to_string', `(${CIDR}) -> string`, ({ text }: CidrValue) => text],
]
