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

/**
 * One of the ready endpoints of a service's port, each as likely as the others. The addresses are those of the slices, not the
 * service's own: this process need not stand where services are made to work. Throws `NoAddress`.
 */
export function serviceAddress(
  reader: ObjectReader,
  random: Random,
  { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: number },
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
