import { type Condition, type Forward, type Observe, type Redirect, type Rule, type Share, answers } from '#routing'
import { type Spot, spotText } from '../model/spot.ts'
import { DEEP_KEY, type Finding, type WantedRoute, type Wish } from '../model/wish.ts'
import { observeOf } from '../model/annotations/observe.ts'
import { type Passes, hasPasses, readPasses } from '../model/annotations/passes.ts'
import type { Parent } from './attach.ts'
import { type BackendView, Backends } from './backends.ts'
import { type Verdict, isFalse, isTrue } from './status/conditions.ts'
import { readFilters } from './filters/filters.ts'
import { durationMs, readRetry } from './filters/retry.ts'
import { keysOfHost } from './hostnames.ts'
import { type BackendReference, type GRPCRoute, type HTTPRoute, type HTTPRouteRule, type Route, type TLSRoute, keyOf } from './kinds.ts'
import { isUsual } from './listeners.ts'
import { type ReadMatch, type Unsupported, httpMatchOf, readMatch } from './matches.ts'

/** The two ports whose requests are led by keys without a port. */
export interface UsualPorts {
  readonly httpPort: number
  readonly httpsPort: number
}

export interface JudgedRoute {
  readonly wish: Wish
  /** Of every parent, beside what each says of its own. */
  readonly verdicts: readonly Verdict[]
  /** Nothing of it can be served, whatever its parents say. */
  readonly refused: Verdict | undefined
}

const DAY_MS = 86_400_000

/** What a route wants where it is attached. Pure: the same route in the same surroundings wants the same. */
export function judgeHttpRoute(route: HTTPRoute, parents: readonly Parent[], view: BackendView, ports: UsualPorts): JudgedRoute {
  return judgeRequests('HTTPRoute', route, route.spec.rules ?? [{}], parents, view, ports)
}

export function judgeGrpcRoute(route: GRPCRoute, parents: readonly Parent[], view: BackendView, ports: UsualPorts): JudgedRoute {
  const rules = (route.spec?.rules ?? []).map((rule): HTTPRouteRule => ({ ...rule, matches: (rule.matches ?? [{}]).map(httpMatchOf) }))
  return judgeRequests('GRPCRoute', route, rules, parents, view, ports)
}

function judgeRequests(
  kind: 'HTTPRoute' | 'GRPCRoute',
  route: Route,
  rules: readonly HTTPRouteRule[],
  parents: readonly Parent[],
  view: BackendView,
  ports: UsualPorts,
): JudgedRoute {
  const isGrpc = kind === 'GRPCRoute'
  const backends = new Backends(kind, route.metadata?.namespace ?? '', view, isGrpc ? 'h2c' : undefined)
  const places = placesOf(parents, ports)
  const routes: WantedRoute[] = []
  const problems: string[] = []
  const said = readAnnotations(kind, route, view)
  for (const [at, rule] of rules.entries()) {
    const read = readRule(rule, backends, isGrpc)
    if ('problem' in read) problems.push(`rule ${at}${rule.name === undefined ? '' : ` (${rule.name})`}: ${read.problem}`)
    else for (const { match, action } of read) routes.push(...wanted(match, guarded(action, said.passes), said.observe, places))
  }
  for (const { path, when, precedence, action } of said.passes.paths) {
    const match: ReadMatch = { map: 'exact', path, conditions: when === undefined ? [] : [when], precedence, prefix: undefined, what: '' }
    routes.push(...wanted(match, action, undefined, places).map((one) => ({ ...one, what: '' })))
  }
  if (places.some(({ host }) => host.startsWith('*.')))
    routes.push({ map: 'defaults', key: DEEP_KEY, precedence: '9', rules: [], what: '' })
  const refused =
    rules.length > 0 && problems.length === rules.length ? isFalse('Accepted', 'UnsupportedValue', problems.join('; ')) : undefined
  const verdicts = [
    backends.problem ?? isTrue('ResolvedRefs', 'ResolvedRefs'),
    ...(problems.length > 0 && refused === undefined
      ? [isTrue('PartiallyInvalid', 'UnsupportedValue', `Dropped Rule: ${problems.join('; ')}`)]
      : []),
  ]
  return { wish: wishOf(kind, route, routes, backends, said.findings), verdicts, refused }
}

/** TLSRoutes lead connections by the name that they ask for. */
export function judgeTlsRoute(route: TLSRoute, parents: readonly Parent[], view: BackendView): JudgedRoute {
  const backends = new Backends('TLSRoute', route.metadata?.namespace ?? '', view, 'tcp')
  // Whoever is not there has his part of the connections all the same: they are closed.
  const to = (route.spec.rules[0]?.backendRefs ?? []).map(
    ({ weight = 1, ...one }): Share => ({ backend: backends.keyFor(one) ?? answers(503), weight }),
  )
  const rules: readonly Rule[] = [{ action: { kind: 'forward', to } }]
  const routes = parents.flatMap(({ attached }) =>
    attached.flatMap(({ listener, hosts }) =>
      listener.isServed
        ? hosts.map(
            (host): WantedRoute => ({
              map: 'sni',
              key: `${spotText(listener.spot)}:${host}`,
              rules,
              what: `connections for ${host} at port ${spotText(listener.spot)}`,
            }),
          )
        : [],
    ),
  )
  return {
    wish: wishOf('TLSRoute', route, unique(routes), backends),
    verdicts: [backends.problem ?? isTrue('ResolvedRefs', 'ResolvedRefs')],
    refused: hasPasses(route.metadata?.annotations ?? {})
      ? isFalse(
          'Accepted',
          'UnsupportedValue',
          'connections of a TLSRoute are not decrypted: no token of theirs can be looked at, and nobody can log in',
        )
      : undefined,
  }
}

interface ReadAnnotations {
  readonly passes: Passes
  readonly observe: Observe | undefined
  readonly findings: readonly Finding[]
}

function readAnnotations(kind: string, route: Route, view: BackendView): ReadAnnotations {
  const [annotations, wish] = [route.metadata?.annotations ?? {}, wishIdOf(kind, keyOf(route))]
  const findings: Finding[] = []
  const observe = observeOf(wish, annotations, (one) => view.observed(one))
  if (observe !== undefined && 'problem' in observe) findings.push({ reason: 'AnnotationRefused', message: observe.problem })
  const passes = readPasses(wish, route, view)
  return {
    passes,
    observe: observe === undefined || 'problem' in observe ? undefined : observe,
    findings: [...findings, ...passes.findings],
  }
}

function guarded(action: Rule['action'], { isClosed, needs }: Passes): Rule['action'] {
  if (isClosed) return { kind: 'forward', to: [{ backend: answers(503), weight: 1 }] }
  return action.kind === 'forward' ? { ...action, ...needs } : action
}

export const wishIdOf = (kind: string, key: string): string => `${kind} ${key}`

function wishOf(kind: string, route: Route, routes: readonly WantedRoute[], backends: Backends, findings: readonly Finding[] = []): Wish {
  const id = wishIdOf(kind, keyOf(route))
  return {
    id,
    rank: `${route.metadata?.creationTimestamp ?? ''} ${keyOf(route)}`,
    routes,
    backends: backends.ports,
    services: backends.services,
    certificates: [],
    findings,
  }
}

/** In front of the host in keys: empty for the usual two ports. */
export const spaceOf = (spot: Spot, ports: UsualPorts): string => (isUsual(spot, ports) ? '' : `${spotText(spot)}:`)

interface Place {
  /** As `spaceOf` has it. */
  readonly space: string
  readonly host: string
  /** The one way in which requests come; undefined: both. */
  readonly scheme: 'http' | 'https' | undefined
}

/** Where the route's requests come in, each place once. */
function placesOf(parents: readonly Parent[], ports: UsualPorts): readonly Place[] {
  const schemes = new Map<string, Set<'http' | 'https'>>()
  for (const { attached } of parents)
    for (const { listener, hosts } of attached) {
      if (!listener.isServed || (listener.kind !== 'http' && listener.kind !== 'https')) continue
      const space = spaceOf(listener.spot, ports)
      for (const host of hosts) {
        const id = `${space} ${host}`
        schemes.set(id, (schemes.get(id) ?? new Set<'http' | 'https'>()).add(listener.kind))
      }
    }
  return [...schemes].map(([id, of]) => {
    const [space = '', host = ''] = id.split(' ')
    const [scheme] = of
    return { space, host, scheme: of.size > 1 || space !== '' ? undefined : scheme }
  })
}

function wanted(match: ReadMatch, action: Rule['action'], observe: Observe | undefined, places: readonly Place[]): readonly WantedRoute[] {
  const then = observe === undefined ? { action } : { action, observe }

  return places.flatMap(({ space, host, scheme }) => {
    const of: readonly Condition[] = [...(scheme === undefined ? [] : [{ kind: 'scheme', is: scheme } as const]), ...match.conditions]
    const [only] = of
    const when: Condition | undefined = of.length > 1 ? { kind: 'all', of } : only
    const rules: readonly Rule[] = [when === undefined ? then : { when, ...then }]
    const what = `${host === '' ? 'any host' : host}${match.what}`
    return keysOfHost(host).map(
      (key): WantedRoute => ({ map: match.map, key: `${space}${key}${match.path}`, precedence: match.precedence, rules, what }),
    )
  })
}

function readRule(
  rule: HTTPRouteRule,
  backends: Backends,
  isGrpc: boolean,
): readonly { readonly match: ReadMatch; readonly action: Forward | Redirect }[] | Unsupported {
  if (rule.sessionPersistence !== undefined) return { problem: 'sessionPersistence is not served' }
  const retrying = readRetry(rule)
  if (retrying !== undefined && 'problem' in retrying) return retrying
  const timeoutMs = timeoutOf(rule.timeouts)
  const broken = isGrpc ? answers(503) : answers(500)
  // Calls of gRPC do not say how long they are: they could not be copied without being kept waiting.
  const keyFor = isGrpc ? undefined : (one: BackendReference): string | undefined => backends.keyFor(one)
  const read: { match: ReadMatch; action: Forward | Redirect }[] = []
  for (const one of rule.matches ?? [{}]) {
    const match = readMatch(one)
    if ('problem' in match) return match
    const filters = readFilters(rule.filters ?? [], match.prefix, keyFor)
    if ('problem' in filters) return filters
    if (filters.redirect !== undefined) {
      read.push({ match, action: filters.redirect })
      continue
    }
    const to = sharesOf(rule, match, broken, (one) => backends.keyFor(one, retrying?.retry) ?? broken)
    if ('problem' in to) return to
    const { edits, cors, mirrors } = filters
    read.push({
      match,
      action: {
        kind: 'forward',
        to,
        ...(edits.length === 0 ? {} : { edits }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(cors === undefined ? {} : { cors }),
        ...(mirrors.length === 0 ? {} : { mirrors }),
      },
    })
  }
  return read
}

/** Whoever cannot be reached answers his part with an error; where nobody has a part, everything is one. */
function sharesOf(
  rule: HTTPRouteRule,
  match: ReadMatch,
  broken: string,
  backendOf: (reference: BackendReference) => string,
): readonly Share[] | Unsupported {
  const shares: Share[] = []
  for (const { filters: own = [], weight = 1, ...reference } of rule.backendRefs ?? []) {
    const filters = readFilters(own, match.prefix)
    if ('problem' in filters) return filters
    if (filters.redirect !== undefined) return { problem: 'a redirect of one backend is not served' }
    shares.push({ backend: backendOf(reference), weight, ...(filters.edits.length === 0 ? {} : { edits: filters.edits }) })
  }
  return shares.some(({ weight }) => weight > 0) ? shares : [{ backend: broken, weight: 1 }]
}

/** The shorter of both; `0s` is as long as there is. */
function timeoutOf(timeouts: HTTPRouteRule['timeouts']): number | undefined {
  const given = [timeouts?.request, timeouts?.backendRequest].flatMap((text) => (text === undefined ? [] : [durationMs(text)]))
  if (given.length === 0) return undefined
  return Math.min(...given.map((ms) => (ms === 0 ? DAY_MS : ms)), DAY_MS)
}

const unique = (routes: readonly WantedRoute[]): readonly WantedRoute[] => [...new Map(routes.map((route) => [route.key, route])).values()]
