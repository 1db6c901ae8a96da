import { leadsOutward } from '#base'
import { type core, type discovery, refs, statusError } from '#api'
import type { RequestContext } from '../registry/context.ts'
import { cacheReader } from '../registry/read/reader.ts'
import type { SpecialTarget } from '../registry/special-handler.ts'
import type { Backend } from './backend.ts'
import { addressNotAllowed, nodeAddress } from './node-address.ts'
import type { ToNodes } from './pod-log.ts'
import { storedObject } from './stored-object.ts'

export interface ProxyName {
  readonly secure: boolean
  readonly name: string
  /** A number, or a port's name. Empty: the usual one. */
  readonly port: string
}

/** `NAME`, `NAME:PORT`, `SCHEME:NAME:PORT`. Throws `StatusError` 400. */
export function proxyName(text: string, kind: 'pod' | 'service' | 'node'): ProxyName {
  const parts = text.split(':')
  const [scheme, name, port] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || name === undefined || name === '' || !['', 'http', 'https'].includes(scheme ?? ''))
    throw statusError.badRequest(`invalid ${kind} request ${JSON.stringify(text)}`)
  return { secure: scheme === 'https', name, port: port ?? '' }
}

const LAST_PORT = 65_535
const numberOf = (port: string): number | undefined =>
  /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= LAST_PORT ? Number(port) : undefined

export async function podBackend(context: RequestContext, { namespace, name: text }: SpecialTarget): Promise<Backend> {
  const { secure, name, port } = proxyName(text, 'pod')
  const pod = await storedObject(context, refs.pods, namespace, name)
  const declared = pod.spec?.containers?.flatMap(({ ports }) => ports ?? []) ?? []
  const wanted = port === '' ? (declared[0]?.containerPort ?? (secure ? 443 : 80)) : numberOf(port)
  if (wanted === undefined) throw statusError.badRequest(`invalid pod request ${JSON.stringify(text)}`)
  return direct(pod.status?.podIP ?? '', wanted, secure)
}

/** One of the ready endpoints, each as likely as the others. */
export async function serviceBackend(context: RequestContext, { namespace, name: text }: SpecialTarget): Promise<Backend> {
  const { secure, name, port } = proxyName(text, 'service')
  const service = await storedObject(context, refs.services, namespace, name)
  const portName = servicePortName(service, port)
  const slices = cacheReader(context.core.catalog, context.core.views)
    .list(refs.endpointslices, namespace)
    .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name)
  const places = slices.flatMap((slice) => placesOf(slice, portName))
  const chosen = places[Math.floor(context.scope.random.float() * places.length)]
  if (chosen === undefined) throw statusError.unavailable(`no endpoints available for service ${JSON.stringify(text)}`)
  return direct(chosen.ip, chosen.port, secure)
}

function servicePortName({ metadata, spec }: core.Service, port: string): string {
  const ports = spec?.ports ?? []
  if (port === '') return ports.length === 1 ? (ports[0]?.name ?? '') : ''
  const number = numberOf(port)
  if (number === undefined) return port
  const found = ports.find((one) => one.port === number)
  if (found === undefined)
    throw statusError.unavailable(`no service port ${number} found for service ${JSON.stringify(metadata?.name ?? '')}`)
  return found.name ?? ''
}

function placesOf(slice: discovery.EndpointSlice, portName: string): readonly { readonly ip: string; readonly port: number }[] {
  const port = slice.ports?.find(({ name }) => (name ?? '') === portName)?.port
  if (port === undefined) return []
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map((ip) => ({ ip, port })))
}

/** The node's own API, with the API server's identity; another port of the node, without. */
export async function nodeBackend(context: RequestContext, { name: text }: SpecialTarget, { isAllowed }: ToNodes): Promise<Backend> {
  const { secure, name, port } = proxyName(text, 'node')
  const at = nodeAddress(await storedObject(context, refs.nodes, '', name), isAllowed)
  const wanted = port === '' ? at.port : numberOf(port)
  if (wanted === undefined) throw statusError.badRequest(`invalid node request ${JSON.stringify(text)}`)
  return wanted === at.port ? { kind: 'node', at, verified: true } : direct(at.ip, wanted, secure, isAllowed)
}

function direct(ip: string, port: number, secure: boolean, isAllowed: (ip: string) => boolean = leadsOutward): Backend {
  if (!isAllowed(ip)) throw addressNotAllowed()
  return { kind: secure ? 'tls' : 'plain', ip, port }
}
