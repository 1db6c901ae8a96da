import { type IpFamily } from '#api'
import { type Element, chooserName, elementsOf, guardName } from './kernel/elements.ts'
import type { ServicePort } from './model.ts'
import { baseRuleset, chooserRules, elementChanges, guardRules } from './kernel/ruleset.ts'
import { narrowRanges } from './kernel/ranges.ts'
import { staleConnections } from './kernel/stale.ts'

/** What the kernel has of us. Only ever what a successful application left. */
export interface Applied {
  readonly services: ReadonlyMap<string, ServiceState>
  /** Chains of choosers and guards: they are many Services', and stay until the next replacement. */
  readonly chains: ReadonlySet<string>
  /** The Services that want an element (an endpoint's hairpin, an address of two Services), in their order. The first one's value is in the kernel. */
  readonly holders: ReadonlyMap<string, readonly string[]>
}

export interface ServiceState {
  readonly ports: readonly ServicePort[]
  readonly elements: ReadonlyMap<string, Element>
}

/** What becomes different with a plan; `undefined`: gone. */
export interface Delta {
  readonly services: ReadonlyMap<string, ServiceState | undefined>
  readonly chains: ReadonlySet<string>
  readonly holders: ReadonlyMap<string, readonly string[] | undefined>
}

export interface ProxyPlan {
  readonly commands: string
  readonly delta: Delta
  /** UDP connections that must be looked up anew, as arguments of conntrack. */
  readonly stale: readonly (readonly string[])[]
}

/** The owner of an `Applied`: it is changed in place, since a copy of ten thousand Services for each change would cost more than the change. */
export class Ledger implements Applied {
  readonly services = new Map<string, ServiceState>()
  readonly chains = new Set<string>()
  readonly holders = new Map<string, readonly string[]>()

  commit({ services, chains, holders }: Delta): void {
    for (const [key, state] of services) put(this.services, key, state)
    for (const name of chains) this.chains.add(name)
    for (const [id, keys] of holders) put(this.holders, id, keys)
  }

  /** All elements that the kernel should have, by identity. */
  elements(): ReadonlyMap<string, Element> {
    const all = new Map<string, Element>()
    for (const [id, keys] of this.holders) {
      const element = valueOf(keys, (key) => this.services.get(key)?.elements.get(id))
      if (element !== undefined) all.set(id, element)
    }
    return all
  }
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

export const idOf = ({ family, container, key }: Omit<Element, 'value'>): string => inFamily(family, `${container} ${key}`)

/** Names stand for themselves in the family that nearly all have. */
const inFamily = (family: IpFamily, name: string): string => (family === 'IPv4' ? name : `${family} ${name}`)

/** Pure: from what is there and what Services should be (`undefined`: gone) to one transaction. */
export function planChange(table: string, applied: Applied, wanted: ReadonlyMap<string, readonly ServicePort[] | undefined>): ProxyPlan {
  const services = new Map<string, ServiceState | undefined>()
  const chains = new Map<string, string>()
  const touched = new Map<string, Set<string>>()
  const stale: (readonly string[])[] = []
  const need = (family: IpFamily, own: string, rules: () => string): void => {
    const name = inFamily(family, own)
    if (!applied.chains.has(name) && !chains.has(name)) chains.set(name, rules())
  }
  for (const [key, ports] of wanted) {
    const before = applied.services.get(key)
    const { elements, choosers, guards } = elementsOf(ports ?? [])
    const after = new Map(elements.map((element) => [idOf(element), element]))
    services.set(key, ports === undefined ? undefined : { ports, elements: after })
    for (const chooser of choosers) need(chooser.family, chooserName(chooser), () => chooserRules(table, chooser))
    for (const guard of guards) need(guard.family, guardName(guard.sources), () => guardRules(table, guard))
    const touch = (id: string): void => {
      const keys = touched.get(id)
      if (keys === undefined) touched.set(id, new Set([key]))
      else keys.add(key)
    }
    for (const [id, element] of before?.elements ?? []) if (!sameElement(after.get(id), element)) touch(id)
    for (const id of after.keys()) if (before?.elements.has(id) !== true) touch(id)
    stale.push(...staleConnections(before?.ports ?? [], ports ?? []))
  }

  const holders = new Map<string, readonly string[] | undefined>()
  const removed: Element[] = []
  const added: Element[] = []
  for (const [id, keys] of touched) {
    const before = applied.holders.get(id) ?? []
    const wanting = [...keys].filter((key) => services.get(key)?.elements.has(id) === true)
    const after = [...before.filter((key) => !keys.has(key)), ...wanting].sort()
    holders.set(id, after.length === 0 ? undefined : after)
    const old = valueOf(before, (key) => applied.services.get(key)?.elements.get(id))
    const now = valueOf(after, (key) => (services.has(key) ? services.get(key) : applied.services.get(key))?.elements.get(id))
    if (old !== undefined && !sameElement(now, old)) removed.push(old)
    if (now !== undefined && !sameElement(old, now)) added.push(now)
  }
  const rules = [...chains.values()].join('')
  return { commands: rules + elementChanges(table, removed, added), delta: { services, chains: new Set(chains.keys()), holders }, stale }
}

/** What a proxy keeps, beside what Services want. */
export interface ProxyTables {
  /** The name of the table of each family. */
  readonly table: string
  readonly families: readonly IpFamily[]
  readonly podNetworks: readonly string[]
  readonly serviceNetworks: readonly string[]
}

/** All tables anew; its delta is for an empty ledger. What became of old connections must be found in the kernel: `stale` is empty. */
export function planReplacement(
  { table, families, podNetworks, serviceNetworks }: ProxyTables,
  wanted: ReadonlyMap<string, readonly ServicePort[]>,
): ProxyPlan {
  const plan = planChange(table, new Ledger(), wanted)
  const bases = families.map((family) => {
    const known = { podNetworks: narrowRanges(podNetworks, family), serviceNetworks: narrowRanges(serviceNetworks, family) }
    return baseRuleset(table, family, known)
  })
  return { commands: bases.join('') + plan.commands, delta: plan.delta, stale: [] }
}

const valueOf = (keys: readonly string[], elementOf: (key: string) => Element | undefined): Element | undefined => {
  const [first] = keys
  return first === undefined ? undefined : elementOf(first)
}

const sameElement = (a: Element | undefined, b: Element): boolean => a !== undefined && a.value === b.value
