import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, dict, isDict, scalarText } from '../value.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/** Ports in their long form; ranges become one entry for each container port. */
export function longPorts(value: Value, where: string): Value {
  if (!Array.isArray(value)) return value
  return value.flatMap((item): Value[] => {
    if (isDict(item)) return [item]
    if (typeof item === 'string') return parsePorts(item)
    if (typeof item === 'number' && Number.isInteger(item)) return parsePorts(scalarText(item))
    throw new ComposeRefused(`${where}: invalid type ${typeof item === 'number' ? 'float64' : typeof item} for port`)
  })
}

interface Range {
  readonly first: number
  readonly last: number
}

/** `[[ADDRESS:]HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`. Throws `ComposeRefused`. */
export function parsePorts(spec: string): Dict[] {
  const [all = '', protocol = 'tcp', ...more] = spec.split('/')
  const { address, host, container } = split(all)
  if (container === '') throw new ComposeRefused(`no port specified: ${spec}`)
  const proto = protocol.toLowerCase()
  if (more.length > 0 || !PROTOCOLS.includes(proto)) throw new ComposeRefused(`invalid proto: ${protocol}`)
  if (address !== '' && !isAddress(address)) throw new ComposeRefused(`invalid IP address: ${address}`)
  const targets = rangeOf(container)
  if (targets === undefined) throw new ComposeRefused(`invalid containerPort: ${container}`)
  const published = host === '' ? undefined : rangeOf(host)
  if (host !== '' && published === undefined) throw new ComposeRefused(`invalid hostPort: ${host}`)
  const count = targets.last - targets.first
  const spread = published !== undefined && count === 0 && published.last > published.first
  if (published !== undefined && !spread && published.last - published.first !== count)
    throw new ComposeRefused(`invalid ranges specified for container and host Ports: ${container} and ${host}`)
  return Array.from({ length: count + 1 }, (_, at) =>
    dict([
      ['mode', 'ingress'],
      ...(address === '' ? [] : [['host_ip', address] as const]),
      ['target', targets.first + at],
      ...(published === undefined ? [] : [['published', spread ? host : String(published.first + at)] as const]),
      ['protocol', proto],
    ]),
  )
}

function split(text: string): { address: string; host: string; container: string } {
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(text)
  if (bracketed !== null) {
    const [, address = '', rest = ''] = bracketed
    const { host, container } = split(rest)
    return { address, host, container }
  }
  const parts = text.split(':')
  const container = parts.pop() ?? ''
  const host = parts.pop() ?? ''
  return { address: parts.join(':'), host, container }
}

function rangeOf(text: string): Range | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  if (match === null) return undefined
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return first > 65_535 || last > 65_535 || last < first ? undefined : { first, last }
}

export function isAddress(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text))
    return text.split('.').every((part) => Number(part) <= 255 && (part === '0' || !part.startsWith('0')))
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return false
  return URL.canParse(`http://[${text}]/`)
}
