import type { Findings } from '../reader.ts'
import type { AliyunLabels } from './labels.ts'
import { WEIGHT } from './routes.ts'

/** A service that answers for an address. */
export interface Answerer {
  readonly service: string
  readonly containerPort: number
  /** Relative to the others of the address. */
  readonly weight: number
}

export const addressOf = ({ host, path }: { readonly host: string; readonly path: string }): string => `${host}${path}`

/**
 * Who answers for each address (`addressOf`) of a project. Several services have one only where each says its weight: otherwise one would take the other's
 * requests without anybody having said so.
 */
export function answerersOf(read: ReadonlyMap<string, AliyunLabels>, findings: Findings): ReadonlyMap<string, readonly Answerer[]> {
  const found = new Map<string, Answerer[]>()
  const refuse = (service: string, label: string, text: string): void => findings.refuse(['services', service, 'labels', label], text)
  for (const [service, { routes, weight }] of read)
    for (const route of routes) {
      const others = found.get(addressOf(route)) ?? []
      const [first] = others
      found.set(addressOf(route), [...others, { service, containerPort: route.containerPort, weight: weight ?? 0 }])
      if (first === undefined) continue
      const silent = [first.service, service].find((one) => read.get(one)?.weight === undefined)
      if (first.service === service) refuse(service, route.label, `${addressOf(route)} leads to port ${first.containerPort} already`)
      else if (silent !== undefined)
        refuse(service, route.label, `${addressOf(route)} belongs to service ${first.service} already: to share it, give both ${WEIGHT}`)
    }
  for (const [service, { routes, weight }] of read) {
    if (weight === undefined) continue
    const shared = routes.filter((route) => (found.get(addressOf(route)) ?? []).length > 1)
    if (shared.length === 0)
      findings.note(['services', service, 'labels', WEIGHT], 'has no effect: no other service has an address of this one')
    for (const route of shared)
      if ((found.get(addressOf(route)) ?? []).every((one) => one.weight === 0))
        refuse(service, WEIGHT, `nobody would answer for ${addressOf(route)}: all of its weights are 0`)
  }
  return found
}
