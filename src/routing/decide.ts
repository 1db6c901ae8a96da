import { accepts } from './regex.ts'
import type { Condition, Redirect, Rule, Share, TextMatch } from './rule.ts'
import { clientHash, spreadOf } from './spread.ts'

/** A request as far as rules look at it. */
export interface Asked {
  readonly scheme: 'http' | 'https'
  readonly method: string
  readonly host: string
  readonly path: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: Readonly<Record<string, string>>
  /** Decoded. */
  readonly query: Readonly<Record<string, string>>
  /** IPv4. */
  readonly source: string
  /** In the cookie that the gateway gives. */
  readonly client?: string
}

/**
 * What a list of rules says of a request: the reference of the language. `draw` (0 to below 1) decides where nothing sticks. Undefined: no rule takes it;
 * a share that is undefined: a rule takes it, and has nobody to lead it to.
 */
export function decide(
  rules: readonly Rule[],
  asked: Asked,
  draw: number,
): { readonly share: Share | undefined } | { readonly redirect: Redirect } | undefined {
  const rule = rules.find(({ when }) => when === undefined || holds(when, asked))
  if (rule === undefined) return undefined
  if (rule.action.kind === 'redirect') return { redirect: rule.action }
  const { to, stick } = rule.action
  if (stick === undefined) return { share: drawn(to, draw) }
  const { by, salt } = stick
  const client = by.kind === 'cookie' ? asked.client : by.kind === 'source' ? asked.source : asked.headers[by.name]
  return { share: client === undefined || client === '' ? drawn(to, draw) : spreadOf(to, clientHash(salt, client)) }
}

function drawn(shares: readonly Share[], draw: number): Share | undefined {
  let left = draw * shares.reduce((sum, { weight }) => sum + weight, 0)
  for (const share of shares) {
    if (share.weight > 0 && left < share.weight) return share
    left -= share.weight
  }
  return shares.findLast(({ weight }) => weight > 0)
}

function holds(condition: Condition, asked: Asked): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((one) => holds(one, asked))
    case 'any':
      return condition.of.some((one) => holds(one, asked))
    case 'not':
      return !holds(condition.of, asked)
    case 'method':
      return asked.method === condition.is
    case 'scheme':
      return asked.scheme === condition.is
    case 'host':
    case 'path':
      return matches(condition.value, asked[condition.kind])
    case 'header':
      return matches(condition.value, asked.headers[condition.name])
    case 'cookie':
      return matches(condition.value, asked.cookies[condition.name])
    case 'query':
      return matches(condition.value, asked.query[condition.name])
    case 'source':
      return inNetwork(asked.source, condition.address, condition.bits)
  }
}

function matches(match: TextMatch, text: string | undefined): boolean {
  if (text === undefined) return false
  switch (match.how) {
    case 'present':
      return true
    case 'exact':
      return text === match.text
    case 'prefix':
      return text.startsWith(match.text)
    case 'regex':
      return accepts(match.automaton, text)
  }
}

function inNetwork(address: string, network: string, bits: number): boolean {
  const size = 2 ** (32 - bits)
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(network) / size)
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
