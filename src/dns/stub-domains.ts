import { isIPv4 } from 'node:net'
import type { Upstream } from './ask.ts'

/** Which servers are asked for names outside the cluster. */
export interface Elsewhere {
  /** By domain, in lower case without a dot at its end: names in it are asked of these alone. */
  readonly stubs: ReadonlyMap<string, readonly Upstream[]>
  /** For all other names; undefined: those of the machine. */
  readonly upstreams: readonly Upstream[] | undefined
  /** What of it cannot be used, in words. */
  readonly problems: readonly string[]
}

export const NOTHING_SAID: Elsewhere = { stubs: new Map(), upstreams: undefined, problems: [] }
const DNS_PORT = 53
const MOST_SERVERS = 3

/**
 * Pure: the data of the ConfigMap `kube-dns` (`stubDomains`: an object of lists, `upstreamNameservers`: a list; both in JSON). What is wrong is left out and named; what
 * is right counts nevertheless. The cluster's own domain cannot be given away.
 */
export function readElsewhere(data: Readonly<Record<string, string>>, clusterDomain: string): Elsewhere {
  const problems: string[] = []
  const json = (key: string): unknown => {
    const text = data[key]
    if (text === undefined || text.trim() === '') return undefined
    try {
      return JSON.parse(text) as unknown
    } catch {
      problems.push(`${key}: not JSON`)
      return undefined
    }
  }
  const serversIn = (value: unknown, where: string): readonly Upstream[] => {
    const texts = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
    if (texts.length === 0 || !Array.isArray(value) || texts.length !== value.length) problems.push(`${where}: not a list of addresses`)
    if (texts.length > MOST_SERVERS) problems.push(`${where}: only the first ${MOST_SERVERS} are asked`)
    return texts.slice(0, MOST_SERVERS).flatMap((text) => {
      const [address = '', port = String(DNS_PORT), ...more] = text.split(':')
      const isPort = /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536
      if (isIPv4(address) && isPort && more.length === 0) return [{ address, port: Number(port) }]
      problems.push(`${where}: ${text}: not an IPv4 address, with or without a port`)
      return []
    })
  }
  const stubs = new Map<string, readonly Upstream[]>()
  const written = json('stubDomains')
  if (written !== undefined && (typeof written !== 'object' || written === null || Array.isArray(written)))
    problems.push('stubDomains: not an object of lists')
  else
    for (const [name, value] of Object.entries(written ?? {})) {
      const domain = name.toLowerCase().replace(/\.$/, '')
      if (!/^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/.test(domain) || domain.length > 253)
        problems.push(`stubDomains: ${name}: not a domain`)
      else if (domain === clusterDomain || domain.endsWith(`.${clusterDomain}`)) problems.push(`stubDomains: ${name}: the cluster's own`)
      else {
        const servers = serversIn(value, `stubDomains: ${name}`)
        if (servers.length > 0) stubs.set(domain, servers)
      }
    }
  const others = json('upstreamNameservers')
  const upstreams = others === undefined ? [] : serversIn(others, 'upstreamNameservers')
  return { stubs, upstreams: upstreams.length === 0 ? undefined : upstreams, problems }
}

/** The longest domain that the name lies in. */
export function stubFor(name: string, stubs: ReadonlyMap<string, unknown>): string | undefined {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.')
  for (let i = 0; i < labels.length; i++) {
    const domain = labels.slice(i).join('.')
    if (stubs.has(domain)) return domain
  }
  return undefined
}
