import type { KubeObject, ResourceRef } from '#api'
import { ROUTE_BEFORE, type Share, TRACKS, trackName } from './shares.ts'

interface BackendRef {
  readonly group?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
  readonly port?: number
  readonly weight?: number
}

/** As much of an HTTPRoute of Gateway API as a release looks at; all else is kept. */
export interface HttpRoute extends KubeObject {
  readonly spec: { readonly rules?: readonly { readonly backendRefs?: readonly BackendRef[] }[] }
}

export const httpRouteRef: ResourceRef<HttpRoute> = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
}

/** Weights of a rule that is shared are so much larger: what the Service had of it is divided into hundredths. */
const SCALE = 100
const LARGEST_WEIGHT = 1_000_000
const MOST_BACKENDS = 16

/** Why requests to this Service cannot be shared by this route; undefined when they can. */
export function httpRouteProblem(route: HttpRoute, service: string): string | undefined {
  const namespace = route.metadata?.namespace ?? ''
  const rules = (route.spec.rules ?? []).map(({ backendRefs = [] }) => backendRefs)
  const own = rules.filter((backends) => backends.some((one) => leadsTo(one, service, namespace)))
  if (own.length === 0) return `none of its rules leads to the Service ${service}`
  if (route.metadata?.annotations?.[ROUTE_BEFORE] !== undefined) return undefined
  const beside = rules.flat().find((one) => TRACKS.some((track) => leadsTo(one, trackName(service, track), namespace)))
  if (beside !== undefined) return `it leads to ${beside.name} already`
  if (own.flat().some((one) => weightOf(one) * SCALE > LARGEST_WEIGHT))
    return `a weight beside the Service ${service} is above ${LARGEST_WEIGHT / SCALE}: it cannot be divided into hundredths`
  const grown = own.map((backends) => backends.length + TRACKS.length * backends.filter((one) => leadsTo(one, service, namespace)).length)
  return grown.some((count) => count > MOST_BACKENDS) ? `a rule would have more than ${MOST_BACKENDS} backends` : undefined
}

/**
 * The route with all that it leads to `service` shared as `shares` says, that Service among them; as it was before when there are none. One object: weights change
 * in one step. A rule is known to be shared by the backends that a release has put there; what somebody has set anew meanwhile is shared anew.
 */
export function withHttpShares(route: HttpRoute, service: string, shares: readonly Share[]): HttpRoute {
  const namespace = route.metadata?.namespace ?? ''
  const rules = route.spec.rules?.map((rule) => {
    const before = unshared(rule.backendRefs ?? [], service, namespace)
    const isLed = before.some((one) => leadsTo(one, service, namespace))
    if (rule.backendRefs === undefined || (before === rule.backendRefs && !isLed)) return rule
    return { ...rule, backendRefs: isLed && shares.length > 0 ? shared(before, service, namespace, shares) : before }
  })
  const { annotations = {}, ...metadata } = route.metadata ?? {}
  const { [ROUTE_BEFORE]: _before, ...others } = annotations
  const now = shares.length === 0 ? others : { ...annotations, [ROUTE_BEFORE]: 'hundredths' }
  return {
    ...route,
    metadata: Object.keys(now).length === 0 ? metadata : { ...metadata, annotations: now },
    spec: { ...route.spec, ...(rules === undefined ? {} : { rules }) },
  }
}

function shared(backends: readonly BackendRef[], service: string, namespace: string, shares: readonly Share[]): readonly BackendRef[] {
  return backends.flatMap((one) =>
    leadsTo(one, service, namespace)
      ? shares.map(({ service: name, weight }) => ({ ...one, name, weight: weightOf(one) * weight }))
      : [{ ...one, weight: weightOf(one) * SCALE }],
  )
}

/** The backends of a rule as they were before it was shared; the same ones when it is not. */
function unshared(backends: readonly BackendRef[], service: string, namespace: string): readonly BackendRef[] {
  const isTrack = (one: BackendRef): boolean => TRACKS.some((track) => leadsTo(one, trackName(service, track), namespace))
  if (!backends.some(isTrack)) return backends
  const before: BackendRef[] = []
  // What was one stands side by side, the Service first.
  for (const one of backends) {
    const last = before.at(-1)
    if (isTrack(one) && last !== undefined) before[before.length - 1] = { ...last, weight: weightOf(last) + weightOf(one) }
    else if (!isTrack(one)) before.push(one)
  }
  return before.map((one) => ({ ...one, weight: Math.round(weightOf(one) / SCALE) }))
}

const leadsTo = ({ group = '', kind = 'Service', name, namespace }: BackendRef, service: string, own: string): boolean =>
  group === '' && kind === 'Service' && name === service && (namespace ?? own) === own

const weightOf = ({ weight }: BackendRef): number => weight ?? 1
