import { UserError } from '#base'

/** The addresses that Services get. */
export interface ServiceRange {
  readonly cidr: string
  /** The API's own Service. */
  readonly first: string
}

const SMALLEST_PREFIX = 12
const LARGEST_PREFIX = 30

export function serviceRange(cidr: string): ServiceRange {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr)
  const parts = match?.slice(1, 5).map(Number) ?? []
  const prefix = Number(match?.[5])
  if (parts.length !== 4 || parts.some((part) => part > 255) || !(prefix >= SMALLEST_PREFIX && prefix <= LARGEST_PREFIX))
    throw new UserError(
      `not a range of IPv4 addresses for Services: ${cidr}`,
      `use for example 10.96.0.0/16 (a prefix from ${SMALLEST_PREFIX} to ${LARGEST_PREFIX})`,
    )
  const address = parts.reduce((value, part) => value * 256 + part, 0)
  const network = Math.floor(address / 2 ** (32 - prefix)) * 2 ** (32 - prefix)
  return { cidr, first: addressAt(network, 1) }
}

export function addressAt(network: number, offset: number): string {
  const value = network + offset
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}
