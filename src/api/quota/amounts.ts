import { addQuantities, compareQuantities, subtractQuantities } from '../meta/quantity.ts'
import type { Amounts } from '../pods/resources.ts'

/** The arithmetic of amounts by resource name, as quotas need it. */

export function addAmounts(one: Amounts, other: Amounts): Amounts {
  const sum: Record<string, string> = { ...one }
  for (const [name, amount] of Object.entries(other)) {
    const there = sum[name]
    sum[name] = there === undefined ? amount : addQuantities(there, amount)
  }
  return sum
}

/** What `now` has more than `before`; less is nothing. */
export function growth(now: Amounts, before: Amounts): Amounts {
  return Object.fromEntries(
    Object.entries(now).map(([name, amount]) => {
      const more = before[name] === undefined ? amount : subtractQuantities(amount, before[name])
      return [name, compareQuantities(more, 0) > 0 ? more : '0']
    }),
  )
}

export function onlyNamed(amounts: Amounts, names: Iterable<string>): Amounts {
  const wanted = new Set(names)
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => wanted.has(name)))
}

export function withoutZeros(amounts: Amounts): Amounts {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => compareQuantities(amount, 0) !== 0))
}

export function sameAmounts(one: Amounts | undefined, other: Amounts | undefined): boolean {
  const first = Object.entries(one ?? {})
  if (first.length !== Object.keys(other ?? {}).length) return false
  return first.every(([name, amount]) => other?.[name] !== undefined && compareQuantities(amount, other[name]) === 0)
}
