import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Random } from '#base'
import { type core, type discovery, refs } from '#api'
import type { ObjectReader } from '../contract.ts'

export interface Address {
  readonly ip: string
  readonly port: number
}

/** Why there is no address, in the words of Kubernetes. */
export class NoAddress extends Error {}

const SERVICE_LABEL = 'kubernetes.io/service-name'

interface ServicePort {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

/**
 * Where requests to a service go: for one that stands for a name of DNS, what that name is at this moment, else one of its endpoints. Throws
 * and rejects with `NoAddress`.
 */
export function addressOfService(
  reader: ObjectReader,
  random: Random,
  port: ServicePort,
  isAllowed: (ip: string) => boolean,
): Address | Promise<Address> {
  const { spec } = reader.get(refs.services, port.namespace, port.name) ?? {}
  return spec?.type === 'ExternalName'
    ? addressOfName(spec.externalName ?? '', port.port, isAllowed)
    : serviceAddress(reader, random, port, isAllowed)
}

/** The address that was checked is the one that is dialled. Rejects with `NoAddress`. */
export async function addressOfName(host: string, port: number, isAllowed: (ip: string) => boolean): Promise<Address> {
  const ip = isIP(host) === 0 ? await lookup(host).then(({ address }) => address, unknownHost(host)) : host
  if (!isAllowed(ip)) throw new NoAddress('address not allowed')
  return { ip, port }
}

const unknownHost = (host: string) => (): never => {
  throw new NoAddress(`dial tcp: lookup ${host}: no such host`)
}

/**
 * One of the ready endpoints of a service's port, each as likely as the others. The addresses are those of the slices, not the
 * service's own: this process need not stand where services are made to work. Throws `NoAddress`.
 */
function serviceAddress(
  reader: ObjectReader,
  random: Random,
  { namespace, name, port }: ServicePort,
  isAllowed: (ip: string) => boolean,
): Address {
  const service = reader.get(refs.services, namespace, name)
  if (service === undefined) throw new NoAddress(`service ${JSON.stringify(name)} not found`)
  const portName = portNameOf(service, port)
  if (portName === undefined) throw new NoAddress(`no service port ${port} found for service ${JSON.stringify(name)}`)
  const places = reader
    .list(refs.endpointslices, namespace)
    .filter(({ metadata }) => metadata?.labels?.[SERVICE_LABEL] === name)
    .flatMap((slice) => placesOf(slice, portName))
  if (places.length === 0) throw new NoAddress(`no endpoints available for service ${JSON.stringify(name)}`)
  const allowed = places.filter(({ ip }) => isAllowed(ip))
  const chosen = allowed[Math.floor(random.float() * allowed.length)]
  if (chosen === undefined) throw new NoAddress(`the endpoints of service ${JSON.stringify(name)} are no addresses that requests may go to`)
  return chosen
}

function portNameOf({ spec }: core.Service, port: number): string | undefined {
  const found = spec?.ports?.find((one) => one.port === port)
  return found === undefined ? undefined : (found.name ?? '')
}

function placesOf({ ports, endpoints }: discovery.EndpointSlice, portName: string): Address[] {
  const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
  if (port === undefined) return []
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map((ip) => ({ ip, port })))
}
