import type { Answer, Question } from 'dns-packet'
import { clusterAddresses } from '#reconcile'
import { type ServiceRecords, dashed, isHeadless, reverseAddress, undashed } from './records.ts'

/** Where the zone finds what it answers from: indexes over caches, no work but a look-up. */
export interface ClusterView {
  /** Whether the caches have what the cluster has: before that, that a name is not there says nothing. */
  synced(): boolean
  service(namespace: string, name: string): ServiceRecords | undefined
  hasNamespace(namespace: string): boolean
  /** The Service with this cluster address. */
  serviceByAddress(address: string): ServiceRecords | undefined
  /** A headless Service with this ready endpoint. */
  endpointByAddress(address: string): { readonly records: ServiceRecords; readonly label: string } | undefined
}

/**
 * `records`: here they are (none: the name exists, the type does not). `missing`: no such name. `alias`: look further under another name.
 * `foreign`: the name is not ours. `unknown`: it may be there, but the cluster has not been seen yet.
 */
export type ZoneAnswer =
  | { readonly kind: 'records'; readonly answers: readonly Answer[]; readonly additionals?: readonly Answer[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'alias'; readonly answer: Answer; readonly target: string }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unknown' }

export interface Zone {
  readonly domain: string
  answer(question: Question): ZoneAnswer
  /** The record that goes with negative answers. */
  soa(): Answer
}

export const TTL_SECONDS = 5
const SPECIFICATION = '1.1.0'
const NOTHING: ZoneAnswer = { kind: 'records', answers: [] }
const MISSING: ZoneAnswer = { kind: 'missing' }

export interface ZoneOptions {
  readonly domain: string
  readonly view: ClusterView
  /** Tells versions of the zone apart; it needs not be kept over restarts. */
  readonly serial: () => number
  /** Addresses of the server itself. */
  readonly servers: readonly string[]
}

/** The cluster's own names, pure over a view of it. */
export function createZone({ domain, view, serial, servers }: ZoneOptions): Zone {
  const suffix = domain.toLowerCase().split('.')

  function answer(question: Question): ZoneAnswer {
    const labels = question.name.toLowerCase().split('.')
    const ours = labels.length >= suffix.length && suffix.every((label, i) => labels[labels.length - suffix.length + i] === label)
    if (!view.synced()) return ours || labels.at(-1) === 'arpa' ? { kind: 'unknown' } : { kind: 'foreign' }
    if (question.type === 'PTR') {
      const address = reverseAddress(labels)
      const found = address === undefined ? undefined : reverse(question, address)
      if (found !== undefined) return found
    }
    if (!ours) return { kind: 'foreign' }
    const [kind, ...rest] = labels.slice(0, labels.length - suffix.length).reverse()
    switch (kind) {
      case undefined:
        return question.type === 'SOA' ? records([soa()]) : question.type === 'NS' ? records([nameServer()]) : NOTHING
      case 'svc':
        return serviceName(question, rest)
      case 'pod':
        return podName(question, rest)
      case 'dns':
        return rest.length === 0 ? NOTHING : rest.length === 1 && rest[0] === 'ns' ? addresses(question, servers) : MISSING
      case 'dns-version':
        if (rest.length > 0) return MISSING
        return question.type === 'TXT' ? records([{ name: question.name, type: 'TXT', ttl: TTL_SECONDS, data: SPECIFICATION }]) : NOTHING
      default:
        return MISSING
    }
  }

  /** `labels` from right to left, without the zone and `svc`. */
  function serviceName(question: Question, [namespace, name, ...more]: readonly string[]): ZoneAnswer {
    if (namespace === undefined) return NOTHING
    if (name === undefined) return view.hasNamespace(namespace) ? NOTHING : MISSING
    const found = view.service(namespace, name)
    if (found === undefined) return MISSING
    const { spec } = found.service
    if (spec?.type === 'ExternalName') {
      const target = (spec.externalName ?? '').replace(/\.$/, '')
      return more.length > 0 || target === ''
        ? MISSING
        : { kind: 'alias', answer: { name: question.name, type: 'CNAME', ttl: TTL_SECONDS, data: target }, target }
    }
    const [first, second, ...tooMany] = more
    if (tooMany.length > 0) return MISSING
    if (isHeadless(found.service) && found.endpoints.length === 0) return MISSING
    if (first === undefined)
      return question.type === 'SRV' ? ports(question, found, () => true, NOTHING) : addresses(question, addressesOf(found))
    if (second === undefined) {
      if (first.startsWith('_')) return MISSING
      const named = found.endpoints.filter((endpoint) => endpoint.label === first || dashed(endpoint.address) === first)
      return named.length === 0
        ? MISSING
        : addresses(
            question,
            named.map(({ address }) => address),
          )
    }
    const [protocol, port] = [first, second]
    if (!protocol.startsWith('_') || !port.startsWith('_')) return MISSING
    const fits = (candidate: { name: string; protocol: string }): boolean =>
      `_${candidate.name}` === port && `_${candidate.protocol}` === protocol
    return ports(question, found, fits, MISSING)
  }

  function ports(
    question: Question,
    found: ServiceRecords,
    fits: (port: { name: string; protocol: string }) => boolean,
    otherwise: ZoneAnswer,
  ): ZoneAnswer {
    const host = `${found.name}.${found.namespace}.svc.${domain}`
    const targets = isHeadless(found.service)
      ? found.endpoints.flatMap((endpoint) =>
          endpoint.ports.map((port) => ({ ...port, target: `${endpoint.label}.${host}`, addresses: [endpoint.address] })),
        )
      : (found.service.spec?.ports ?? []).map((port) => ({
          name: port.name ?? '',
          protocol: (port.protocol ?? 'TCP').toLowerCase(),
          port: port.port,
          target: host,
          addresses: clusterAddresses(found.service),
        }))
    // An endpoint with a name of its own and addresses of two families is one target.
    const hosts = new Map<string, Set<string>>()
    const named = new Map<string, { readonly port: number; readonly target: string }>()
    for (const { port, target, addresses } of targets.filter(fits)) {
      named.set(`${target} ${port}`, { port, target })
      hosts.set(target, new Set([...(hosts.get(target) ?? []), ...addresses]))
    }
    const fitting = [...named.values()]
    if (fitting.length === 0) return otherwise
    if (question.type !== 'SRV') return NOTHING
    const weight = Math.max(1, Math.floor(100 / fitting.length))
    return {
      kind: 'records',
      answers: fitting.map(({ port, target }) => ({
        name: question.name,
        type: 'SRV',
        ttl: TTL_SECONDS,
        data: { priority: 0, weight, port, target },
      })),
      additionals: [...hosts].flatMap(([target, found]) => [...found].map((address) => addressRecord(target, address))),
    }
  }

  function podName(question: Question, [namespace, label, ...more]: readonly string[]): ZoneAnswer {
    if (namespace === undefined) return NOTHING
    if (!view.hasNamespace(namespace)) return MISSING
    if (label === undefined) return NOTHING
    const address = more.length > 0 ? undefined : undashed(label)
    return address === undefined ? MISSING : addresses(question, [address])
  }

  function reverse(question: Question, address: string): ZoneAnswer | undefined {
    const service = view.serviceByAddress(address)
    const endpoint = service === undefined ? view.endpointByAddress(address) : undefined
    const records = service ?? endpoint?.records
    if (records === undefined) return undefined
    const host = `${records.name}.${records.namespace}.svc.${domain}`
    const data = endpoint === undefined ? host : `${endpoint.label}.${host}`
    return { kind: 'records', answers: [{ name: question.name, type: 'PTR', ttl: TTL_SECONDS, data }] }
  }

  const nameServer = (): Answer => ({ name: domain, type: 'NS', ttl: TTL_SECONDS, data: `ns.dns.${domain}` })
  const soa = (): Answer => ({
    name: domain,
    type: 'SOA',
    ttl: TTL_SECONDS,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: serial(),
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: TTL_SECONDS,
    },
  })

  return { domain, answer, soa }
}

function addressesOf({ service, endpoints }: ServiceRecords): readonly string[] {
  return isHeadless(service) ? endpoints.map(({ address }) => address) : clusterAddresses(service)
}

const records = (answers: readonly Answer[]): ZoneAnswer => ({ kind: 'records', answers })

function addresses(question: Question, found: readonly string[]): ZoneAnswer {
  if (question.type !== 'A' && question.type !== 'AAAA') return NOTHING
  return records(found.map((address) => addressRecord(question.name, address)).filter(({ type }) => type === question.type))
}

const addressRecord = (name: string, address: string): Answer => ({
  name,
  type: address.includes(':') ? 'AAAA' : 'A',
  ttl: TTL_SECONDS,
  data: address,
})
