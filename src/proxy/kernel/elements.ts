import { type IpFamily } from '#api'
import { createHash } from 'node:crypto'
import type { Target } from '../endpoints.ts'
import type { Choice, Protocol, ServicePort } from '../model.ts'
import { spreadOverSlots } from './slots.ts'

/**
 * The kernel's part of a Service: elements of maps and sets, never rules. The rules are the same for all Services; what a packet's
 * destination leads to is looked up, so that ten thousand Services cost a packet no more than ten.
 */
export interface Element {
  readonly family: IpFamily
  /** Name of a map or set. */
  readonly container: string
  readonly key: string
  /** Undefined for a set. */
  readonly value?: string
}

/** `services` by address and port, `node-ports` by port on the node's own addresses; `here-…`: first for clients on this node. */
export const PLACES = ['services', 'node-ports', 'here-services', 'here-node-ports'] as const
export type Place = (typeof PLACES)[number]

/**
 * `n3` chooses among 3 endpoints at random, `a64x10` by the client's remembered slot of 64, with 10 seconds of memory; other places than `services` are marked
 * in front, since one destination may lead to different endpoints in each.
 */
export interface Chooser {
  readonly family: IpFamily
  readonly place: Place
  readonly size: number
  readonly affinitySeconds: number | undefined
}

export const CLUSTER_ADDRESSES = 'cluster-addresses'
/** Original destinations whose clients must see the node as their peer. */
export const HIDDEN_ADDRESSES = 'hidden-addresses'
export const HAIRPIN = 'hairpin'
export const hiddenPorts = (protocol: Protocol): string => `hidden-${protocol}`
/** Destinations without an endpoint: refused or dropped. */
export const REFUSED = 'refused'
export const REFUSED_PORTS = 'refused-node-ports'
/** Destinations that only some clients may use, and the chains that know them. */
export const GUARDED = 'guarded'
export const REFUSAL = 'refusal'

const MARKS: Readonly<Record<Place, string>> = { services: '', 'node-ports': 'p', 'here-services': 'h', 'here-node-ports': 'hp' }

export function chooserName({ place, size, affinitySeconds }: Chooser): string {
  return affinitySeconds === undefined ? `${MARKS[place]}n${size}` : `${MARKS[place]}a${size}x${affinitySeconds}`
}

/** The chain for clients of these networks, one for each list of them. The name is a strong hash: nobody can write a list that is taken for another. */
export const guardName = (sources: readonly string[]): string =>
  `from-${createHash('sha256').update(sources.join(' ')).digest('hex').slice(0, 32)}`

/** Networks that some destinations may be reached from. */
export interface Guard {
  readonly family: IpFamily
  readonly sources: readonly string[]
}

export interface ServiceElements {
  readonly elements: readonly Element[]
  readonly choosers: readonly Chooser[]
  readonly guards: readonly Guard[]
}

/** All elements of a Service's ports, and the chains that they need. Pure; equal input gives equal output. */
export function elementsOf(ports: readonly ServicePort[]): ServiceElements {
  const elements: Element[] = []
  const choosers: Chooser[] = []
  const guards: Guard[] = []
  for (const port of ports) {
    const { family, protocol, clusterAddress, affinitySeconds } = port
    const add = (container: string, key: string, value?: string): void => {
      elements.push(value === undefined ? { family, container, key } : { family, container, key, value })
    }
    const lead = (place: Place, destination: string, targets: readonly Target[]): void => {
      if (targets.length === 0) return
      const slots = affinitySeconds === undefined ? targets : spreadOverSlots(targets)
      const chooser: Chooser = { family, place, size: slots.length, affinitySeconds }
      const name = chooserName(chooser)
      choosers.push(chooser)
      add(place, destination, `goto ${name}`)
      for (const [i, target] of slots.entries()) add(name, `${destination} . ${i}`, `${target.address} . ${target.port}`)
    }
    const refuse = (container: string, destination: string, { targets, otherwise }: Choice): void => {
      if (targets.length === 0) add(container, destination, otherwise === 'drop' ? 'drop' : `goto ${REFUSAL}`)
    }
    for (const { targets } of [port.inside, port.outside]) for (const { address } of targets) add(HAIRPIN, `${address} . ${address}`)

    const inside = `${clusterAddress} . ${protocol} . ${port.port}`
    add(CLUSTER_ADDRESSES, clusterAddress)
    lead('services', inside, port.inside.targets)
    refuse(REFUSED, inside, port.inside)

    for (const { address, sources } of port.externals) {
      const destination = `${address} . ${protocol} . ${port.port}`
      lead('services', destination, port.outside.targets)
      lead('here-services', destination, port.outsideFromHere?.targets ?? [])
      refuse(REFUSED, destination, port.outside)
      if (!port.keepsSource) add(HIDDEN_ADDRESSES, address)
      if (sources === undefined) continue
      guards.push({ family, sources })
      add(GUARDED, destination, `goto ${guardName(sources)}`)
    }

    if (port.nodePort === undefined) continue
    const destination = `${protocol} . ${port.nodePort}`
    lead('node-ports', destination, port.outside.targets)
    lead('here-node-ports', destination, port.outsideFromHere?.targets ?? [])
    refuse(REFUSED_PORTS, destination, port.outside)
    if (!port.keepsSource) add(hiddenPorts(protocol), String(port.nodePort))
  }
  return { elements, choosers, guards }
}
