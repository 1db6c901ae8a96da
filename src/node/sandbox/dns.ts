import type { core } from '#api'
import { namespaceOf } from '../pods/pod-facts.ts'

export interface DnsSettings {
  readonly servers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

const MOST_SERVERS = 3
const MOST_SEARCHES = 32
const LONGEST_SEARCHES = 2048

/** What a resolver configuration says (resolv.conf(5)). */
export function parseResolvConf(text: string): DnsSettings {
  const servers: string[] = []
  let searches: string[] = []
  let options: string[] = []
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (word === 'nameserver' && rest[0] !== undefined) servers.push(rest[0])
    if (word === 'search') searches = rest.map((domain) => (domain === '.' ? domain : domain.replace(/\.$/, '')))
    if (word === 'options') options = rest
  }
  return { servers, searches, options }
}

/** A pod's resolver configuration by its policy, the cluster's and the node's. */
export function dnsOf(
  pod: core.Pod,
  cluster: { readonly servers: readonly string[]; readonly domain: string },
  node: DnsSettings,
): DnsSettings {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst'
  const wantsCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true)
  // Without a cluster resolver there is nothing to be first.
  const base =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : wantsCluster && cluster.servers.length > 0
        ? clusterDns(pod, cluster, node)
        : node
  const extra = pod.spec?.dnsConfig
  if (extra === undefined) return limited(base)
  const named = (extra.options ?? []).map(({ name = '', value }) => (value === undefined || value === '' ? name : `${name}:${value}`))
  const nameOf = (option: string): string => option.split(':')[0] ?? ''
  return limited({
    servers: unique([...base.servers, ...(extra.nameservers ?? [])]),
    searches: unique([...base.searches, ...(extra.searches ?? [])]),
    options: [...base.options.filter((option) => !named.some((other) => nameOf(other) === nameOf(option))), ...named],
  })
}

function clusterDns(
  pod: core.Pod,
  { servers, domain }: { readonly servers: readonly string[]; readonly domain: string },
  node: DnsSettings,
): DnsSettings {
  const searches = domain === '' ? [] : [`${namespaceOf(pod)}.svc.${domain}`, `svc.${domain}`, domain]
  return { servers, searches: unique([...searches, ...node.searches]), options: ['ndots:5'] }
}

function limited({ servers, searches, options }: DnsSettings): DnsSettings {
  const kept: string[] = []
  for (const search of searches.slice(0, MOST_SEARCHES)) if ([...kept, search].join(' ').length <= LONGEST_SEARCHES) kept.push(search)
  return { servers: servers.slice(0, MOST_SERVERS), searches: kept, options }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)]
