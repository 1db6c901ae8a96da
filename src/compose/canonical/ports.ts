import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, dict, isDict, isWhole, scalarText } from '../value.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/** Ports in their long form; ranges become one entry for each container port. */
export function longPorts(value: Value, where: string): Value {
  if (!Array.isArray(value)) return value
  return value.flatMap((item): Value[] => {
    if (isDict(item)) return [item]
    if (typeof item === 'string') return parsePorts(item)
    if (isWhole(item)) return parsePorts(scalarText(item))
    throw new ComposeRefused(`${where}: invalid type ${typeof item === 'number' ? 'float64' : typeof item} for port`)
  })
}

/** `[[ADDRESS:]HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`, in the order of their texts. Throws `ComposeRefused`. */
export function parsePorts(spec: string): Dict[] {
  const refuse = (reason: string): never => {
    throw new ComposeRefused(reason)
  }
  const parts = spec.split(':')
  const [container = '', ...protocols] = (parts.pop() ?? '').split('/')
  const host = parts.pop() ?? ''
  const address = parts.join(':').replace(/^\[(.*)\]$/, '$1')
  const protocol = (protocols.join('/') || 'tcp').toLowerCase()
  if (container === '') refuse(`no port specified: ${spec}<empty>`)
  if (!PROTOCOLS.includes(protocol)) refuse(`invalid proto: ${protocol}`)
  if (address !== '' && !isAddress(address)) refuse(`invalid IP address: ${address}`)
  const targets = rangeOf(container) ?? refuse(`invalid containerPort: ${container}`)
  const published = host === '' ? undefined : (rangeOf(host) ?? refuse(`invalid hostPort: ${host}`))
  const count = targets.last - targets.first
  const spread = published !== undefined && count === 0 && published.last > published.first
  if (published !== undefined && !spread && published.last - published.first !== count)
    refuse(`invalid ranges specified for container and host Ports: ${container} and ${host}`)
  return Array.from({ length: count + 1 }, (_, at) =>
    dict([
      ['mode', 'ingress'],
      ...(address === '' ? [] : [['host_ip', address] as const]),
      ...(targets.first + at === 0 ? [] : [['target', targets.first + at] as const]),
      ...(published === undefined
        ? []
        : [['published', spread ? `${published.first}-${published.last}` : String(published.first + at)] as const]),
      ['protocol', protocol],
    ]),
  ).sort((a, b) => (String(a['target']) < String(b['target']) ? -1 : 1))
}

interface Range {
  readonly first: number
  readonly last: number
}

function rangeOf(text: string): Range | undefined {
  const [first = '', last = first] = text.split('-')
  const range = { first: Number(first), last: Number(last) }
  const fits = [first, last].every((port) => /^\d+$/.test(port) && Number(port) <= 65_535)
  return fits && range.last >= range.first ? range : undefined
}

export function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text))
    return text.split('.').every((part) => Number(part) <= 255 && (part === '0' || !part.startsWith('0')))
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return false
  return URL.canParse(`http://[${text}]/`)
}
