import { type core, parseIp, refs } from '#api'
import type { ObjectReader } from '../contract.ts'

type Service = core.Service

/** What Services hold: addresses and ports. */

/** Each in the one form by which it is known everywhere here: fields take others. */
export function addressesOf(service: Service | undefined): readonly string[] {
  const addresses = service?.spec?.clusterIPs ?? (service?.spec?.clusterIP === undefined ? [] : [service.spec.clusterIP])
  return addresses.flatMap((address) => parseIp(address)?.text ?? [])
}

export function portsOf(service: Service | undefined): readonly number[] {
  const { ports = [], healthCheckNodePort } = service?.spec ?? {}
  return [...ports.map((port) => port.nodePort), healthCheckNodePort].filter((port): port is number => port !== undefined && port !== 0)
}

export function serviceOf(reader: ObjectReader, key: string): Service | undefined {
  const [namespace = '', name = ''] = key.split('/')
  return reader.get(refs.services, namespace, name)
}
