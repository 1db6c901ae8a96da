import { type Condition, type Forward, type Rule, type TextMatch, compileRegex, isAnswer } from '#routing'
import { shown } from '../grammar.ts'
import { NGINX } from './words.ts'

/** All that ingress-nginx has for canaries, but what says how its sessions behave. */
export const CANARY_ANNOTATIONS = [
  'canary',
  'canary-weight',
  'canary-weight-total',
  'canary-by-header',
  'canary-by-header-value',
  'canary-by-header-pattern',
  'canary-by-cookie',
].map((name) => `${NGINX}${name}`)

const NAME = /^[A-Za-z0-9_-]{1,64}$/
const WHOLE = 1_000_000

/** What an Ingress takes of the requests of another one with the same host and path. */
export interface Canary {
  /** Whose requests it takes, and whose it never gets, in the order in which they are asked. */
  readonly decides: readonly { readonly when: Condition; readonly takes: boolean }[]
  /** Of all other requests, 0 to 1. */
  readonly share: number
}

/** Undefined: the Ingress is no canary. */
export function readCanary(annotations: Readonly<Record<string, string>>): Canary | { readonly problem: string } | undefined {
  const of = (name: string): string | undefined => annotations[`${NGINX}${name}`]
  if (of('canary') !== 'true') return undefined
  const weight = numberOf(of('canary-weight') ?? '0')
  const total = numberOf(of('canary-weight-total') ?? '100')
  if (weight === undefined || total === undefined || total === 0 || weight > total)
    return { problem: `the weight ${shown(of('canary-weight') ?? '')} of ${shown(of('canary-weight-total') ?? '100')} is no share` }
  const decides: { when: Condition; takes: boolean }[] = []
  const header = of('canary-by-header')
  const cookie = of('canary-by-cookie')
  for (const name of [header, cookie])
    if (name !== undefined && !NAME.test(name)) return { problem: `${shown(name)} is no name of a header or cookie` }
  if (header !== undefined) {
    const on = (value: TextMatch): Condition => ({ kind: 'header', name: header.toLowerCase(), value })
    const [value, pattern] = [of('canary-by-header-value'), of('canary-by-header-pattern')]
    if (value !== undefined) decides.push({ when: on({ how: 'exact', text: value }), takes: true })
    else if (pattern !== undefined) {
      const automaton = compileRegex(pattern)
      if ('problem' in automaton) return { problem: `the pattern ${shown(pattern)}: ${automaton.problem}` }
      decides.push({ when: on({ how: 'regex', automaton }), takes: true })
    } else decides.push({ when: on(ALWAYS), takes: true }, { when: on(NEVER), takes: false })
  }
  if (cookie !== undefined) {
    const on = (value: TextMatch): Condition => ({ kind: 'cookie', name: cookie, value })
    decides.push({ when: on(ALWAYS), takes: true }, { when: on(NEVER), takes: false })
  }
  return { decides, share: weight / total }
}

const ALWAYS: TextMatch = { how: 'exact', text: 'always' }
const NEVER: TextMatch = { how: 'exact', text: 'never' }

/** The rules of a route of which canaries take their part, the first one first. What has been shared among Services stays in the same proportions. */
export function withCanaries(
  rules: readonly Rule[],
  canaries: readonly { readonly canary: Canary; readonly backend: string | undefined }[],
): readonly Rule[] {
  const first: Rule[] = []
  const whole = (when: Condition): readonly Rule[] =>
    rules.map((rule) => ({ ...rule, when: rule.when === undefined ? when : ({ kind: 'all', of: [when, rule.when] } as const) }))
  for (const { canary, backend } of canaries)
    for (const { when, takes } of canary.decides)
      if (takes) first.push(...inPlaceOf(whole(when), when, backend))
      else first.push(...whole(when))
  const taken = canaries.flatMap(({ canary, backend }) =>
    backend === undefined || canary.share === 0 ? [] : [{ backend, share: canary.share }],
  )
  if (taken.length === 0) return [...first, ...rules]
  return [
    ...first,
    ...rules.map((rule) =>
      rule.action.kind === 'forward' && !isAnswer(rule.action) ? { ...rule, action: shared(rule.action, taken) } : rule,
    ),
  ]
}

/** Whoever takes requests of a route takes them as the route gives them: what it redirects, changes or refuses goes for him too. */
function inPlaceOf(rules: readonly Rule[], when: Condition, backend: string | undefined): readonly Rule[] {
  const to = backend === undefined ? [] : [{ backend, weight: 1 }]
  const at = rules.findIndex(({ action }) => action.kind === 'forward' && !isAnswer(action))
  const action = rules[at]?.action
  if (action?.kind !== 'forward') return rules.length > 0 ? rules : [{ when, action: { kind: 'forward', to } }]
  return [...rules.slice(0, at), { ...rules[at], when, action: { ...action, to, stick: undefined } }]
}

function shared(forward: Forward, taken: readonly { readonly backend: string; readonly share: number }[]): Forward {
  const part = Math.min(
    1,
    taken.reduce((sum, { share }) => sum + share, 0),
  )
  const whole = forward.to.reduce((sum, { weight }) => sum + weight, 0)
  const left =
    whole === 0 ? [] : forward.to.map(({ backend, weight }) => ({ backend, weight: Math.round(((1 - part) * WHOLE * weight) / whole) }))
  return { ...forward, to: [...left, ...taken.map(({ backend, share }) => ({ backend, weight: Math.round(share * WHOLE) }))] }
}

const numberOf = (text: string): number | undefined => (/^\d{1,7}$/.test(text) ? Number(text) : undefined)
