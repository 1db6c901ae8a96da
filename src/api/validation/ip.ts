import type { TextErrors } from './names.ts'

export interface Ip {
  readonly family: 4 | 6
  readonly value: bigint
  /** RFC 5952. */
  readonly text: string
}
/** Families as Services name them. */
export const IP_FAMILIES = ['IPv4', 'IPv6'] as const
export type IpFamily = (typeof IP_FAMILIES)[number]

/** Of an address, or a network, that is one. */
export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4')

/** Each family once, in the order of the networks; of none that are known, the one that every cluster has. */
export function familiesOf(networks: readonly string[]): readonly IpFamily[] {
  const found = [...new Set(networks.map(familyOf))]
  return found.length === 0 ? ['IPv4'] : found
}

export interface Cidr {
  readonly ip: Ip
  readonly prefix: number
  /** What the prefix is a part of: 32 or 128. A range of IPv4-mapped IPv6 addresses is one of IPv4 addresses, counted in IPv6's bits. */
  readonly bits: number
  /** The network's address, with the host's bits cleared. */
  readonly network: Ip
}

const BITS = { 4: 32, 6: 128 } as const
const MAPPED_BITS = 96
const MAPPED = 0xffffn << 32n

/** Undefined when it is no address. Leading zeros are read as decimal; an IPv4-mapped IPv6 address is an IPv4 one. No zones. */
export function parseIp(text: string): Ip | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Ip | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part) || Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(Number(part))
  }
  return ipOf(4, value)
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 1 ? [] : groupsOf(halves[1] ?? '', true)
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail]
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
  return value >> 32n === MAPPED >> 32n ? ipOf(4, value & 0xffffffffn) : ipOf(6, value)
}

/** The 16-bit groups of a part of an address; the last may be written as IPv4. */
function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (mayEndInIpv4 && at === parts.length - 1 && part.includes('.')) {
      const ipv4 = parseIpv4(part)
      if (ipv4 === undefined) return undefined
      groups.push(Number(ipv4.value >> 16n), Number(ipv4.value & 0xffffn))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const PLAIN_IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** The one form of an address; undefined for what is none. */
export const plainAddress = (text: string): string | undefined => (PLAIN_IPV4.test(text) ? text : parseIp(text)?.text)

/** The address of a value; the value has no more than 32 or 128 bits. */
export function ipOf(family: 4 | 6, value: bigint): Ip {
  return { family, value, text: family === 4 ? ipv4Text(value) : ipv6Text(value) }
}

function ipv4Text(value: bigint): string {
  const bits = Number(value)
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.')
}

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === 0) end++
    if (end - at > best.length) best = { at, length: end - at }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.at === -1) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const ip = slash === -1 ? undefined : parseIp(text.slice(0, slash))
  const length = text.slice(slash + 1)
  if (ip === undefined || !/^[0-9]{1,3}$/.test(length)) return undefined
  const isMapped = ip.family === 4 && text.includes(':')
  const bits = isMapped ? BITS[6] : BITS[ip.family]
  const prefix = Number(length)
  if (prefix > bits) return undefined
  const host = BigInt(bits - prefix)
  // Too large for IPv4 addresses alone.
  const isWider = isMapped && prefix < MAPPED_BITS
  const value = isWider ? MAPPED | ip.value : ip.value
  return { ip, prefix, bits, network: ipOf(isWider ? 6 : ip.family, (value >> host) << host) }
}

export function cidrText({ network, prefix }: Cidr): string {
  return `${network.text}/${prefix}`
}

/** A range of a family, in the one form that a kernel takes: not one of IPv4 addresses in the words of IPv6. */
export function plainCidr(text: string, family: IpFamily): Cidr | undefined {
  const cidr = parseCidr(text)
  return cidr !== undefined && cidr.bits === BITS[cidr.network.family] && familyOf(cidr.network.text) === family ? cidr : undefined
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  const host = BigInt(cidr.bits - cidr.prefix)
  return ip.family === cidr.network.family && ip.value >> host === cidr.network.value >> host
}

export function ipErrors(value: string): TextErrors {
  return parseIp(value) === undefined ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : []
}

/** Also wants the one form that RFC 5952 gives it. */
export function canonicalIpErrors(value: string): TextErrors {
  const ip = parseIp(value)
  if (ip === undefined) return ipErrors(value)
  return ip.text === value ? [] : [`must be in canonical form (${JSON.stringify(ip.text)})`]
}

/** For fields that once took every notation: what they take today. */
export function newIpErrors(value: string): TextErrors {
  const ip = parseIp(value)
  if (ip === undefined) return ipErrors(value)
  if (ip.family === 4 && value.includes(':')) return ['must not be an IPv4-mapped IPv6 address']
  return /(?:^|\.)0\d/.test(value) ? ['must not have leading 0s'] : []
}

/** For fields that never took another notation than the one. */
export function strictIpErrors(value: string): TextErrors {
  const messages = newIpErrors(value)
  return messages.length > 0 ? messages : canonicalIpErrors(value)
}

export function cidrErrors(value: string): TextErrors {
  return parseCidr(value) === undefined ? ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'] : []
}

/** For fields that once took every notation: what they take today. */
export function newCidrErrors(value: string): TextErrors {
  if (value.includes(':') && parseIp(value.slice(0, value.indexOf('/')))?.family === 4) return ['must not have an IPv4-mapped IPv6 address']
  const cidr = parseCidr(value)
  if (cidr === undefined) return cidrErrors(value)
  if (/(?:^|\.)0\d/.test(value) || /\/0\d/.test(value)) return ['must not have leading 0s in IP or prefix length']
  return cidr.ip.value === cidr.network.value ? [] : ['must not have bits set beyond the prefix length']
}

/** For fields that never took another notation than the one. */
export function strictCidrErrors(value: string): TextErrors {
  const messages = newCidrErrors(value)
  const cidr = parseCidr(value)
  if (messages.length > 0 || cidr === undefined || cidrText(cidr) === value) return messages
  return [`must be in canonical form (${JSON.stringify(cidrText(cidr))})`]
}
