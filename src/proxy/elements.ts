import type { Protocol, ServicePort, Target } from './model.ts'

/**
 * The kernel's part of a Service: elements of maps and sets, never rules. The rules are the same for all Services; what a packet's
 * destination leads to is looked up, so that ten thousand Services cost a packet no more than ten.
 */
export interface Element {
  /** Name of a map or set. */
  readonly container: string
  readonly key: string
  /** Undefined for a set. */
  readonly value?: string
}

/**
 * `n3` chooses among 3 endpoints at random, `a64` by the client's remembered slot of 64, with `seconds` of memory; `p…` the same for node ports, where the
 * destination address is the node's own.
 */
export interface Chooser {
  readonly place: 'service' | 'node-port'
  readonly size: number
  readonly affinitySeconds: number | undefined
}

export const SERVICES = 'services'
export const NODE_PORTS = 'node-ports'
export const CLUSTER_ADDRESSES = 'cluster-addresses'
/** Original destinations whose clients must see the node as their peer. */
export const HIDDEN_ADDRESSES = 'hidden-addresses'
export const HAIRPIN = 'hairpin'
export const hiddenPorts = (protocol: Protocol): string => `hidden-${protocol}`
export const REFUSED_PORTS = 'refused-node-ports'

const FEWEST_SLOTS = 64
const SLOTS_PER_TARGET = 4

export function chooserName({ place, size, affinitySeconds }: Chooser): string {
  const mark = place === 'service' ? '' : 'p'
  return affinitySeconds === undefined ? `${mark}n${size}` : `${mark}a${size}x${affinitySeconds}`
}

/** All elements of a Service's ports, and the choosers that they need. Pure; equal input gives equal output. */
export function elementsOf(ports: readonly ServicePort[]): { readonly elements: readonly Element[]; readonly choosers: readonly Chooser[] } {
  const elements: Element[] = []
  const choosers: Chooser[] = []
  for (const port of ports) {
    const { protocol, clusterAddress, affinitySeconds } = port
    elements.push({ container: CLUSTER_ADDRESSES, key: clusterAddress })
    for (const target of port.inside) elements.push({ container: HAIRPIN, key: `${target.address} . ${target.address}` })
    const add = (place: Chooser['place'], destination: string, targets: readonly Target[]): void => {
      if (targets.length === 0) return
      const slots = affinitySeconds === undefined ? targets : spreadOverSlots(targets)
      const chooser: Chooser = { place, size: slots.length, affinitySeconds }
      const name = chooserName(chooser)
      choosers.push(chooser)
      elements.push({ container: place === 'service' ? SERVICES : NODE_PORTS, key: destination, value: `goto ${name}` })
      for (const [i, target] of slots.entries()) elements.push({ container: name, key: `${destination} . ${i}`, value: `${target.address} . ${target.port}` })
    }
    add('service', `${clusterAddress} . ${protocol} . ${port.port}`, port.inside)
    for (const address of port.balancerAddresses) {
      add('service', `${address} . ${protocol} . ${port.port}`, port.outside)
      if (!port.keepsSource) elements.push({ container: HIDDEN_ADDRESSES, key: address })
    }
    if (port.nodePort !== undefined) {
      add('node-port', `${protocol} . ${port.nodePort}`, port.outside)
      if (port.outside.length === 0) elements.push({ container: REFUSED_PORTS, key: `${protocol} . ${port.nodePort}` })
      else if (!port.keepsSource) elements.push({ container: hiddenPorts(protocol), key: String(port.nodePort) })
    }
  }
  return { elements, choosers }
}

/**
 * A client remembers a slot, not an endpoint: slots are given to endpoints by the highest hash, so that an endpoint that leaves
 * gives away only its own slots and one that comes takes only its share.
 */
export function spreadOverSlots(targets: readonly Target[]): readonly Target[] {
  let size = FEWEST_SLOTS
  while (size < targets.length * SLOTS_PER_TARGET) size *= 2
  return Array.from({ length: size }, (_, slot) => highest(targets, slot))
}

function highest(targets: readonly Target[], slot: number): Target {
  let best: Target | undefined
  let most = -1
  for (const target of targets) {
    const weight = hash(`${target.address}:${target.port} ${slot}`)
    if (weight > most) {
      most = weight
      best = target
    }
  }
  if (best === undefined) throw new RangeError('no targets')
  return best
}

/** FNV-1a with a final mix, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b)
  return (value ^ (value >>> 16)) >>> 0
}
