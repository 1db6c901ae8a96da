import { type GatewayModel, NOBODY } from '../model/model.ts'

/**
 * What HAProxy has been told. Backends stand in its configuration as a pool of numbers, since it cannot make new ones while it runs; routes,
 * servers and certificates are changed while it runs.
 */
export interface Applied {
  readonly poolSize: number
  /** By key of the backend. */
  readonly slots: ReadonlyMap<string, Slot>
  /** By kind, then by key; values are names of backends of the configuration. */
  readonly maps: Readonly<Record<MapName, ReadonlyMap<string, string>>>
  /** By key of the Secret. */
  readonly certificates: ReadonlyMap<string, LoadedCertificate>
  readonly nextCertificate: number
  /** Servers that get no new requests and are not deleted yet, by `bN/sM`. */
  readonly leaving: ReadonlyMap<string, { readonly slot: number; readonly address: string }>
}

export interface Slot {
  readonly number: number
  /** As the model had them. */
  readonly addresses: readonly string[]
  /** Name in the configuration (`sN`) by `address:port`. */
  readonly servers: ReadonlyMap<string, string>
  readonly nextServer: number
}

export interface LoadedCertificate {
  readonly number: number
  readonly pem: string
  readonly names: readonly string[]
}

export const MAPS = ['exact', 'prefix', 'defaults'] as const
export type MapName = (typeof MAPS)[number]

/** A backend without servers, for routes that lead to nothing. */
export const NO_BACKEND = 'none'
export const backendName = (slot: number): string => `b${slot}`

const SMALLEST_POOL = 64

/** Room for half as many backends again. */
export function poolSizeFor(backends: number): number {
  let size = SMALLEST_POOL
  while (size < backends * 1.5) size *= 2
  return size
}

/** The state of a HAProxy that starts with this model, and has no past. */
export function freshState(model: GatewayModel, poolSize = poolSizeFor(model.backends.size)): Applied {
  const slots = new Map<string, Slot>()
  for (const [key, addresses] of model.backends)
    slots.set(key, {
      number: slots.size,
      addresses,
      servers: new Map(addresses.map((address, at) => [address, `s${at}`])),
      nextServer: addresses.length,
    })
  const certificates = new Map<string, LoadedCertificate>()
  for (const [key, { pem, names }] of model.certificates) certificates.set(key, { number: certificates.size + 1, pem, names })
  return {
    poolSize,
    slots,
    maps: mapsOf(model, slots),
    certificates,
    nextCertificate: certificates.size + 1,
    leaving: new Map(),
  }
}

export function mapsOf(model: GatewayModel, slots: ReadonlyMap<string, Slot>): Applied['maps'] {
  const named = (routes: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map(
      [...routes].map(([key, backend]) => {
        const slot = backend === NOBODY ? undefined : slots.get(backend)
        return [key, slot === undefined ? NO_BACKEND : backendName(slot.number)]
      }),
    )
  return { exact: named(model.exact), prefix: named(model.prefix), defaults: named(model.defaults) }
}
