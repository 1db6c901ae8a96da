import type { Condition, Rule } from './rule.ts'

/** Whether any rule asks how the request came. */
export const looksAtScheme = (rules: readonly Rule[]): boolean => rules.some(({ when }) => when !== undefined && mentions(when))

function mentions(condition: Condition): boolean {
  switch (condition.kind) {
    case 'scheme':
      return true
    case 'all':
    case 'any':
      return condition.of.some(mentions)
    case 'not':
      return mentions(condition.of)
    default:
      return false
  }
}

/** What is left of the rules for requests that come this way: they decide the same, and do not ask for the scheme any more. */
export function forScheme(rules: readonly Rule[], scheme: 'http' | 'https'): readonly Rule[] {
  const left: Rule[] = []
  for (const { when, ...rest } of rules) {
    const condition = when === undefined ? true : known(when, scheme)
    if (condition === false) continue
    left.push(condition === true ? rest : { when: condition, ...rest })
    if (condition === true) break
  }
  return left
}

function known(condition: Condition, scheme: 'http' | 'https'): Condition | boolean {
  switch (condition.kind) {
    case 'scheme':
      return condition.is === scheme
    case 'not': {
      const of = known(condition.of, scheme)
      return typeof of === 'boolean' ? !of : { kind: 'not', of }
    }
    case 'all':
    case 'any': {
      // What decides the whole, and what changes nothing.
      const decides = condition.kind === 'any'
      const of: Condition[] = []
      for (const part of condition.of) {
        const one = known(part, scheme)
        if (one === decides) return decides
        if (typeof one !== 'boolean') of.push(one)
      }
      const [only] = of
      return only === undefined ? !decides : of.length === 1 ? only : { kind: condition.kind, of }
    }
    default:
      return condition
  }
}
