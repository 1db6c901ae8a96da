import { type Condition, type Rule, type Stick, parseMatch } from '#routing'
import { shown } from '../grammar.ts'

/** Annotations that say how requests for one path are shared among the Services that an Ingress names for it. */
export const MATCH_ANNOTATIONS = ['nginx.ingress.kubernetes.io/service-match', 'sampan.io/service-match'] as const
export const WEIGHT_ANNOTATIONS = ['nginx.ingress.kubernetes.io/service-weight', 'sampan.io/service-weight'] as const
export const STICKY_ANNOTATION = 'sampan.io/sticky'

const WEIGHT_BY_DEFAULT = 100
const MOST_WEIGHT = 1_000_000
const MOST_SERVICES = 32
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const HEADER = /^[a-z0-9-]{1,64}$/

/** By name of the Service. */
export interface ServiceRules {
  readonly matches: ReadonlyMap<string, Condition>
  /** Absent: weights are not spoken of. */
  readonly weights: ReadonlyMap<string, number> | undefined
  readonly stickTo: Stick['by'] | undefined
}

/** Undefined: the Ingress says nothing of the kind. A problem is the first thing that cannot be understood. */
export function readServiceRules(annotations: Readonly<Record<string, string>>): ServiceRules | { readonly problem: string } | undefined {
  const of = (names: readonly string[]): string | undefined => names.map((name) => annotations[name]).find((text) => text !== undefined)
  const [match, weight, sticky] = [of(MATCH_ANNOTATIONS), of(WEIGHT_ANNOTATIONS), annotations[STICKY_ANNOTATION]]
  if (match === undefined && weight === undefined) return undefined
  const matches = new Map<string, Condition>()
  for (const line of (match ?? '').split('\n')) {
    if (line.trim() === '') continue
    const at = line.indexOf(':')
    const service = line.slice(0, Math.max(at, 0)).trim()
    if (!NAME.test(service)) return { problem: `the line ${shown(line.trim())} does not begin with the name of a Service and a colon` }
    const condition = parseMatch(line.slice(at + 1).trim())
    if ('problem' in condition) return { problem: `the condition for ${service}: ${condition.problem}` }
    matches.set(service, condition)
  }
  const weights = new Map<string, number>()
  for (const one of (weight ?? '').split(/[,\n]/)) {
    if (one.trim() === '') continue
    const [, service = '', text = ''] = /^\s*([^:\s]+)\s*:\s*(\d{1,7})\s*$/.exec(one) ?? []
    if (!NAME.test(service) || Number(text) > MOST_WEIGHT)
      return { problem: `the weight ${shown(one.trim())} is not the name of a Service, a colon and a number up to ${MOST_WEIGHT}` }
    weights.set(service, Number(text))
  }
  if (matches.size > MOST_SERVICES || weights.size > MOST_SERVICES) return { problem: `more than ${MOST_SERVICES} Services are named` }
  const stickTo = readSticky(sticky)
  if (stickTo !== undefined && 'problem' in stickTo) return stickTo
  return { matches, weights: weight === undefined ? undefined : weights, stickTo }
}

function readSticky(text: string | undefined): Stick['by'] | { readonly problem: string } | undefined {
  if (text === undefined) return undefined
  if (text === 'cookie' || text === 'source') return { kind: text }
  const name = /^header: ?(.*)$/.exec(text)?.[1]?.toLowerCase()
  return name !== undefined && HEADER.test(name)
    ? { kind: 'header', name }
    : { problem: `${STICKY_ANNOTATION} is ${shown(text)}, and may be "cookie", "source" or "header: NAME"` }
}

/**
 * The rules of one path. A request that a Service's condition holds for goes to that Service, or, where weights are spoken of, is shared between it and
 * those without a condition; all others are shared among those without. When each has a condition, what none holds for is another route's.
 */
export function rulesOf(
  services: readonly { readonly name: string; readonly backend: string | undefined }[],
  { matches, weights, stickTo }: ServiceRules,
  salt: string,
): readonly Rule[] {
  const stick = stickTo === undefined ? {} : { stick: { by: stickTo, salt } }
  const forward = (names: readonly { readonly name: string; readonly backend: string | undefined }[]): Rule['action'] => ({
    kind: 'forward',
    to: names.flatMap(({ name, backend }) =>
      backend === undefined ? [] : [{ backend, weight: weights === undefined ? 1 : (weights.get(name) ?? WEIGHT_BY_DEFAULT) }],
    ),
    ...stick,
  })
  const open = services.filter(({ name }) => !matches.has(name))
  const rules: Rule[] = services.flatMap((service) => {
    const when = matches.get(service.name)
    return when === undefined ? [] : [{ when, action: forward(weights === undefined ? [service] : [service, ...open]) }]
  })
  return open.length === 0 ? rules : [...rules, { action: forward(open) }]
}
