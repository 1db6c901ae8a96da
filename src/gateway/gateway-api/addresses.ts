import { type Verdict, isFalse } from './status/conditions.ts'
import { type Gateway, keyOf } from './kinds.ts'

export interface AddressView {
  /** Shared by all Gateways that have none of their own, and by Ingresses. */
  readonly address: string
  /** Those that can be somebody's own. */
  readonly ownAddresses: readonly string[]
  /** Where a Gateway has been served until now. */
  addressBefore(gateway: Gateway): string | undefined
}

export interface Addressed {
  /** Undefined: it has none that it may be served at. */
  readonly address: string | undefined
  readonly isOwn: boolean
  /** Something that it names and has not got. */
  readonly problem: Verdict | undefined
}

/**
 * Who is served where, by key. An address of one's own is one Gateway's: the one that has it keeps it, then who names it has it before who names none, and of
 * several the older. Nobody is moved from where he is by what others do. `byAge` begins with the oldest.
 */
export function assignAddresses(byAge: readonly Gateway[], view: AddressView): ReadonlyMap<string, Addressed> {
  const own = new Set(view.ownAddresses.filter((one) => one !== view.address))
  const holders = new Map<string, string>()
  const hold = (gateway: Gateway, address: string): boolean => {
    if (!own.has(address) || (holders.get(address) ?? keyOf(gateway)) !== keyOf(gateway)) return false
    holders.set(address, keyOf(gateway))
    return true
  }
  const held = new Map<string, string>()
  const give = (gateway: Gateway, address: string | undefined): void => {
    if (address === undefined || held.has(keyOf(gateway))) return
    if (address === view.address || hold(gateway, address)) held.set(keyOf(gateway), address)
  }
  for (const gateway of byAge) {
    const [before, named] = [view.addressBefore(gateway), namedBy(gateway)]
    if (named.length === 0 || (before !== undefined && named.includes(before))) give(gateway, before)
  }
  for (const gateway of byAge) for (const address of namedBy(gateway)) give(gateway, address)
  for (const gateway of byAge)
    if (namedBy(gateway).length === 0) give(gateway, [...own].find((address) => !holders.has(address)) ?? view.address)
  return new Map(
    byAge.map((gateway) => {
      const address = held.get(keyOf(gateway))
      const missing = namedBy(gateway).find((one) => one !== address)
      const problem = missing === undefined ? undefined : isFalse('Programmed', 'AddressNotUsable', whyNot(missing, address, holders, view))
      return [keyOf(gateway), { address, isOwn: address !== undefined && own.has(address), problem }]
    }),
  )
}

const namedBy = ({ spec }: Gateway): readonly string[] => (spec.addresses ?? []).flatMap(({ value = '' }) => (value === '' ? [] : [value]))

function whyNot(missing: string, has: string | undefined, holders: ReadonlyMap<string, string>, view: AddressView): string {
  const holder = holders.get(missing)
  if (holder !== undefined) return `${missing} is the address of the Gateway ${holder}`
  const usable = [view.address, ...view.ownAddresses]
  if (usable.includes(missing)) return `${missing} is not served: a Gateway has one address, and this one is at ${has ?? 'none'}`
  const free = usable.filter((one) => !holders.has(one))
  return `${missing} is no address of this gateway: ${free.join(', ')} ${free.length === 1 ? 'is' : 'are'}`
}
