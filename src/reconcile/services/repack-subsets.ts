import type { core } from '#api'
import { canonicalJson } from '../workloads/template-hash.ts'

/** An address, and whether all who name it for a port call it ready. */
interface Offer {
  readonly address: core.EndpointAddress
  ready: boolean
}

/** Of those without ports. */
const NO_PORT = ''

/**
 * The same endpoints in the fewest subsets: for each port who offers it, and ports that the same addresses offer together. An address that is both
 * ready and not is not. Addresses, ports and subsets are sorted.
 */
export function repackSubsets(subsets: readonly core.EndpointSubset[]): core.EndpointSubset[] {
  const ports = new Map<string, core.EndpointPort>()
  const offers = new Map<string, Map<string, Offer>>()
  const known = new Map<string, core.EndpointAddress>()
  const put = (port: string, address: core.EndpointAddress, ready: boolean): void => {
    const id = addressKey(address)
    if (!known.has(id)) known.set(id, address)
    const ofPort = offers.get(port) ?? new Map<string, Offer>()
    offers.set(port, ofPort)
    const present = ofPort.get(id)
    if (present === undefined) ofPort.set(id, { address: known.get(id) ?? address, ready })
    else if (!ready) present.ready = false
  }
  for (const subset of subsets) {
    const keys = (subset.ports ?? []).map((port) => {
      const key = canonicalJson(port)
      ports.set(key, port)
      return key
    })
    for (const key of keys.length === 0 ? [NO_PORT] : keys) {
      for (const address of subset.addresses ?? []) put(key, address, true)
      for (const address of subset.notReadyAddresses ?? []) put(key, address, false)
    }
  }
  const together = new Map<string, { readonly ports: string[]; readonly offers: readonly Offer[] }>()
  for (const [port, ofPort] of offers) {
    const sorted = [...ofPort].sort(([a], [b]) => (a < b ? -1 : 1))
    const id = sorted.map(([key, { ready }]) => `${key} ${ready}`).join('\n')
    const group = together.get(id) ?? { ports: [], offers: sorted.map(([, offer]) => offer) }
    together.set(id, group)
    if (port !== NO_PORT) group.ports.push(port)
  }
  return [...together.values()]
    .map((group) => ({ ...group, ports: group.ports.sort() }))
    .sort((a, b) => (a.ports.join() < b.ports.join() ? -1 : 1))
    .map((group) => {
      const ready = group.offers.filter((offer) => offer.ready).map(({ address }) => address)
      const notReady = group.offers.filter((offer) => !offer.ready).map(({ address }) => address)
      const of = group.ports.flatMap((key) => ports.get(key) ?? [])
      return {
        ...(ready.length === 0 ? {} : { addresses: ready }),
        ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
        ...(of.length === 0 ? {} : { ports: of }),
      }
    })
}

const addressKey = ({ ip, targetRef }: core.EndpointAddress): string => `${ip} ${targetRef?.uid ?? ''}`
