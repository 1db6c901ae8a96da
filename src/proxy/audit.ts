import { IP_FAMILIES, type IpFamily } from '#api'
import type { Element } from './kernel/elements.ts'
import { idOf } from './plan.ts'

/** How far the kernel's table is from what it should be. */
export interface Drift {
  readonly elements: number
  /** Identities (container and key), each list in order and cut to a few; the counts are whole. */
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  readonly different: readonly string[]
  readonly count: number
}

const SHOWN = 20
const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' }
/** Filled by the kernel, or constant. */
const OWN_CONTAINERS = /-memory$|^(?:pod|service)-networks$/

/** Pure: nft's JSON listings of the tables against all wanted elements. Throws `SyntaxError` for what is not such a listing. */
export function driftOf(listings: Readonly<Partial<Record<IpFamily, string>>>, wanted: ReadonlyMap<string, Element>): Drift {
  const found = new Map(IP_FAMILIES.flatMap((family) => [...elementsIn(family, listings[family] ?? '{}')]))
  const missing: string[] = []
  const different: string[] = []
  for (const [id, element] of wanted) {
    if (!found.has(id)) missing.push(id)
    else if (found.get(id) !== element.value) different.push(id)
  }
  const unexpected = [...found.keys()].filter((id) => !wanted.has(id))
  const few = (ids: string[]): readonly string[] => ids.sort().slice(0, SHOWN)
  return {
    elements: wanted.size,
    count: missing.length + different.length + unexpected.length,
    missing: few(missing),
    unexpected: few(unexpected),
    different: few(different),
  }
}

/** From identity to value. */
function elementsIn(family: IpFamily, listing: string): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>()
  const { nftables } = record(JSON.parse(listing))
  for (const item of list(nftables)) {
    const { map, set } = record(item)
    const { name, type, elem } = record(map ?? set)
    if (typeof name !== 'string' || OWN_CONTAINERS.test(name)) continue
    const protocolAt = list(type).indexOf('inet_proto')
    for (const one of list(elem)) {
      const [key, value] = map === undefined ? [one] : list(one)
      found.set(
        idOf({ family, container: name, key: partsOf(key, protocolAt).join(' . ') }),
        map === undefined ? undefined : valueOf(value),
      )
    }
  }
  return found
}

function partsOf(key: unknown, protocolAt: number): readonly string[] {
  const { concat } = record(key)
  return (concat === undefined ? [key] : list(concat)).map((part, i) => {
    if (i === protocolAt && typeof part === 'number') return PROTOCOL_NAMES[part] ?? String(part)
    return String(part)
  })
}

function valueOf(value: unknown): string {
  const verdict = record(value)
  if ('goto' in verdict) return `goto ${record(verdict['goto'])['target']}`
  return 'drop' in verdict ? 'drop' : partsOf(value, -1).join(' . ')
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
