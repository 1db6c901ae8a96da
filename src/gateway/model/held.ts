import type { Rule } from '#routing'
import { type Finding, MAPS, type MapName, type Wish } from './wish.ts'

/** What is kept of a wish besides its claims: there are thousands, and most are alike. */
export interface Held {
  readonly maps: readonly MapName[]
  readonly backends: readonly string[]
  readonly services: readonly string[]
  readonly certificates: Wish['certificates']
  readonly findings: readonly Finding[]
}

/** Who names a Service; the Service alone. */
export interface Users {
  readonly wishes: Set<string>
  readonly alone: readonly [service: string]
}

export const NOTHING: readonly never[] = []
const ALONE: Readonly<Record<MapName, readonly MapName[]>> = {
  exact: ['exact'],
  prefix: ['prefix'],
  defaults: ['defaults'],
  sni: ['sni'],
  listeners: ['listeners'],
}

/** `backendAlone` and `serviceAlone` give the one list of just that, which all share. */
export function heldOf(
  { routes, backends, services, certificates, findings }: Wish,
  backendAlone: (key: string) => readonly string[] | undefined,
  serviceAlone: (service: string) => readonly string[] | undefined,
): Held {
  const maps = MAPS.filter((map) => routes.some((route) => route.map === map))
  const [map, backend, service] = [onlyOf(maps), onlyOf([...backends.keys()]), onlyOf([...services])]
  return {
    maps: map === undefined ? maps : ALONE[map],
    backends: (backend === undefined ? undefined : backendAlone(backend)) ?? listOf(backends.keys()),
    services: (service === undefined ? undefined : serviceAlone(service)) ?? listOf(services),
    certificates: certificates.length === 0 ? NOTHING : certificates,
    findings: findings.length === 0 ? NOTHING : findings,
  }
}

const onlyOf = <T>([first, ...others]: readonly T[]): T | undefined => (others.length === 0 ? first : undefined)

function listOf(values: Iterable<string>): readonly string[] {
  const list = [...values]
  return list.length === 0 ? NOTHING : list
}

/** The backend of rules that `forwardTo` would have made. */
export function plainlyTo(rules: readonly Rule[]): string | undefined {
  const rule = onlyOf(rules)
  if (
    rule === undefined ||
    rule.when !== undefined ||
    rule.observe !== undefined ||
    rule.action.kind !== 'forward' ||
    Object.keys(rule.action).length > 2
  )
    return undefined
  const share = onlyOf(rule.action.to)
  return share?.weight === 1 && Object.keys(share).length === 2 ? share.backend : undefined
}
