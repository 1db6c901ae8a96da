import type { core, discovery, networking } from '#api'
import { isPodAddress, isPort, shown } from './grammar.ts'

/** What the model is made from. Keys are `namespace/name`. */
export interface ServiceView {
  service(key: string): core.Service | undefined
  /** Of the Service with this key. */
  slices(key: string): readonly discovery.EndpointSlice[]
}

/** `address:port` of each server, sorted; with the reason why there cannot be any. */
export interface Servers {
  readonly addresses: readonly string[]
  readonly problem?: string
}

/** Who answers for a port of a Service. */
function serversOf(view: ServiceView, key: string, port: networking.ServiceBackendPort): Servers {
  const service = view.service(key)
  if (service === undefined) return none(`there is no Service ${shown(key)}`)
  if (service.spec?.type === 'ExternalName')
    return none(`the Service ${shown(key)} is of type ExternalName: the gateway leads to endpoints of the cluster only`)
  const found = service.spec?.ports?.find((one) => (port.name ? one.name === port.name : one.port === port.number))
  if (found === undefined) return none(`the Service ${shown(key)} has no port ${shown(port.name || String(port.number))}`)
  if ((found.protocol ?? 'TCP') !== 'TCP') return none(`the port ${shown(port.name || String(port.number))} of ${shown(key)} is not TCP`)
  return { addresses: usable(view.slices(key), found.name ?? '') }
}

/**
 * `serversOf` for one model after another: the same objects give the same value, itself and not an equal one, so that what follows sees without looking
 * that nothing has changed. Caches hand the same object out until it changes.
 */
export class KnownServers {
  readonly #view: ServiceView
  #before = new Map<string, Known>()
  #now = new Map<string, Known>()

  constructor(view: ServiceView) {
    this.#view = view
  }

  /** Before each model: what the last one did not ask for is forgotten. */
  begin(): void {
    this.#before = this.#now
    this.#now = new Map()
  }

  of(key: string, port: networking.ServiceBackendPort): Servers {
    const id = `${key}:${port.name || String(port.number ?? 0)}`
    const service = this.#view.service(key)
    const slices = this.#view.slices(key)
    const known = this.#now.get(id) ?? this.#before.get(id)
    const isSame =
      known !== undefined &&
      known.service === service &&
      known.slices.length === slices.length &&
      known.slices.every((one, at) => one === slices[at])
    const current = isSame ? known : { service, slices, servers: serversOf(this.#view, key, port) }
    this.#now.set(id, current)
    return current.servers
  }
}

interface Known {
  readonly service: core.Service | undefined
  readonly slices: readonly discovery.EndpointSlice[]
  readonly servers: Servers
}

const none = (problem: string): Servers => ({ addresses: [], problem })

/** Ready ones; when there are none, those that still serve while they end. */
function usable(slices: readonly discovery.EndpointSlice[], portName: string): readonly string[] {
  const ready = new Set<string>()
  const ending = new Set<string>()
  for (const { addressType, endpoints, ports } of slices) {
    if (addressType !== 'IPv4') continue
    for (const { port } of (ports ?? []).filter(({ name, protocol }) => (name ?? '') === portName && (protocol ?? 'TCP') === 'TCP')) {
      if (!isPort(port ?? undefined)) continue
      for (const { addresses, conditions } of endpoints ?? []) {
        const [address = ''] = addresses
        if (!isPodAddress(address)) continue
        if (conditions?.ready ?? true) ready.add(`${address}:${port}`)
        else if ((conditions?.serving ?? false) && (conditions?.terminating ?? false)) ending.add(`${address}:${port}`)
      }
    }
  }
  return [...(ready.size > 0 ? ready : ending)].sort()
}
