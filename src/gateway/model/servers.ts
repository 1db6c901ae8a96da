import type { core, discovery } from '#api'
import { isPodAddress, isPort, shown } from './grammar.ts'
import type { BackendPort, Transport, Verification } from './wish.ts'

/** Services and their endpoints. Keys are `namespace/name`. */
export interface ServiceView {
  service(key: string): core.Service | undefined
  /** Of the Service with this key. */
  slices(key: string): readonly discovery.EndpointSlice[]
  /** What somebody has said of the certificates of a Service's port; `refused`: what cannot be done, so that nobody is spoken to. */
  verification?(key: string, portName: string): Verification | 'refused' | undefined
}

const TRANSPORTS: ReadonlyMap<string, Transport> = new Map([
  ['kubernetes.io/h2c', 'h2c'],
  ['https', 'tls'],
  ['kubernetes.io/wss', 'tls'],
  ['http', 'http'],
  ['kubernetes.io/ws', 'http'],
])

/** Who answers for the ports of Services. */
export class Servers {
  readonly #view: ServiceView

  constructor(view: ServiceView) {
    this.#view = view
  }

  has(service: string): boolean {
    return this.#view.service(service) !== undefined
  }

  /** Why nobody can answer, whatever endpoints there are; undefined when somebody could. */
  problem(port: BackendPort): string | undefined {
    return this.refusal(port)?.message
  }

  /** The same, and whether what is named is there at all. */
  refusal({ service: key, port }: BackendPort): { readonly isThere: boolean; readonly message: string } | undefined {
    const service = this.#view.service(key)
    const absent = (message: string) => ({ isThere: false, message })
    const useless = (message: string) => ({ isThere: true, message })
    if (service === undefined) return absent(`there is no Service ${shown(key)}`)
    if (service.spec?.type === 'ExternalName')
      return useless(`the Service ${shown(key)} is of type ExternalName: the gateway leads to endpoints of the cluster only`)
    const found = portOf(service, port)
    const called = shown(port.name || String(port.number))
    if (found === undefined) return absent(`the Service ${shown(key)} has no port ${called}`)
    return (found.protocol ?? 'TCP') === 'TCP' ? undefined : useless(`the port ${called} of ${shown(key)} is not TCP`)
  }

  /** As the Service says in `appProtocol`, or as who leads there would have it. */
  transport({ service: key, port, speaks }: BackendPort): Transport {
    if (speaks === 'tcp') return speaks
    if (this.#verification({ service: key, port }) !== undefined) return 'verified'
    const service = this.#view.service(key)
    const said = service === undefined ? undefined : portOf(service, port)?.appProtocol
    return (said === undefined ? undefined : TRANSPORTS.get(said)) ?? speaks ?? 'http'
  }

  verification(port: BackendPort): Verification | undefined {
    const found = port.speaks === 'tcp' ? undefined : this.#verification(port)
    return found === 'refused' ? undefined : found
  }

  #verification({ service: key, port }: BackendPort): Verification | 'refused' | undefined {
    const service = this.#view.service(key)
    const found = service === undefined ? undefined : portOf(service, port)
    return found === undefined ? undefined : this.#view.verification?.(key, found.name ?? '')
  }

  /** `address:port` of each server, sorted. */
  addresses({ service: key, port, speaks }: BackendPort): readonly string[] {
    if (speaks !== 'tcp' && this.#verification({ service: key, port }) === 'refused') return []
    const service = this.#view.service(key)
    const found = service === undefined ? undefined : portOf(service, port)
    return found === undefined ? [] : usable(this.#view.slices(key), found.name ?? '')
  }
}

/** Whether routes to the Service are led otherwise than before. */
export function leadsElsewhere(old: core.Service | undefined, now: core.Service | undefined): boolean {
  return JSON.stringify([old?.spec?.type, old?.spec?.ports]) !== JSON.stringify([now?.spec?.type, now?.spec?.ports])
}

function portOf({ spec }: core.Service, { name, number }: BackendPort['port']): core.ServicePort | undefined {
  return spec?.ports?.find((one) => (name ? one.name === name : one.port === number))
}

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
