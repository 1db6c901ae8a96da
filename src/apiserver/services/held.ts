import { type core, refs } from '#api'
import type { ObjectReader } from '../contract.ts'

type Service = core.Service

/** What Services hold: numbers of addresses and ports. */

export const numberOf = (address: string): number => address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
export const textOf = (number: number): string => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

export function addressesOf(service: Service | undefined): readonly number[] {
  const addresses = service?.spec?.clusterIPs ?? (service?.spec?.clusterIP === undefined ? [] : [service.spec.clusterIP])
  return addresses.filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)).map(numberOf)
}

export function portsOf(service: Service | undefined): readonly number[] {
  const { ports = [], healthCheckNodePort } = service?.spec ?? {}
  return [...ports.map((port) => port.nodePort), healthCheckNodePort].filter((port): port is number => port !== undefined && port !== 0)
}

export function serviceOf(reader: ObjectReader, key: string): Service | undefined {
  const [namespace = '', name = ''] = key.split('/')
  return reader.get(refs.services, namespace, name)
}
