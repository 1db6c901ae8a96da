import { type Rule, fitsProgram } from '#routing'
import type { Claim } from './claims.ts'
import { type Finding, NO_CONDITIONS, type WantedRoute, nameOfWish } from './wish.ts'

/** Somebody who has not got what he wanted of a key. */
export interface Shadowed {
  readonly owner: string
  /** As he would call it. */
  readonly what: string
  /** Who has it; undefined: nobody, there is no room for more. */
  readonly by: string | undefined
}

/**
 * One list of rules of what several want of one host and path: more conditions first, and of the same the older, as `precedence` and the order of the claims
 * say. Claims that say nothing of others stand for the whole of their kind: the first of them alone has a place in the list.
 */
export function combine(claims: readonly Claim<WantedRoute>[]): {
  readonly rules: readonly Rule[]
  readonly shadowed: readonly Shadowed[]
} {
  const sorted = claims.some(({ value }) => value.precedence !== undefined)
    ? claims.toSorted((a, b) => compare(a.value.precedence ?? NO_CONDITIONS, b.value.precedence ?? NO_CONDITIONS))
    : claims
  const taken: Claim<WantedRoute>[] = []
  const shadowed: Shadowed[] = []
  const byCondition = new Map<string, Claim<WantedRoute>>()
  let whole: Claim<WantedRoute> | undefined
  let last: Claim<WantedRoute> | undefined
  for (const claim of sorted) {
    const { precedence, rules } = claim.value
    const condition = precedence === undefined ? '' : JSON.stringify(rules[0]?.when ?? null)
    const winner = last ?? (precedence === undefined ? whole : byCondition.get(condition))
    if (winner !== undefined) {
      if (isTold(claim, winner)) shadowed.push({ owner: claim.owner, what: claim.value.what, by: winner.owner })
      continue
    }
    taken.push(claim)
    if (precedence === undefined) whole = claim
    else byCondition.set(condition, claim)
    if (rules.at(-1)?.when === undefined) last = claim
  }
  while (taken.length > 1 && !fitsProgram(taken.flatMap(({ value }) => value.rules))) {
    const claim = taken.pop()
    if (claim !== undefined) shadowed.push({ owner: claim.owner, what: claim.value.what, by: undefined })
  }
  return { rules: taken.flatMap(({ value }) => value.rules), shadowed }
}

/** What says the same, or stands for nobody, loses nothing. */
const isTold = (claim: Claim<WantedRoute>, winner: Claim<WantedRoute>): boolean =>
  claim.value.what !== '' && !(claim.owner === winner.owner && JSON.stringify(claim.value.rules) === JSON.stringify(winner.value.rules))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function findingOf({ owner, what, by }: Shadowed): Finding {
  if (by === undefined)
    return { reason: 'RouteRefused', message: `${what} is not led: all conditions of its host and path together are too long` }
  const message = `${what} belongs to the ${nameOfWish(by)}${by === owner ? ' already' : ', which is older'}`
  return { reason: 'RouteConflict', message }
}
