import type { core, networking } from '#api'
import { type Dict, childDict } from '#compose'
import { type AliyunLabels } from '../aliyun/labels.ts'
import { isHostNetwork, networksOf } from './container.ts'
import { dictsOf, type Findings, numberOf, objectName, textOf, textsOf } from '../reader.ts'

export const SERVICE_LABEL = 'app.kubernetes.io/name'
export const PROJECT_LABEL = 'app.kubernetes.io/part-of'
/** Pods carry one for each Compose network that they are in. */
export const NETWORK_LABEL = 'compose.sampan.io/network-'

export const selectorOf = (project: string, service: string): Record<string, string> => ({
  [PROJECT_LABEL]: project,
  [SERVICE_LABEL]: service,
})

interface Port {
  readonly port: number
  readonly target: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly appProtocol?: string
}

/** The Services of a Compose service: its name, its other names, and what is reached from outside. */
export function servicesOf(project: string, name: string, service: Dict, aliyun: AliyunLabels, findings: Findings): core.Service[] {
  const own = objectName(name) ?? name
  const selector = selectorOf(project, own)
  const inside = insidePorts(name, service, aliyun, findings)
  const names = new Set([own, ...otherNames(name, service, findings)])
  const made = [...names].map((one) => serviceOf(one, selector, inside))
  const outside = outsidePorts(name, service, aliyun, findings)
  if (outside.length > 0) made.push(frontService(`${own}-published`, selector, outside))
  return made
}

/** A Service without ports is a name for the addresses of the pods. */
function serviceOf(name: string, selector: Record<string, string>, ports: readonly Port[]): core.Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: ports.length === 0 ? { clusterIP: 'None', selector } : { selector, ports: ports.map(servicePort) },
  }
}

function frontService(name: string, selector: Record<string, string>, ports: readonly Port[]): core.Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: 'LoadBalancer', selector, ports: ports.map(servicePort) } }
}

const servicePort = ({ port, target, protocol, appProtocol }: Port): core.ServicePort => ({
  name: `${protocol.toLowerCase()}-${port}`,
  port,
  targetPort: target,
  protocol,
  ...(appProtocol === undefined ? {} : { appProtocol }),
})

const protocolOf = (text: string | undefined): Port['protocol'] => (text === 'udp' ? 'UDP' : text === 'sctp' ? 'SCTP' : 'TCP')

/** Every port that the container is known to listen on, under its own number. */
function insidePorts(name: string, service: Dict, aliyun: AliyunLabels, findings: Findings): Port[] {
  const found = new Map<string, Port>()
  const add = (target: number, protocol: Port['protocol'], appProtocol?: string): void => {
    const key = `${target}/${protocol}`
    if (!found.has(key)) found.set(key, { port: target, target, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) })
  }
  for (const port of dictsOf(service['ports']))
    add(numberOf(port['target']) ?? 0, protocolOf(textOf(port['protocol'])), textOf(port['app_protocol']))
  for (const spec of textsOf(service['expose'])) {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(spec)
    if (match === null) findings.refuse(['services', name, 'expose'], `${spec}: not a port`)
    else for (let port = Number(match[1]); port <= Number(match[2] ?? match[1]); port++) add(port, protocolOf(match[3]))
  }
  for (const { containerPort } of aliyun.routes) add(containerPort, 'TCP')
  for (const { containerPort, protocol } of aliyun.front) add(containerPort, protocol)
  return [...found.values()]
}

function outsidePorts(name: string, service: Dict, aliyun: AliyunLabels, findings: Findings): Port[] {
  const refuse = (text: string): void => findings.refuse(['services', name, 'ports'], text)
  const published = isHostNetwork(service)
    ? []
    : dictsOf(service['ports']).flatMap((port): Port[] => {
        const spec = textOf(port['published'])
        const target = numberOf(port['target']) ?? 0
        if (spec === undefined || spec === '0') return []
        const address = textOf(port['host_ip'])
        if (address !== undefined && address !== '0.0.0.0' && address !== '::')
          refuse(`${address}:${spec}: ports are published on all addresses of the nodes`)
        if (!/^\d+$/.test(spec)) refuse(`${spec}: give one published port for ${target}, not a range to choose from`)
        return [{ port: Number(spec), target, protocol: protocolOf(textOf(port['protocol'])) }]
      })
  const front = aliyun.front.map(({ frontPort, containerPort, protocol }): Port => ({ port: frontPort, target: containerPort, protocol }))
  return [...new Map([...published, ...front].map((port) => [`${port.port}/${port.protocol}`, port])).values()]
}

/** Aliases in networks, the container's name, and the host name resolve too. */
function otherNames(name: string, service: Dict, findings: Findings): string[] {
  const networks = childDict(service, 'networks')
  const aliases = networksOf(service).flatMap((network) => textsOf(childDict(networks, network)['aliases']))
  const container = textOf(service['container_name'])
  const names = [...aliases, ...(container === undefined ? [] : [container])]
  return names.flatMap((one) => {
    const made = objectName(one)
    if (made === undefined) findings.refuse(['services', name, 'networks'], `${one}: not a name in DNS`)
    return made === undefined ? [] : [made]
  })
}

/** `links: [db:database]` gives the service `db` the name `database`. */
export function linkedNames(services: Dict, findings: Findings): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [name, service] of Object.entries(services)) {
    for (const link of textsOf((service as Dict)['links'])) {
      const [target = '', alias] = link.split(':')
      if (alias === undefined || alias === target) continue
      const made = objectName(alias)
      if (made === undefined) findings.refuse(['services', name, 'links'], `${link}: ${alias} is not a name in DNS`)
      else found.set(target, [...(found.get(target) ?? []), made])
    }
  }
  return found
}

/** Members of a Compose network reach each other; others do not reach them, unless a port is published. */
export function policiesOf(project: string, model: Dict): networking.NetworkPolicy[] {
  const services = Object.values(childDict(model, 'services')) as Dict[]
  const networks = Object.keys(childDict(model, 'networks'))
  const separate = services.some((service) => !isHostNetwork(service) && networks.some((network) => !networksOf(service).includes(network)))
  if (!separate) return []
  return networks.map((network) => {
    const label = { [`${NETWORK_LABEL}${objectName(network) ?? network}`]: 'true', [PROJECT_LABEL]: project }
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `network-${objectName(network) ?? network}` },
      spec: {
        podSelector: { matchLabels: label },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: { matchLabels: label } }] }],
      },
    }
  })
}

/** What is published is reached from anywhere. */
export function publishedPolicies(project: string, name: string, service: Dict, aliyun: AliyunLabels): networking.NetworkPolicy[] {
  const ports = [
    ...dictsOf(service['ports']).map((port) => ({ port: numberOf(port['target']) ?? 0, protocol: protocolOf(textOf(port['protocol'])) })),
    ...aliyun.routes.map(({ containerPort }) => ({ port: containerPort, protocol: 'TCP' })),
    ...aliyun.front.map(({ containerPort, protocol }) => ({ port: containerPort, protocol })),
  ]
  if (ports.length === 0) return []
  const distinct = [...new Map(ports.map((port) => [`${port.port}/${port.protocol}`, port])).values()]
  const own = objectName(name) ?? name
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `published-${own}` },
      spec: { podSelector: { matchLabels: selectorOf(project, own) }, policyTypes: ['Ingress'], ingress: [{ ports: distinct }] },
    },
  ]
}
