import { type Chooser, type Element, chooserName, elementsOf } from './elements.ts'
import type { ServicePort, Target } from './model.ts'
import { baseRuleset, chooserRules, elementChanges } from './ruleset.ts'

/** What the kernel has of us. Only ever what a successful application left. */
export interface Applied {
  /** Per Service: its elements by container and key. */
  readonly services: ReadonlyMap<string, ServiceState>
  readonly choosers: ReadonlySet<string>
  /** Elements can belong to several Services (a shared address, an endpoint's hairpin): how many own each. */
  readonly owners: ReadonlyMap<string, number>
}

export interface ServiceState {
  readonly ports: readonly ServicePort[]
  readonly elements: ReadonlyMap<string, Element>
}

export const NOTHING_APPLIED: Applied = { services: new Map(), choosers: new Set(), owners: new Map() }

export interface ProxyPlan {
  readonly commands: string
  /** What is true once the commands have been applied. */
  readonly after: Applied
  /** UDP connections that must be looked up anew, as arguments of conntrack. */
  readonly stale: readonly (readonly string[])[]
}

const idOf = ({ container, key }: Element): string => `${container} ${key}`

/** Pure: from what is there and what Services should be (`undefined`: gone) to one transaction. */
export function planChange(table: string, applied: Applied, wanted: ReadonlyMap<string, readonly ServicePort[] | undefined>): ProxyPlan {
  const services = new Map(applied.services)
  const choosers = new Set(applied.choosers)
  const owners = new Map(applied.owners)
  const removed = new Map<string, Element>()
  const added = new Map<string, Element>()
  const stale: (readonly string[])[] = []
  let rules = ''
  const needChooser = (chooser: Chooser): void => {
    if (choosers.has(chooserName(chooser))) return
    choosers.add(chooserName(chooser))
    rules += chooserRules(table, chooser)
  }
  const disown = (id: string, element: Element): void => {
    const left = (owners.get(id) ?? 0) - 1
    if (left > 0) owners.set(id, left)
    else {
      owners.delete(id)
      if (added.has(id)) added.delete(id)
      else removed.set(id, element)
    }
  }
  const own = (id: string, element: Element): void => {
    const before = owners.get(id) ?? 0
    owners.set(id, before + 1)
    if (before > 0) return
    const gone = removed.get(id)
    if (gone !== undefined && gone.value === element.value) removed.delete(id)
    else added.set(id, element)
  }
  for (const [key, ports] of wanted) {
    const before = services.get(key)
    const after = stateOf(ports ?? [])
    for (const chooser of after.choosers) needChooser(chooser)
    for (const [id, element] of before?.elements ?? []) if (!sameElement(after.elements.get(id), element)) disown(id, element)
    for (const [id, element] of after.elements) if (!sameElement(before?.elements.get(id), element)) own(id, element)
    stale.push(...staleConnections(before?.ports ?? [], ports ?? []))
    if (ports === undefined) services.delete(key)
    else services.set(key, { ports, elements: after.elements })
  }
  return { commands: rules + elementChanges(table, [...removed.values()], [...added.values()]), after: { services, choosers, owners }, stale }
}

/** The whole table anew. */
export function planReplacement(table: string, wanted: ReadonlyMap<string, readonly ServicePort[]>): ProxyPlan {
  const plan = planChange(table, NOTHING_APPLIED, wanted)
  return { ...plan, commands: baseRuleset(table) + plan.commands }
}

function stateOf(ports: readonly ServicePort[]): { readonly elements: ReadonlyMap<string, Element>; readonly choosers: readonly Chooser[] } {
  const { elements, choosers } = elementsOf(ports)
  return { elements: new Map(elements.map((element) => [idOf(element), element])), choosers }
}

const sameElement = (a: Element | undefined, b: Element): boolean => a !== undefined && a.value === b.value

/**
 * UDP has no end of a connection: what the kernel remembers would go on leading to an endpoint that is gone, or (for a Service that had none) to nowhere.
 */
function staleConnections(before: readonly ServicePort[], after: readonly ServicePort[]): readonly (readonly string[])[] {
  const found: (readonly string[])[] = []
  const portOf = (port: ServicePort): string => `${port.protocol} ${port.clusterAddress} ${port.port}`
  const now = new Map(after.map((port) => [portOf(port), port]))
  const had = new Map(before.map((port) => [portOf(port), port]))
  for (const old of before) {
    if (old.protocol !== 'udp') continue
    const left = new Set(now.get(portOf(old))?.inside.map(targetOf) ?? [])
    for (const target of old.inside) {
      if (left.has(targetOf(target))) continue
      const to = ['--reply-src', target.address]
      found.push(['-D', '-p', 'udp', '--orig-dst', old.clusterAddress, '--orig-port-dst', String(old.port), ...to])
      if (old.nodePort !== undefined) found.push(['-D', '-p', 'udp', '--orig-port-dst', String(old.nodePort), ...to])
    }
  }
  for (const port of after) {
    if (port.protocol !== 'udp' || port.inside.length === 0 || (had.get(portOf(port))?.inside.length ?? 0) > 0) continue
    found.push(['-D', '-p', 'udp', '--orig-dst', port.clusterAddress, '--orig-port-dst', String(port.port)])
    if (port.nodePort !== undefined) found.push(['-D', '-p', 'udp', '--orig-port-dst', String(port.nodePort)])
  }
  return found
}

const targetOf = ({ address, port }: Target): string => `${address}:${port}`
